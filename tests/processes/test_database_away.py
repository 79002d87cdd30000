"""PostgreSQL stopped, cut off and back under a running server: bounded typed errors, recovery by
itself, nothing acknowledged lost (design/reliability.md: PostgreSQL restarted)."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from core.migrations import migrate
from subscriptions.doorbell import CHANNEL
from tests.clients.client import Client
from tests.clients.market import AUCTION, PLACE_BID, Market, usd
from tests.processes.bidding import assert_consistent, send, storm, uuid_of, watching
from tests.processes.databases import own_postgres, started_again
from tests.processes.servers import beside, eventually, server

ANSWER_SECONDS = 15.0  # an operation may take ten (spec/01-api-conventions.md#limits)
INTERNALS = ("asyncpg", "sqlalchemy", "postgres", "socket", "Errno", "Traceback", "connect")


async def test_a_restart_of_postgresql_under_a_storm_of_bids_loses_nothing(
    data_dir: Path,
) -> None:
    with own_postgres(data_dir) as postgres:
        url = postgres.url
        await migrate(url)
        given = {"DATABASE_URL": url, "SOUK_DATA_DIR": data_dir}
        async with server(data_dir, **given) as running, beside(running.url, url) as souk:
            market = await Market.opened(souk)
            product = await market.auction(await souk.member("Sally Seller"))
            bidders = [await souk.member(f"Bidder {number:02}") for number in range(10)]
            async with (
                watching(souk.anonymous, product["id"]) as watcher,
                storm(product["id"], bidders) as blowing,
            ):
                await watcher.until(1)
                await blowing.reach(30)
                await asyncio.to_thread(postgres.stop)
                await _assert_bounded_and_masked(bidders[0], product["id"])
                before = len(blowing.accepted)
                await asyncio.to_thread(started_again, data_dir)
                await blowing.reach(before + 30)
                await blowing.stop()
                again = [sent for sent in blowing.sent if sent.answer is None]
                assert all([await send(sent, product["id"]) for sent in again])
                stored = await assert_consistent(souk.database, product["id"])
                assert sorted(stored) == sorted(blowing.accepted)
                await watcher.until(len(stored))
                assert watcher.bids == stored, "the socket outlived the restart"
                await _assert_rings(url, market, bidders[0], product["id"])
            running.terminate()
            assert await running.exit_code() == 0


async def _assert_bounded_and_masked(bidder: Client, product_id: str) -> None:
    bid = {"productId": product_id, "amount": usd("77777"), "idempotencyKey": "in the outage"}
    answers = await asyncio.wait_for(
        asyncio.gather(
            *[bidder.post(PLACE_BID, input=bid) for _ in range(15)],
            *[bidder.post(AUCTION, id=product_id) for _ in range(15)],
        ),
        ANSWER_SECONDS,
    )
    for answer in answers:
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "INTERNAL", answer
        assert error["extensions"]["requestId"]
        shown = orjson.dumps(answer).decode()
        assert not [word for word in INTERNALS if word in shown], shown
    response = await bidder.http.get("/healthz", timeout=ANSWER_SECONDS)
    assert response.status_code == 200, "the process is alive"
    response = await bidder.http.get("/readyz", timeout=ANSWER_SECONDS)
    assert response.status_code == 503, "and cannot serve"


async def _assert_rings(url: str, market: Market, bidder: Client, product_id: str) -> None:
    rings: list[Any] = []
    listener = await asyncpg.connect(url)
    await listener.add_listener(CHANNEL, lambda *ring: rings.extend(orjson.loads(ring[3])))
    amounts = iter(range(88_000, 99_000, 100))

    async def rung() -> bool:
        placed = await market.bid(bidder, product_id, str(next(amounts)))
        assert placed["__typename"] == "PlaceBidPayload", placed
        await asyncio.sleep(0.1)
        return bool(rings)

    try:
        await eventually(rung, "the server rang for a bid after the restart")
    finally:
        await listener.close()


async def test_a_database_that_refuses_connections_for_a_while_ends_no_watching_and_no_work(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir}
    name = database_url.split("/")[3].split("?")[0]
    async with server(data_dir, **given) as running, beside(running.url, database_url) as souk:
        market = await Market.opened(souk)
        product = await market.auction(await souk.member("Sally Seller"))
        alice, bob = await souk.member("Alice Allison"), await souk.member("Bob Benson")
        async with watching(souk.anonymous, product["id"]) as watcher:
            await market.bid(alice, product["id"], "20")
            await watcher.until(1)
            admin = await asyncpg.connect(database_url.replace(name, "postgres"))
            await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            try:
                cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
                await admin.execute(cut, name)
                await _assert_bounded_and_masked(alice, product["id"])
                await asyncio.sleep(2.5)  # every part that works by itself fails at least once
            finally:
                await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
                await admin.close()

            async def back() -> bool:
                return (await souk.http.get("/readyz")).status_code == 200

            await eventually(back, "the server was ready again")
            await market.bid(bob, product["id"], "30")
            await watcher.until(2)
        assert watcher.bids == await assert_consistent(souk.database, product["id"])


async def test_an_exhausted_pool_gives_bounded_errors_and_is_there_again_afterwards(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "SOUK_DATABASE_POOL": 2}
    async with server(data_dir, **given) as running, beside(running.url, database_url) as souk:
        market = await Market.opened(souk)
        seller = await souk.member("Sally Seller")
        products = [await market.auction(seller) for _ in range(3)]
        product = products[0]
        bidders = [await souk.member(f"Bidder {number:02}") for number in range(6)]
        other = await asyncpg.connect(database_url)
        async with other.transaction():
            lock = "SELECT 1 FROM product WHERE id = ANY ($1) FOR UPDATE"
            await other.execute(lock, [uuid_of(one["id"]) for one in products])
            answers = await asyncio.wait_for(
                asyncio.gather(
                    *[
                        bidder.post(PLACE_BID, input={"productId": one["id"], "amount": usd("20")})
                        for bidder, one in zip(bidders, products * 2, strict=True)
                    ]
                ),
                ANSWER_SECONDS,
            )
        await other.close()
        for answer in answers:
            [error] = answer["errors"]
            assert error["extensions"]["code"] in ("INTERNAL", "TIMEOUT"), answer
        async with storm(product["id"], bidders) as blowing:
            await blowing.reach(20)
            await blowing.stop()
        assert not blowing.unanswered
        stored = await assert_consistent(souk.database, product["id"])
        assert sorted(stored) == sorted(blowing.accepted), "what was given up was not stored"


async def test_bidders_who_wait_for_one_auction_leave_the_connections_to_the_others(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "SOUK_DATABASE_POOL": 2}
    async with server(data_dir, **given) as running, beside(running.url, database_url) as souk:
        market = await Market.opened(souk)
        seller = await souk.member("Sally Seller")
        hot, other = await market.auction(seller), await market.auction(seller)
        bidders = [await souk.member(f"Bidder {number:02}") for number in range(6)]
        holder = await asyncpg.connect(database_url)
        async with holder.transaction():
            lock = "SELECT 1 FROM product WHERE id = $1 FOR UPDATE"
            await holder.execute(lock, uuid_of(hot["id"]))
            waiting = [
                asyncio.create_task(market.bid(bidder, hot["id"], str(20 * number)))
                for number, bidder in enumerate(bidders, 1)
            ]
            await asyncio.sleep(0.5)
            placed = await asyncio.wait_for(market.bid(bidders[0], other["id"], "20"), 5)
            assert placed["__typename"] == "PlaceBidPayload"
            assert not any(task.done() for task in waiting)
        await holder.close()
        answers = await asyncio.gather(*waiting)
        assert {answer["__typename"] for answer in answers} == {"PlaceBidPayload"}, "in order"
        await assert_consistent(souk.database, hot["id"])

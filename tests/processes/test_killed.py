"""A server that is killed or was down: nothing acknowledged is lost, nothing happens twice
(design/reliability.md#faults-and-invariants)."""

import asyncio
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from core.database import Database
from tests.clients.client import Client
from tests.clients.market import Market, in_future, usd
from tests.processes.bidding import assert_consistent, send, storm, uuid_of, watching
from tests.processes.servers import beside, eventually, free_port, server


async def test_a_server_killed_in_a_storm_of_bids_loses_none_and_doubles_none(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "PORT": free_port()}
    async with server(data_dir, **given) as first, beside(first.url, database_url) as souk:
        market = await Market.opened(souk)
        seller = await souk.member("Sally Seller")
        product = await market.auction(seller, reservePrice=usd("300.00"))
        bidders = [await souk.member(f"Bidder {number:02}") for number in range(20)]
        async with (
            watching(souk.anonymous, product["id"]) as watcher,
            storm(product["id"], bidders) as blowing,
        ):
            await watcher.until(1)
            await blowing.reach(60)
            first.kill()
            await blowing.stop()
            await watcher.until_ended()
        assert blowing.unanswered, "bids were under way when the server died"

        async with server(data_dir, **given):
            before = await assert_consistent(souk.database, product["id"])
            assert set(blowing.accepted) <= set(before), "every acknowledged bid is stored"
            # Once more with the same keys, also some that were answered: one effect, one answer.
            again = [*blowing.unanswered, *blowing.sent[:20]]
            assert all(await asyncio.gather(*[send(sent, product["id"]) for sent in again]))
            stored = await assert_consistent(souk.database, product["id"])
            assert sorted(stored) == sorted(blowing.accepted), "each accepted bid, and no other"
            async with watching(souk.anonymous, product["id"], resumed=watcher):
                last = await market.bid(bidders[0], product["id"], "99999")
                await watcher.until(len(stored) + 1)
    assert watcher.bids == [*stored, last["bid"]["id"]]


async def test_an_auction_that_ended_while_no_server_ran_is_closed_once_by_its_recorded_end(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "PORT": free_port()}
    async with (
        server(data_dir, SOUK_WORKER="false", **given) as first,
        beside(first.url, database_url) as souk,
    ):
        market = await Market.opened(souk)
        seller, alice = await souk.member("Sally Seller"), await souk.member("Alice Allison")
        ends_at = in_future(seconds=5)
        product = await market.auction(seller, endsAt=ends_at)
        placed = await market.bid(alice, product["id"], "50")
        assert placed["__typename"] == "PlaceBidPayload"
        first.kill()
        await eventually(lambda: _is_over(souk.database, product["id"]), "it was over")

        given.pop("PORT")
        async with server(data_dir, **given) as second, server(data_dir, **given) as third:
            for running in (second, third):
                viewer = Client(running.url, souk.http)
                async with watching(viewer, product["id"]) as watcher:
                    await watcher.until_ended()
                kinds = [event["kind"] for event in watcher.events]
                assert kinds == ["BID_PLACED", "ENDED", "SETTLED"]
            souk.http.base_url = third.url
            late = await market.bid(await souk.member("Bob Benson"), product["id"], "90")
            seen = await market.look(souk.anonymous, product["id"])
        assert late["__typename"] == "AuctionNotOpen"
        await _assert_closed_by_recorded_end(souk.database, product["id"], ends_at)
    assert (seen["status"], seen["currentPrice"]) == ("SETTLED", usd("10.00"))
    assert [bid["status"] for bid in seen["bids"]["nodes"]] == ["WON"]


async def _is_over(database: Database, product_id: str) -> bool:
    statement = text("SELECT ends_at < clock_timestamp() FROM product WHERE id = :id")
    return bool(await database.scalar(statement.bindparams(id=uuid_of(product_id))))


async def _assert_closed_by_recorded_end(database: Database, product_id: str, ends_at: str) -> None:
    end = datetime.fromisoformat(ends_at)
    statement = text("SELECT ends_at FROM product WHERE id = :id")
    assert await database.scalar(statement.bindparams(id=uuid_of(product_id))) == end
    rows = await database.rows(text("SELECT kind, occurred_at FROM event ORDER BY number"))
    assert [row.kind for row in rows] == ["BID_PLACED", "ENDED", "SETTLED"]
    assert rows[1].occurred_at == end
    assert rows[2].occurred_at > end

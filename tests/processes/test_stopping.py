"""Starting and stopping: what was started is stopped, what runs is finished, clients are told, and
the data is there again (issue 2 "Set-up"; design/reliability.md: SIGTERM)."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # the package ships no types
import pytest

from core.embedded import running_url
from tests.clients.market import Market, usd
from tests.processes.bidding import Watcher, assert_consistent, uuid_of, watching
from tests.processes.servers import (
    Server,
    beside,
    embedded_url,
    eventually,
    free_port,
    launch,
    processes_in,
    server,
)

SOCKETS = 40
WAYS = pytest.mark.parametrize("end", [Server.terminate, Server.interrupt], ids=["TERM", "Ctrl-C"])


async def _nothing_left(data_dir: Path) -> bool:
    return not processes_in(data_dir)


@WAYS
async def test_a_server_that_is_told_to_stop_finishes_writes_and_tells_its_sockets(
    data_dir: Path, end: Callable[[Server], None]
) -> None:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(server(data_dir, SOUK_DATA_DIR=data_dir))
        url = embedded_url(data_dir)
        souk = await stack.enter_async_context(beside(running.url, url))
        market = await Market.opened(souk)
        product = await market.auction(await souk.member("Sally Seller"))
        alice, bob = await souk.member("Alice Allison"), await souk.member("Bob Benson")
        watchers = [
            await stack.enter_async_context(watching(souk.anonymous, product["id"]))
            for _ in range(SOCKETS)
        ]
        await market.bid(alice, product["id"], "50")
        await asyncio.gather(*[watcher.until(1) for watcher in watchers])

        # A bid that is at work when the server is told to stop: it waits for the auction's row.
        other = await asyncpg.connect(url)
        async with other.transaction():
            lock = "SELECT 1 FROM product WHERE id = $1 FOR UPDATE"
            await other.execute(lock, uuid_of(product["id"]))
            at_work = asyncio.create_task(market.bid(bob, product["id"], "90"))
            await eventually(lambda: _waits_for_lock(other), "the bid waited for the row")
            end(running)
            await asyncio.gather(*[watcher.until_ended() for watcher in watchers])
            assert running.process.poll() is None, "a write is at work"
        finished = await at_work
        await other.close()
        assert finished["__typename"] == "PlaceBidPayload"
        assert {watcher.close_code for watcher in watchers} == {1012}
        assert await running.exit_code() == 0
        assert "Traceback" not in running.said, running.said
        assert not processes_in(data_dir), "the database was stopped"
        await _found_again(data_dir, product["id"], watchers[0], finished["bid"]["id"])


async def _waits_for_lock(connection: asyncpg.Connection) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
    )


async def _found_again(data_dir: Path, product_id: str, watcher: Watcher, bid_id: str) -> None:
    async with (
        server(data_dir, SOUK_DATA_DIR=data_dir) as again,
        beside(again.url, embedded_url(data_dir)) as souk,
    ):
        assert bid_id in await assert_consistent(souk.database, product_id)
        async with watching(souk.anonymous, product_id, resumed=watcher):
            await watcher.until(2)
        assert watcher.bids[-1] == bid_id
        again.terminate()
        assert await again.exit_code() == 0


async def test_a_server_that_was_killed_finds_its_database_again_and_stops_it(
    data_dir: Path,
) -> None:
    async with server(data_dir, SOUK_DATA_DIR=data_dir) as killed:
        async with beside(killed.url, embedded_url(data_dir)) as souk:
            market = await Market.opened(souk)
            product = await market.auction(await souk.member("Sally Seller"))
        killed.kill()
    async with server(data_dir, SOUK_DATA_DIR=data_dir) as again:
        async with beside(again.url, embedded_url(data_dir)) as souk:
            seen = await market.look(souk.anonymous, product["id"])
            assert seen["title"] == product["title"]
        again.interrupt()
        assert await again.exit_code() == 0
    assert not processes_in(data_dir)


@pytest.mark.parametrize(
    ("end", "moment"), [(Server.interrupt, "PG_VERSION"), (Server.terminate, "postmaster.pid")]
)
async def test_a_server_that_is_stopped_in_its_first_start_leaves_nothing_and_starts_again(
    data_dir: Path, end: Callable[[Server], None], moment: str
) -> None:
    starting = launch(data_dir / "first.log", free_port(), SOUK_DATA_DIR=data_dir)

    async def begun() -> bool:
        return os.path.exists(data_dir / "postgres" / moment)  # noqa: ASYNC240  a quick look

    try:
        await eventually(begun, f"{moment} was there")
        end(starting)
        await starting.exit_code(30)
        await eventually(lambda: _nothing_left(data_dir), "no database was left", 15)
    finally:
        starting.clean_up()
    async with server(data_dir, SOUK_DATA_DIR=data_dir) as again:
        again.terminate()
        assert await again.exit_code() == 0
    assert not processes_in(data_dir)


async def test_a_taken_port_is_one_line_and_starts_no_database(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = launch(data_dir / "log", port, SOUK_DATA_DIR=data_dir)
        try:
            assert await refused.exit_code(60) == 1
        finally:
            refused.clean_up()
    [line] = refused.said.strip().splitlines()
    assert str(port) in line
    assert "PORT" in line
    assert running_url(data_dir / "postgres") is None
    assert not processes_in(data_dir)


async def test_two_worker_processes_share_the_embedded_database_and_stop_together(
    data_dir: Path,
) -> None:
    given = {"SOUK_DATA_DIR": data_dir, "WEB_CONCURRENCY": 2}
    async with server(data_dir, **given) as running, AsyncExitStack() as stack:
        souk = await stack.enter_async_context(beside(running.url, embedded_url(data_dir)))
        market = await Market.opened(souk)
        product = await market.auction(await souk.member("Sally Seller"), proxyBidding=False)
        watchers: list[Watcher] = []

        async def both_watched() -> bool:
            watcher = await stack.enter_async_context(watching(souk.anonymous, product["id"]))
            watchers.append(watcher)
            await asyncio.sleep(0.1)
            return len(_serving_sockets(running)) == 2

        await eventually(both_watched, "both worker processes served watchers")
        bidders = [await souk.member(f"Bidder {number}") for number in range(4)]
        for amount in range(20, 60, 2):
            placed = await market.bid(bidders[amount // 2 % 4], product["id"], str(amount))
            assert placed["__typename"] == "PlaceBidPayload"
        stored = await assert_consistent(souk.database, product["id"])
        for watcher in watchers:
            await watcher.until(20)
            assert watcher.bids == stored
        children = psutil.Process(running.process.pid).children(recursive=True)
        running.interrupt()
        await asyncio.gather(*[watcher.until_ended() for watcher in watchers])
        assert {watcher.close_code for watcher in watchers} == {1012}
        assert await running.exit_code() == 0
        assert "Traceback" not in running.said, running.said

        async def all_ended() -> bool:
            return not any(child.is_running() for child in children)

        await eventually(all_ended, "every child had ended", 15)
        assert not processes_in(data_dir)
        seen = usd("58.00")
    async with (
        server(data_dir, SOUK_DATA_DIR=data_dir) as again,
        beside(again.url, embedded_url(data_dir)) as souk,
    ):
        assert (await market.look(souk.anonymous, product["id"]))["currentPrice"] == seen


def _serving_sockets(running: Server) -> set[int]:
    """The worker processes that have a connection of a client."""
    return {
        child.pid
        for child in psutil.Process(running.process.pid).children(recursive=True)
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == running.port
    }


async def test_a_second_server_on_the_same_folder_is_refused_and_stops_nothing(
    data_dir: Path,
) -> None:
    async with server(data_dir, SOUK_DATA_DIR=data_dir) as first:
        second = launch(data_dir / "second.log", free_port(), SOUK_DATA_DIR=data_dir)
        try:
            assert await second.exit_code(60) == 1
        finally:
            second.clean_up()
        assert "SOUK_DATA_DIR" in second.said
        assert "Traceback" not in second.said
        async with beside(first.url, embedded_url(data_dir)) as souk:
            market = await Market.opened(souk)
            product = await market.auction(await souk.member("Sally Seller"))
        assert product["status"] == "OPEN", "the first one's database still runs"
        first.terminate()
        assert await first.exit_code() == 0
    assert not processes_in(data_dir)

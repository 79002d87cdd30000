"""Several server processes on one database: a bid on any is seen on all, whatever becomes of the
pub/sub between them (design/reliability.md: the pub/sub server restarted, frozen, slow)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from subscriptions.doorbell import CHANNEL
from tests.clients.client import Client, Souk
from tests.clients.market import Market
from tests.processes.bidding import Storm, Watcher, assert_consistent, storm, watching
from tests.processes.servers import Server, beside, eventually, free_port, server
from tests.processes.valkeys import all_listen, freeze, thaw, valkey

BIDDERS = 8
WATCHERS = 3


@dataclass
class Fair:
    """An auction with a storm of bids on two servers, and watchers on both."""

    souk: Souk
    product_id: str
    blowing: Storm
    watchers: list[Watcher]

    async def go_on(self, bids: int = 20) -> None:
        """Waits until so many more bids were accepted and every watcher has seen them."""
        wanted = len(self.blowing.accepted) + bids
        await self.blowing.reach(wanted)
        await self.all_see(wanted)

    async def all_see(self, bids: int) -> None:
        """Waits until every watcher has seen so many bids."""
        await asyncio.gather(*[watcher.until(bids) for watcher in self.watchers])

    async def end(self) -> None:
        """Ends the storm; every watcher must have seen every bid once, in order."""
        await self.blowing.stop()
        assert not self.blowing.unanswered, "no bid was left without an answer"
        stored = await assert_consistent(self.souk.database, self.product_id)
        assert sorted(stored) == sorted(self.blowing.accepted)
        await self.all_see(len(stored))
        assert all(watcher.bids == stored for watcher in self.watchers)


@asynccontextmanager
async def fair(servers: list[Server], database_url: str) -> AsyncIterator[Fair]:
    """An auction, watched and bid on through all of these servers."""
    async with AsyncExitStack() as stack:
        souk = await stack.enter_async_context(beside(servers[0].url, database_url))
        market = await Market.opened(souk)
        product = await market.auction(await souk.member("Sally Seller"), proxyBidding=False)
        https = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=running.url, timeout=30))
            for running in servers
        ]
        watchers = [
            await stack.enter_async_context(watching(Client(running.url, souk.http), product["id"]))
            for running in servers
            for _ in range(WATCHERS)
        ]
        members = [await souk.member(f"Bidder {number:02}") for number in range(BIDDERS)]
        bidders = [
            Client(souk.url, https[number % len(https)], member.account)
            for number, member in enumerate(members)
        ]
        blowing = await stack.enter_async_context(storm(product["id"], bidders))
        yield Fair(souk, product["id"], blowing, watchers)


async def test_bids_on_two_servers_are_seen_on_both_and_rung_through_the_database(
    database_url: str, data_dir: Path
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir}
    rings: list[Any] = []
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(CHANNEL, lambda *ring: rings.extend(orjson.loads(ring[3])))
    try:
        async with (
            server(data_dir, **given) as one,
            server(data_dir, **given) as other,
            fair([one, other], database_url) as busy,
        ):
            await busy.go_on(60)
            await busy.end()
            last = len(busy.blowing.accepted)

            async def rung() -> bool:
                return any(number == last for _, number in rings)

            await eventually(rung, "the last bid was rung for")
    finally:
        await listener.close()


async def test_a_valkey_server_that_is_killed_frozen_and_back_costs_watchers_nothing(
    database_url: str, data_dir: Path
) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "BROADCAST_URL": url}
    async with AsyncExitStack() as stack:
        with valkey(data_dir, port):
            one = await stack.enter_async_context(server(data_dir, **given))
            other = await stack.enter_async_context(server(data_dir, **given))
            await all_listen(url, 2)
            busy = await stack.enter_async_context(fair([one, other], database_url))
            await busy.go_on()
        await busy.go_on()  # Valkey is gone
        with valkey(data_dir, port) as back:
            await busy.go_on()
            await all_listen(url, 2)
            await busy.go_on()
            freeze(back)
            await busy.go_on()
            thaw(back)
            await busy.go_on()
            await all_listen(url, 2)
            await busy.end()


async def test_a_frozen_valkey_server_keeps_no_server_from_starting_and_from_ending(
    database_url: str, data_dir: Path
) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "BROADCAST_URL": url}
    with valkey(data_dir, port) as frozen:
        freeze(frozen)
        async with (
            server(data_dir, **given) as one,
            fair([one], database_url) as busy,
        ):
            await busy.go_on()
            await busy.end()
            one.terminate()
            assert await one.exit_code() == 0
        thaw(frozen)
        async with server(data_dir, **given) as one, fair([one], database_url) as busy:
            await all_listen(url, 1)
            freeze(frozen)
            await busy.go_on()
            await busy.end()
            one.terminate()
            assert await one.exit_code() == 0


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/none"])
async def test_a_server_starts_and_tells_its_watchers_without_its_pub_sub(
    database_url: str, data_dir: Path, url: str
) -> None:
    given = {"DATABASE_URL": database_url, "SOUK_DATA_DIR": data_dir, "BROADCAST_URL": url}
    async with server(data_dir, **given) as one, fair([one], database_url) as busy:
        await busy.go_on()
        await busy.end()
        one.terminate()
        assert await one.exit_code() == 0

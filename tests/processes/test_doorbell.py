"""The doorbell between processes: rings arrive, and after a loss listeners are told that rings may
be missing and hear the next (docs/decisions: the event log is the truth)."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from core.database import DATABASE_ERRORS
from subscriptions.doorbell import CHANNEL, Doorbell, ListenBackend, Ring
from tests.processes.servers import eventually, free_port
from tests.processes.valkeys import all_listen, freeze, thaw, valkey


class Pair:
    """Two processes' ends of a doorbell: what one rings, the other notes."""

    def __init__(self, url: str) -> None:
        self.ringing, self.hearing = Doorbell(url), Doorbell(url)
        self.heard: list[Ring | None] = []

    async def listen(self) -> None:
        """Notes every ring."""
        async for ring in self.hearing.rings():
            self.heard.append(ring)

    async def rings_through(self, number: int) -> None:
        """Rings until it is heard; a ring may be lost while a connection is made anew."""

        async def heard() -> bool:
            await self.ringing.ring([("auction:1", number)])
            await asyncio.sleep(0.1)
            return [("auction:1", number)] in self.heard

        await eventually(heard, f"ring {number} was heard")

    async def told(self) -> None:
        """Waits until the listener is told that rings may have been lost."""

        async def lost() -> bool:
            return None in self.heard

        await eventually(lost, "the loss was told")
        self.heard.clear()


@asynccontextmanager
async def pair(url: str) -> AsyncIterator[Pair]:
    """Two started ends, stopped afterwards."""
    ends = Pair(url)
    await ends.ringing.start()
    await ends.hearing.start()
    listening = asyncio.create_task(ends.listen())
    try:
        yield ends
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await ends.ringing.stop()
        await ends.hearing.stop()


async def test_a_ring_through_valkey_is_heard_again_after_valkey_was_killed(
    data_dir: Path,
) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    with valkey(data_dir, port):
        ends = pair(url)
        both = await ends.__aenter__()
        await all_listen(url, 2)
        await both.rings_through(1)
    try:
        await both.ringing.ring([("auction:1", 2)])
        with valkey(data_dir, port) as back:
            await both.told()
            await all_listen(url, 2)
            await both.rings_through(3)
            freeze(back)
            await both.ringing.ring([("auction:1", 4)])
            thaw(back)
            await both.rings_through(5)
    finally:
        await ends.__aexit__(None, None, None)


async def test_every_one_of_many_rings_through_valkey_is_heard_once_in_order(
    data_dir: Path,
) -> None:
    port = free_port()
    with valkey(data_dir, port):
        async with pair(f"redis://127.0.0.1:{port}") as both:
            await all_listen(f"redis://127.0.0.1:{port}", 2)
            await _many(both)


async def test_every_one_of_many_rings_through_the_database_is_heard_once_in_order(
    database_url: str,
) -> None:
    async with pair(database_url) as both:
        await _many(both)


async def _many(both: Pair) -> None:
    rings: list[Ring] = [[("auction:1", number)] for number in range(1, 101)]
    for ring in rings:
        await both.ringing.ring(ring)

    async def heard() -> bool:
        return rings[-1] in both.heard

    await eventually(heard, "the last ring was heard")
    assert both.heard == rings


async def test_a_ring_through_the_database_is_heard_again_after_the_connections_were_cut(
    database_url: str,
) -> None:
    async with pair(database_url) as both:
        await both.rings_through(1)
        await _cut(database_url, ends=2)
        await both.told()
        await both.rings_through(2)


@pytest.mark.parametrize("turns", range(4))
async def test_a_loss_is_told_when_a_ring_is_sent_before_the_driver_has_seen_all_of_it(
    database_url: str, turns: int
) -> None:
    ends = ListenBackend(database_url)
    await ends.connect()
    await ends.subscribe(CHANNEL)
    # Meanwhile this loop stands still; afterwards it reads the server's last word in one turn and
    # the end of the connection in another.
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, _cut(database_url, ends=1)).result()
    for _ in range(turns):
        await asyncio.sleep(0)
    with pytest.raises(DATABASE_ERRORS):
        await ends.publish(CHANNEL, "ring")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ends.next_published(), 5)
    await ends.disconnect()


async def test_a_ring_that_is_broken_off_ends_the_connection_and_is_told(database_url: str) -> None:
    ends = ListenBackend(database_url)
    await ends.connect()
    await ends.subscribe(CHANNEL)
    ringing = asyncio.create_task(ends.publish(CHANNEL, "ring"))
    await asyncio.sleep(0)
    ringing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ringing
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ends.next_published(), 5)


async def _cut(database_url: str, ends: int) -> None:
    admin = await asyncpg.connect(database_url)
    cut = await admin.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    await admin.close()
    assert [gone for (gone,) in cut] == [True] * ends, f"each end of {CHANNEL} had a connection"

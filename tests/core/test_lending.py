"""Connections are lent in turn: who waits too long is told, and who gives up holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, select, text

from core import lending
from core.database import DATABASE_ERRORS, Database
from core.lending import Connections


@pytest.fixture
async def only(database_url: str) -> AsyncIterator[Connections]:
    found = Connections(database_url, 1)
    yield found
    await found.close()


async def test_who_waits_too_long_is_told_and_who_came_later_still_has_their_turn(
    only: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "WAIT_SECONDS", 0.3)
    lent = await only.lend()
    first = asyncio.ensure_future(only.lend())
    await asyncio.sleep(0)
    monkeypatch.setattr(lending, "WAIT_SECONDS", 60.0)
    second = asyncio.ensure_future(only.lend())
    with pytest.raises(TimeoutError):
        await first
    only.give_back(lent)
    assert await second is lent
    only.give_back(lent)


async def test_each_wait_has_an_end_of_its_own(
    only: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "WAIT_SECONDS", 0.2)
    lent = await only.lend()
    ended = []
    for _ in range(2):
        waits = [asyncio.ensure_future(only.lend()) for _ in range(3)]
        ended += await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ended] == [TimeoutError] * 6
    only.give_back(lent)
    assert await only.lend() is lent
    only.give_back(lent)


async def test_who_gives_up_in_the_moment_of_their_turn_passes_it_on(only: Connections) -> None:
    lent = await only.lend()
    first, second = (asyncio.ensure_future(only.lend()) for _ in range(2))
    await asyncio.sleep(0)
    only.give_back(lent)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(5):
        assert await second is lent
    only.give_back(lent)


PID = text("SELECT pg_backend_pid() AS pid, pg_sleep(0.1)")


async def by_read(database: Database) -> int:
    [row] = await database.rows(PID)
    found: int = row.pid
    return found


async def by_transaction(database: Database) -> int:
    found: int = await database.run(lambda work: work.scalar(PID))
    return found


@pytest.mark.parametrize("ask", [by_read, by_transaction])
async def test_work_goes_on_when_the_server_has_closed_every_connection(
    database_url: str, ask: Callable[[Database], Awaitable[int]]
) -> None:
    database = Database(database_url, pool=3)
    try:
        lost = await asyncio.gather(*[ask(database) for _ in range(3)])
        other = await asyncpg.connect(database_url)
        await other.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", lost)
        await other.close()
        # At once, and one after the other: the driver may not yet have noticed of any of them.
        found = [await ask(database) for _ in range(3)]
        assert len(set(lost)) == 3
        assert not set(found) & set(lost)
    finally:
        await database.close()


async def test_a_value_that_the_driver_cannot_send_costs_no_connection(database_url: str) -> None:
    database = Database(database_url, pool=1)
    try:
        before = await by_read(database)
        wrong = bindparam("number", "not a number", type_=Integer)
        with pytest.raises(DATABASE_ERRORS, match="query argument"):
            await database.rows(select(wrong))
        assert await by_read(database) == before
    finally:
        await database.close()

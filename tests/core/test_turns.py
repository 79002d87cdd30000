"""Use cases that take turns run one after the other, in order, and hold no connection while they
wait (docs/decisions/0024-turns.md)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import text

from core.database import Database, UnitOfWork

Case = Callable[[UnitOfWork], Awaitable[None]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with two connections for writing."""
    opened = Database(database_url, pool=2)
    yield opened
    await opened.close()


def noting(seen: list[str], name: str, until: asyncio.Event | None = None) -> Case:
    """A use case that notes when it begins and ends."""

    async def use_case(work: UnitOfWork) -> None:
        seen.append(f"{name} begins")
        await work.scalar(text("SELECT 1"))
        if until is not None:
            await until.wait()
        seen.append(f"{name} ends")

    return use_case


async def test_the_same_turn_is_one_after_the_other_in_order(database: Database) -> None:
    seen: list[str] = []
    names = [f"bid {number}" for number in range(5)]
    await asyncio.gather(*[database.run(noting(seen, name), turn="auction") for name in names])
    assert seen == [word for name in names for word in (f"{name} begins", f"{name} ends")]
    assert not list(database._turns), "no lock is kept when nobody waits"


async def test_those_who_wait_leave_the_connections_to_others(database: Database) -> None:
    seen: list[str] = []
    over = asyncio.Event()
    waiting = [
        asyncio.create_task(database.run(noting(seen, f"bid {number}", over), turn="hot"))
        for number in range(5)
    ]
    await asyncio.wait_for(database.run(noting(seen, "other"), turn="cold"), 5)
    await asyncio.wait_for(database.run(noting(seen, "free")), 5)
    assert [word for word in seen if word.startswith("bid")] == ["bid 0 begins"]
    over.set()
    await asyncio.gather(*waiting)
    assert seen.count("bid 4 ends") == 1


async def test_who_gives_up_or_fails_lets_the_next_one_go(database: Database) -> None:
    seen: list[str] = []
    over = asyncio.Event()

    async def fails(work: UnitOfWork) -> None:
        raise LookupError

    def queued(use_case: Case) -> asyncio.Task[None]:
        return asyncio.create_task(database.run(use_case, turn="auction"))

    first = queued(noting(seen, "first", over))
    waiting, failing, last = (
        queued(noting(seen, "gone")),
        queued(fails),
        queued(noting(seen, "last")),
    )
    await asyncio.sleep(0.05)
    waiting.cancel()
    over.set()
    outcomes = await asyncio.gather(first, waiting, failing, last, return_exceptions=True)
    assert [type(one) for one in outcomes] == [
        type(None),
        asyncio.CancelledError,
        LookupError,
        type(None),
    ]
    assert seen == ["first begins", "first ends", "last begins", "last ends"]

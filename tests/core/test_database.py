"""The unit of work: what is committed, rolled back, retried, and what becomes of its connection
(docs/decisions/0023-writes.md)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select, text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB

from core.database import (
    DATABASE_ERRORS,
    ConstraintViolated,
    Database,
    UnitOfWork,
    recorded_statements,
)
from core.wording import Bound
from tests.processes.servers import eventually

THING = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("word", String(20)),
    Column("facts", JSONB),
    Column("more", JSONB(none_as_null=True)),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database(database_url, pool=2)
    await found.run(
        lambda work: work.execute(
            text("CREATE TABLE thing (id int PRIMARY KEY, word text, facts jsonb, more jsonb)")
        )
    )
    yield found
    await found.close()


async def ids(database: Database) -> list[int]:
    return [row.id for row in await database.rows(select(THING.c.id).order_by(THING.c.id))]


def add(id_: int) -> Bound[Any]:
    return Bound(insert(THING).values(id=bindparam("new_id", type_=Integer)), {"new_id": id_})


async def backend(work: UnitOfWork) -> int:
    found: int = await work.scalar(text("SELECT pg_backend_pid()"))
    return found


async def test_what_a_use_case_raises_undoes_all_that_it_did(database: Database) -> None:
    async def fails(work: UnitOfWork) -> None:
        await work.execute(add(1))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.run(fails)
    assert await ids(database) == []
    assert await database.run(lambda work: work.execute(add(2))) == 1
    assert await ids(database) == [2]


async def test_a_constraint_undoes_a_savepoint_and_the_rest_stands(database: Database) -> None:
    async def fails(work: UnitOfWork) -> None:
        async with work.savepoint():
            work.announce("lost", 1)
            await work.execute(add(2))
            await work.execute(add(1))

    async def twice(work: UnitOfWork) -> None:
        await work.execute(add(1))
        with pytest.raises(ConstraintViolated, match="thing_pkey"):
            await fails(work)
        await work.execute(add(3))
        work.announce("kept", 2)

    told: list[tuple[str, int]] = []
    database.on_commit = told.extend
    await database.run(twice)
    assert await ids(database) == [1, 3]
    assert told == [("kept", 2)]


async def test_a_unit_of_work_that_is_broken_off_leaves_nothing_and_holds_up_nobody(
    database: Database,
) -> None:
    backends: list[int] = []

    async def slow(work: UnitOfWork) -> None:
        backends.append(await backend(work))
        await work.execute(add(1))
        await work.execute(text("SELECT pg_sleep(60)"))

    # More of them than the pool has connections: each gives its own up for the next.
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await database.run(slow)
    async with asyncio.timeout(5):
        await database.run(lambda work: work.execute(add(1)))
    assert await ids(database) == [1]
    living = text("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid = ANY(:p)")

    async def ended() -> bool:
        return not await database.scalar(living.bindparams(p=backends))

    await eventually(ended, "the server ended what was broken off", 5)


async def test_a_connection_lost_while_idle_is_replaced(
    database: Database, database_url: str
) -> None:
    lost = [await database.run(backend)]
    other = await asyncpg.connect(database_url)
    try:
        await other.execute("SELECT pg_terminate_backend($1)", lost[0])
        # At once: the driver may not yet have noticed.
        assert await database.run(backend) not in lost
    finally:
        await other.close()


async def test_a_connection_lost_in_a_transaction_is_told_and_no_work_is_done_twice(
    database: Database, database_url: str
) -> None:
    tries = 0

    async def killed(work: UnitOfWork) -> None:
        nonlocal tries
        tries += 1
        await work.execute(add(1))
        other = await asyncpg.connect(database_url)
        try:
            await other.execute("SELECT pg_terminate_backend($1)", await backend(work))
        finally:
            await other.close()
        await work.execute(add(2))

    with pytest.raises(DATABASE_ERRORS):
        await database.run(killed)
    assert tries == 1
    assert await ids(database) == []
    added = [partial(UnitOfWork.execute, statement=add(n)) for n in range(8)]
    await asyncio.gather(*[database.run(one) for one in added])
    assert len(await ids(database)) == 8


async def test_a_deadlock_is_retried(database: Database) -> None:
    await database.run(lambda work: work.execute_each(insert(THING), [{"id": 1}, {"id": 2}]))
    met = asyncio.Barrier(2)
    tries = 0

    def locks(first: int, second: int) -> Callable[[UnitOfWork], Awaitable[None]]:
        async def both(work: UnitOfWork) -> None:
            nonlocal tries
            tries += 1
            await work.execute(select(THING).where(THING.c.id == first).with_for_update())
            if tries <= 2:
                await met.wait()
            await work.execute(select(THING).where(THING.c.id == second).with_for_update())

        return both

    await asyncio.gather(database.run(locks(1, 2)), database.run(locks(2, 1)))
    assert tries == 3


async def test_a_statement_built_anew_is_prepared_once(database: Database) -> None:
    colour = StrEnum("colour", "RED GREEN")
    coloured = Table("thing", MetaData(), Column("word", SqlEnum(colour, native_enum=False)))
    text_of_it = ""

    async def ten_times(work: UnitOfWork) -> int:
        nonlocal text_of_it
        with recorded_statements() as sent:
            for _ in range(10):
                await work.rows(select(coloured).where(coloured.c.word == "RED"))
        [text_of_it] = set(sent)
        prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement = :sql")
        found: int = await work.scalar(prepared.bindparams(sql=text_of_it))
        return found

    assert await database.run(ten_times) == 1


async def test_a_value_that_is_not_given_is_refused_before_it_is_sent(database: Database) -> None:
    statement = add(1).statement
    with pytest.raises(ValueError, match="new_id"):
        await database.run(lambda work: work.execute(Bound(statement, {"newid": 1})))
    rows: list[dict[str, Any]] = [{"id": 1, "word": "a"}, {"id": 2}]
    with pytest.raises(ValueError, match="word"):
        await database.run(lambda work: work.execute_each(insert(THING), rows))
    assert await ids(database) == []


async def test_many_rows_are_one_statement_and_json_is_stored_as_its_column_says(
    database: Database,
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "word": "ä", "facts": {"a": [1]}, "more": None},
        {"id": 2, "word": None, "facts": None, "more": {"b": 2}},
    ]
    with recorded_statements() as sent:
        await database.run(lambda work: work.execute_each(insert(THING), rows))
        await database.run(lambda work: work.execute_each(insert(THING), []))
    assert len(sent) == 1
    seen = await database.rows(
        text("SELECT id, word, facts::text AS facts, more::text AS more FROM thing ORDER BY id")
    )
    assert [dict(row) for row in seen] == [
        {"id": 1, "word": "ä", "facts": '{"a": [1]}', "more": None},
        {"id": 2, "word": None, "facts": "null", "more": '{"b": 2}'},
    ]

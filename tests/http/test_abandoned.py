"""Clients that go away: their queries are stopped, in the database too; their writes run to the
end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.clients.market import CREATE_CATEGORY, Market

QUERY = "{ categories { nodes { id title } } }"
WAITING = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'souk' AND wait_event_type = 'Lock'"""
BUSY = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'souk' AND state <> 'idle'"""


@pytest.fixture
async def beside(souk: Souk) -> AsyncIterator[Any]:
    """A connection of one's own to the same database."""
    connection = await asyncpg.connect(souk.database.driver_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def locked(souk: Souk, table: str) -> AsyncIterator[None]:
    """Holds a table, so that whoever reads or writes it waits."""
    connection = await asyncpg.connect(souk.database.driver_url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def until(found: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Waits for something, but not for long."""
    for _ in range(int(seconds / 0.02)):
        if await found():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(what)


async def sent(souk: Souk, query: str, client: Client | None = None, **more: Any) -> Any:
    """A connection over which a request was sent whose answer nobody has read; `accept` chooses its
    form, the rest are variables."""
    accept = more.pop("accept", "application/json")
    body = orjson.dumps({"query": query, "variables": more})
    lines = [
        "POST /graphql HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Accept: {accept}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (client.headers if client else {}).items()),
    ]
    port = int(souk.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    return writer


async def waiting(beside: Any, number: int) -> None:
    """Until so many statements wait for a lock."""

    async def found() -> bool:
        return bool(await beside.fetchval(WAITING) == number)

    await until(found, 5, f"{number} statements do not wait")


async def idle(beside: Any, seconds: float = 1.0) -> None:
    """Until the server's connections do nothing."""

    async def found() -> bool:
        return bool(await beside.fetchval(BUSY) == 0)

    await until(found, seconds, "a statement still runs")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_query_whose_client_has_gone_is_stopped_in_the_database(
    souk: Souk, market: Market, beside: Any, accept: str
) -> None:
    pool = souk.settings.database_pool
    async with locked(souk, "category"):
        # More often than there are connections: one that leaked would be missed.
        for _ in range(2):
            clients = [await sent(souk, QUERY, accept=accept) for _ in range(pool)]
            await waiting(beside, pool)
            for client in clients:
                client.close()
            await idle(beside)
    answers = await asyncio.gather(*[souk.anonymous.run(QUERY) for _ in range(2 * pool)])
    assert all(answer["categories"]["nodes"] for answer in answers)
    await idle(beside)


async def test_a_query_on_a_socket_that_closes_is_stopped_in_the_database(
    souk: Souk, market: Market, beside: Any
) -> None:
    async with locked(souk, "category"):
        async with souk.anonymous.watch(QUERY):
            await waiting(beside, 1)
        await idle(beside)
    assert (await souk.anonymous.run(QUERY))["categories"]["nodes"]


async def test_only_the_abandoned_one_of_two_is_stopped(
    souk: Souk, market: Market, beside: Any
) -> None:
    async with locked(souk, "category"):
        leaving = await sent(souk, QUERY)
        staying = asyncio.create_task(souk.anonymous.run("query Other " + QUERY))
        await waiting(beside, 2)
        leaving.close()
        await waiting(beside, 1)
    assert (await staying)["categories"]["nodes"]


async def titles(souk: Souk) -> set[str]:
    """The titles of all categories."""
    found = await souk.anonymous.run(QUERY)
    return {node["title"] for node in found["categories"]["nodes"]}


async def test_a_mutation_whose_client_has_gone_runs_to_its_end(
    souk: Souk, market: Market, beside: Any
) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    async with locked(souk, "category"):
        leaving = await sent(souk, CREATE_CATEGORY, admin, input={"title": "By HTTP"})
        await waiting(beside, 1)
        leaving.close()
        stream = {"accept": "text/event-stream", "input": {"title": "By stream"}}
        leaving = await sent(souk, CREATE_CATEGORY, admin, **stream)
        await waiting(beside, 2)
        leaving.close()
        async with admin.watch(CREATE_CATEGORY, input={"title": "By socket"}):
            await waiting(beside, 3)
        # Longer than the server takes to see that somebody has gone.
        await asyncio.sleep(0.4)
        assert await beside.fetchval(WAITING) == 3

    async def stored() -> bool:
        return {"By HTTP", "By stream", "By socket"} <= await titles(souk)

    await until(stored, 5, "a mutation was not finished")
    await idle(beside)


async def test_a_client_that_waits_gets_its_answer_however_long_it_takes(
    souk: Souk, market: Market, beside: Any
) -> None:
    async with locked(souk, "category"):
        asked = asyncio.create_task(souk.anonymous.run(QUERY))
        await waiting(beside, 1)
        await asyncio.sleep(0.3)
        assert not asked.done()
    assert (await asked)["categories"]["nodes"]

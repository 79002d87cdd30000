"""Connections lent to one read or transaction at a time. In the place of the driver's own pool,
which spends on lending about what a short read takes (docs/decisions/0022-reads.md). Knows no
statement."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, Final, TypeAlias

import asyncpg
import orjson

from core.connecting import CONNECT_SECONDS, SERVER_SETTINGS, WAIT_SECONDS

Connection: TypeAlias = Any
"""A connection of the driver; its own types do not tell of what a row is made."""

_STATEMENTS_KEPT = 500

_Turn: TypeAlias = "tuple[asyncio.Future[Connection | None], float]"
"""What somebody waits for, and until when by the event loop's clock."""

_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # When the server's last word comes between two statements, or in the midst of one.
    asyncpg.InternalClientError,
    ConnectionError,
)


def was_lost(error: BaseException) -> bool:
    """Whether the driver raised this because the connection was lost. Not when it could not send a
    value, which it calls an error of its interface and of the value: the connection is as good as
    it was."""
    return isinstance(error, _LOST) and not isinstance(error, ValueError)


class Connections:
    """At most `size` connections of one process, opened when they are needed, the one used last
    lent first. Whoever finds none free is served in turn."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._free: list[Connection] = []
        self._open = 0
        # What each waits for: a connection, or None for leave to open one.
        self._waiting: deque[_Turn] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def lend(self) -> Connection:
        """A connection that nobody else has until it is given back. Raises TimeoutError when none
        came free within 8 s, and what opening one raises."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        if self._open >= self._size:
            turn = await self._turn()
            if turn is not None:
                return turn
        else:
            self._open += 1
        try:
            return await self._connected()
        except BaseException:
            self._leave()
            raise

    def give_back(self, connection: Connection) -> None:
        """The connection is free for the next; one that was lost is counted no more."""
        if connection.is_closed():
            self._leave()
        elif self._closed:
            connection.terminate()
        elif (waiting := self._next()) is not None:
            waiting.set_result(connection)
        else:
            self._free.append(connection)

    def discard(self, connection: Connection, error: BaseException) -> None:
        """Closes a connection whose use was broken off by this error: what it was still doing is
        ended at the server first, and only then may another be opened in its place. If the server
        closed it, those that nobody uses are closed as well: they were most likely lost with it,
        and whoever tries again must not be lent one of them."""
        if was_lost(error):
            for free in self._free:
                free.terminate()
            self._open -= len(self._free)
            self._free.clear()
        task = asyncio.ensure_future(self._discarded(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Closes every connection; those lent are closed when they come back."""
        self._closed = True
        for connection in self._free:
            connection.terminate()
        self._free.clear()
        if self._closing:
            await asyncio.wait(self._closing, timeout=CONNECT_SECONDS)

    async def _connected(self) -> Connection:
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=_STATEMENTS_KEPT,
            server_settings=SERVER_SETTINGS,
        )
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name,
                schema="pg_catalog",
                encoder=str,
                decoder=orjson.loads,
            )
        return connection

    async def _turn(self) -> Connection | None:
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future(), loop.time() + WAIT_SECONDS
        self._waiting.append(turn)
        if self._alarm is None:
            self._alarm = loop.call_at(turn[1], self._give_up, loop)
        waiting = turn[0]
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                # It was this one's turn in the moment in which it gave up: the next one's then.
                connection = waiting.result()
                self._leave() if connection is None else self.give_back(connection)
            raise

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the waits that have lasted too long. One alarm serves them all, because those who
        came first wait longest; an alarm for each would cost more than the wait."""
        self._alarm = None
        while self._waiting:
            waiting, until = self._waiting[0]
            if waiting.done():
                self._waiting.popleft()
            elif until <= loop.time():
                self._waiting.popleft()
                waiting.set_exception(TimeoutError("No connection to the database came free."))
            else:
                self._alarm = loop.call_at(until, self._give_up, loop)
                return

    def _next(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiting:
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    def _leave(self) -> None:
        """One connection less: whoever waits may open one in its place."""
        waiting = self._next()
        if waiting is None:
            self._open -= 1
        else:
            waiting.set_result(None)

    async def _discarded(self, connection: Connection) -> None:
        with suppress(Exception):
            await connection.close(timeout=CONNECT_SECONDS)
        self._leave()

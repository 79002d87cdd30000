"""The database: short reads, and the unit of work that every write goes through. Only this module
opens, commits and retries transactions; it builds no statement of any domain."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, overload
from weakref import WeakValueDictionary

import asyncpg
import structlog
from sqlalchemy import Executable, func, select, text
from sqlalchemy.engine import make_url

from core.lending import Connection, Connections, was_lost
from core.wording import Bound, Row, Statement, Worded, in_words

log = structlog.get_logger(__name__)

T = TypeVar("T")
RowT = TypeVar("RowT")

DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a statement raises when the database refuses it or cannot be reached."""

ConstraintViolated = asyncpg.IntegrityConstraintViolationError
"""What a statement raises when a constraint stands against it."""

_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.02

_recordings: list[list[str]] = []


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """Collects the SQL of every statement that this process sends meanwhile, so that a test can
    count them (design/performance.md: statements per page are constant)."""
    seen: list[str] = []
    _recordings.append(seen)
    try:
        yield seen
    finally:
        _recordings.remove(seen)


def _recorded(worded: Worded) -> str:
    for seen in _recordings:
        seen.append(worded.text)
    return worded.text


def _as_driver_takes(url: str) -> str:
    """The URL as the driver takes it, whatever form of `postgresql://` was configured."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


Announcement = tuple[str, int]

Columns: TypeAlias = frozenset[str] | None
"""The columns of its rows that a read is asked for; None for all there are."""

_READ_CLOCK: Bound[Row] = Bound(select(func.clock_timestamp()), {})


class UnitOfWork:
    """One transaction of one use case. The use case reads, locks and writes through it and never
    commits: `Database.run` does. `connection` is the driver's own, for libraries that take one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.announcements: list[Announcement] = []

    async def execute(self, statement: Statement) -> int:
        """Runs a statement built in `models`; how many rows it touched or gave."""
        worded, arguments = in_words(statement)
        status: str = await self.connection.execute(_recorded(worded), *arguments)
        last = status.rpartition(" ")[2]
        return int(last) if last.isdecimal() else 0

    async def execute_each(
        self, statement: Executable, values: Sequence[Mapping[str, Any]]
    ) -> None:
        """Runs a writing statement once for each of the `values`, which name the same columns."""
        if values:
            worded = Worded(statement, list(values[0]))
            each = [worded.arguments(one) for one in values]
            await self.connection.executemany(_recorded(worded), each)

    @overload
    async def first(self, statement: Bound[RowT]) -> RowT | None: ...
    @overload
    async def first(self, statement: Executable) -> Any: ...
    async def first(self, statement: Statement) -> Any:
        """The first row, or None."""
        found = await self.rows(statement)
        return found[0] if found else None

    @overload
    async def rows(self, statement: Bound[RowT]) -> Sequence[RowT]: ...
    @overload
    async def rows(self, statement: Executable) -> Sequence[Any]: ...
    async def rows(self, statement: Statement) -> Sequence[Any]:
        """All rows."""
        worded, arguments = in_words(statement)
        found: Sequence[Any] = await self.connection.fetch(
            _recorded(worded), *arguments, record_class=worded.row
        )
        return found

    @overload
    async def scalar(self, statement: Bound[RowT]) -> RowT | None: ...
    @overload
    async def scalar(self, statement: Executable) -> Any: ...
    async def scalar(self, statement: Statement) -> Any:
        """The first column of the first row, or None."""
        row = await self.first(statement)
        return None if row is None else row[0]

    async def value(self, statement: Bound[RowT]) -> RowT:
        """The one value that a statement always gives."""
        rows: Sequence[Any] = await self.rows(statement)
        found: RowT = rows[0][0]
        return found

    async def count(self, statement: Bound[int]) -> int:
        """The number that a statement gives."""
        return await self.value(statement)

    async def clock(self) -> datetime:
        """The database's clock, now. Deadlines are decided by it and read after the lock is held
        (spec/01-api-conventions.md#money-time-text)."""
        row = await self.rows(_READ_CLOCK)
        moment: datetime = row[0][0]
        return moment

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What happens inside is undone when it raises, and the transaction goes on."""
        announced = len(self.announcements)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self.announcements[announced:]
            raise

    def announce(self, topic: str, number: int) -> None:
        """Rings the doorbell for event `number` of `topic` once the transaction is committed."""
        self.announcements.append((topic, number))


class Database:
    """The connections of one process, `pool` for transactions and as many for reads, so that one
    who reads while their transaction is open never waits for another who does. After every
    committed unit of work `on_write` is called, and `on_commit` with its announcements where it has
    any; they must not block or raise."""

    def __init__(self, url: str, *, read_url: str | None = None, pool: int = 10) -> None:
        self.url = url
        self.on_commit: Callable[[list[Announcement]], None] = lambda _: None
        self.on_write: Callable[[], None] = lambda: None
        self._writing = Connections(_as_driver_takes(url), pool)
        self._reading = Connections(_as_driver_takes(read_url or url), pool)
        # Each lock lives as long as somebody holds it or waits for it.
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @property
    def driver_url(self) -> str:
        """The URL as the driver itself takes it, for a connection outside the pool."""
        return _as_driver_takes(self.url)

    @overload
    async def rows(self, statement: Bound[RowT]) -> Sequence[RowT]: ...
    @overload
    async def rows(self, statement: Executable) -> Sequence[Any]: ...
    async def rows(self, statement: Statement) -> Sequence[Any]:
        """All rows of one reading statement, outside any transaction. A connection that was lost
        meanwhile is replaced and the read repeated once."""
        worded, arguments = in_words(statement)
        _recorded(worded)
        try:
            return await self._read(worded, arguments)
        except DATABASE_ERRORS as error:
            if not was_lost(error):
                raise
            return await self._read(worded, arguments)

    async def _read(self, worded: Worded, arguments: Sequence[Any]) -> Sequence[Any]:
        connection = await self._reading.lend()
        try:
            found: Sequence[Any] = await connection.fetch(
                worded.text, *arguments, record_class=worded.row
            )
        except BaseException as error:
            # Good for the next only if the statement was refused, by the server or the driver.
            if isinstance(error, asyncpg.PostgresError | ValueError) and not was_lost(error):
                self._reading.give_back(connection)
            else:
                self._reading.discard(connection, error)
            raise
        self._reading.give_back(connection)
        return found

    @overload
    async def first(self, statement: Bound[RowT]) -> RowT | None: ...
    @overload
    async def first(self, statement: Executable) -> Any: ...
    async def first(self, statement: Statement) -> Any:
        """The first row of one reading statement, or None."""
        found = await self.rows(statement)
        return found[0] if found else None

    @overload
    async def scalar(self, statement: Bound[RowT]) -> RowT | None: ...
    @overload
    async def scalar(self, statement: Executable) -> Any: ...
    async def scalar(self, statement: Statement) -> Any:
        """The first column of the first row of one reading statement, or None."""
        row = await self.first(statement)
        return None if row is None else row[0]

    async def value(self, statement: Bound[RowT]) -> RowT:
        """The one value that a statement always gives."""
        rows: Sequence[Any] = await self.rows(statement)
        found: RowT = rows[0][0]
        return found

    async def count(self, statement: Bound[int]) -> int:
        """The number that a statement gives."""
        return await self.value(statement)

    async def run(
        self, use_case: Callable[[UnitOfWork], Awaitable[T]], *, turn: Hashable | None = None
    ) -> T:
        """Runs a use case in one transaction and commits it; whatever it raises rolls everything
        back. A serialization failure or deadlock is retried a few times, so the use case must have
        no effect outside its unit of work (design/architecture.md#rules-that-keep-it-simple).

        Use cases with the same `turn` run one after the other in this process, in the order in
        which they came: those that would only wait for the same row's lock wait without a
        connection (docs/decisions/0024-turns.md). The lock alone makes them right."""
        if turn is None:
            return await self._repeated(use_case)
        lock = self._turns.get(turn)
        if lock is None:
            lock = self._turns[turn] = asyncio.Lock()
        async with lock:
            return await self._repeated(use_case)

    async def _repeated(self, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._committed(use_case)
            except _RETRIED as error:
                if attempt == _ATTEMPTS:
                    raise
                log.info("transaction retried", attempt=attempt, sqlstate=error.sqlstate)
            # The other one has been woken, and must get what it waited for before we ask again.
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError  # the loop returns or raises

    async def _committed(self, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        connection, transaction = await self._begun()
        work = UnitOfWork(connection)
        try:
            answer = await use_case(work)
            await transaction.commit()
        except Exception:
            await self._rolled_back(connection, transaction)
            raise
        except BaseException as error:
            # Broken off: the server ends what it was doing, and the transaction with it.
            self._writing.discard(connection, error)
            raise
        self._writing.give_back(connection)
        self.on_write()
        if work.announcements:
            self.on_commit(work.announcements)
        return answer

    async def _begun(self) -> tuple[Connection, Any]:
        """A connection and the transaction begun on it. One that was lost meanwhile is replaced,
        once."""
        for again in (True, False):
            connection = await self._writing.lend()
            transaction = connection.transaction()
            try:
                await transaction.start()
            except BaseException as error:
                self._writing.discard(connection, error)
                if not (again and was_lost(error)):
                    raise
            else:
                return connection, transaction
        raise AssertionError  # the loop returns or raises

    async def _rolled_back(self, connection: Connection, transaction: Any) -> None:
        try:
            await transaction.rollback()
        except BaseException as error:
            self._writing.discard(connection, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._writing.give_back(connection)

    async def alive(self) -> bool:
        """True when the database answers."""
        try:
            return bool(await self.scalar(text("SELECT true")))
        except DATABASE_ERRORS:
            return False

    async def close(self) -> None:
        """Closes every connection."""
        await self._writing.close()
        await self._reading.close()

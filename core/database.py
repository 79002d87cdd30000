"""The database: short reads, and the unit of work that every write goes through. Only this module
opens, commits and retries transactions; it builds no statement of any domain."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import asyncpg
import structlog
from sqlalchemy import Executable, event, func, select, text
from sqlalchemy.engine import CursorResult, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.connecting import CONNECT_SECONDS, SERVER_SETTINGS, WAIT_SECONDS
from core.reads import Reader, in_words

log = structlog.get_logger(__name__)

T = TypeVar("T")

DATABASE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
"""What a statement raises when the database refuses it or cannot be reached."""

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
_RETRIED = {SERIALIZATION_FAILURE, DEADLOCK_DETECTED}
_ATTEMPTS = 4

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


def _record_statement(_c: object, _cursor: object, statement: str, *_: object) -> None:
    for seen in _recordings:
        seen.append(statement)


def sqlstate_of(error: DBAPIError | asyncpg.PostgresError) -> str | None:
    """The five-character SQLSTATE of a database error, None when the server sent none."""
    return getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)


def async_url(url: str) -> str:
    """The URL with the driver that Souk uses, whatever form of `postgresql://` was configured."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


Announcement = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement that was built once, and the values of one call: what a busy path returns,
    because building a statement costs more than sending it."""

    statement: Executable
    values: Mapping[str, Any]


Statement: TypeAlias = Executable | Bound

Columns: TypeAlias = frozenset[str] | None
"""The columns of its rows that a read is asked for; None for all there are."""


def _parts(statement: Statement) -> tuple[Executable, Mapping[str, Any] | None]:
    if isinstance(statement, Bound):
        return statement.statement, statement.values
    return statement, None


_READ_CLOCK = Bound(select(func.clock_timestamp()), {})


class UnitOfWork:
    """One transaction of one use case. The use case reads, locks and writes through it and never
    commits: `Database.run` does."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.announcements: list[Announcement] = []
        # The driver's own connection, once SQLAlchemy has begun the transaction on it.
        self._driver: Any = None

    async def execute(
        self, statement: Statement, values: list[dict[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Runs a statement built in `models`; with a list of `values` for each of them."""
        built, bound = _parts(statement)
        result = await self.connection.execute(built, bound if values is None else values)
        if self._driver is None:
            self._driver = (await self.connection.get_raw_connection()).driver_connection
        return result

    async def first(self, statement: Statement) -> Any:
        """The first row, or None."""
        found = await self.rows(statement)
        return found[0] if found else None

    async def rows(self, statement: Statement) -> Sequence[Any]:
        """All rows."""
        if self._driver is None or not isinstance(statement, Bound):
            return (await self.execute(statement)).all()
        # Built once: the driver sends it, past all that would only look at it again. Others may
        # be waiting for what this transaction has locked (docs/decisions/0022-reads.md).
        worded = in_words(statement.statement)
        for seen in _recordings:
            seen.append(worded.text)
        found: Sequence[Any] = await self._driver.fetch(
            worded.text, *worded.with_values(statement.values), record_class=worded.row
        )
        return found

    async def scalar(self, statement: Statement) -> Any:
        """The first column of the first row, or None."""
        row = await self.first(statement)
        return None if row is None else row[0]

    async def clock(self) -> datetime:
        """The database's clock, now. Deadlines are decided by it and read after the lock is held
        (spec/01-api-conventions.md#money-time-text)."""
        moment: datetime = await self.scalar(_READ_CLOCK)
        return moment

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What happens inside is undone when it raises, and the transaction goes on."""
        announced = len(self.announcements)
        try:
            async with self.connection.begin_nested():
                yield
        except BaseException:
            del self.announcements[announced:]
            raise

    def announce(self, topic: str, number: int) -> None:
        """Rings the doorbell for event `number` of `topic` once the transaction is committed."""
        self.announcements.append((topic, number))


class Database:
    """The connections of one process. After every committed unit of work `on_write` is called, and
    `on_commit` with its announcements where it has any; they must not block or raise."""

    def __init__(self, url: str, *, read_url: str | None = None, pool: int = 10) -> None:
        self.url = url
        self.on_commit: Callable[[list[Announcement]], None] = lambda _: None
        self.on_write: Callable[[], None] = lambda: None
        self._write = self._engine(url, pool)
        self._reader = Reader(read_url or url, pool)

    @property
    def driver_url(self) -> str:
        """The URL as the driver itself takes it, for a connection outside the pool."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    @staticmethod
    def _engine(url: str, pool: int) -> AsyncEngine:
        engine = create_async_engine(
            async_url(url),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
            # Errors are logged, and a statement's values may be maxima, hashes or addresses.
            hide_parameters=True,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": SERVER_SETTINGS},
        )
        event.listen(engine.sync_engine, "before_cursor_execute", _record_statement)
        return engine

    async def rows(self, statement: Statement) -> Sequence[Any]:
        """All rows of one reading statement, outside any transaction. A connection that was lost
        meanwhile is replaced and the read repeated once."""
        return await self._reader.rows(*_parts(statement), _recordings)

    async def first(self, statement: Statement) -> Any:
        """The first row of one reading statement, or None."""
        found = await self.rows(statement)
        return found[0] if found else None

    async def scalar(self, statement: Statement) -> Any:
        """The first column of the first row of one reading statement, or None."""
        row = await self.first(statement)
        return None if row is None else row[0]

    async def run(self, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Runs a use case in one transaction and commits it; whatever it raises rolls everything
        back. A serialization failure or deadlock is retried a few times, so the use case must have
        no effect outside its unit of work (design/architecture.md#rules-that-keep-it-simple)."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._write.connect() as connection, connection.begin():
                    work = UnitOfWork(connection)
                    answer = await use_case(work)
                self.on_write()
                if work.announcements:
                    self.on_commit(work.announcements)
                return answer
            except (DBAPIError, asyncpg.PostgresError) as error:
                if attempt == _ATTEMPTS or sqlstate_of(error) not in _RETRIED:
                    raise
                log.info("transaction retried", attempt=attempt, sqlstate=sqlstate_of(error))
        raise AssertionError  # the loop returns or raises

    async def alive(self) -> bool:
        """True when the database answers."""
        try:
            return bool(await self.scalar(text("SELECT true")))
        except DATABASE_ERRORS:
            return False

    async def close(self) -> None:
        """Closes every connection."""
        await self._write.dispose()
        await self._reader.close()

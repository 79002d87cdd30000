"""Reading: SQLAlchemy puts a statement into words once, the driver sends them, because what lies
between the two costs more than a short read. Knows no domain; writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import JSON, Enum, Executable, Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql
from sqlalchemy.engine import make_url

from core.lending import Connections

_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    ConnectionError,
)
_DIALECT: Final = postgresql()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Row(asyncpg.Record):
    """One row. A column is an attribute, and a word of an enum then is its member; `row["name"]` is
    what the database gave."""

    __slots__ = ()
    _words: Mapping[str, Mapping[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            value = self[name]
        except KeyError:
            raise AttributeError(name) from None
        members = self._words.get(name)
        return value if members is None or value is None else members[value]


class Worded:
    """One statement in words: its text, its arguments, and the places of the named ones among
    them."""

    __slots__ = ("_json", "arguments", "places", "row", "text")

    def __init__(self, statement: Executable) -> None:
        # Lists are written out in the text, item by item. Words of enums are text and the driver
        # knows all other kinds of values, but for JSON, which it takes as text.
        compiled = cast(Any, statement).compile(dialect=_DIALECT)
        if compiled.post_compile_params:
            written = compiled.construct_expanded_state(escape_names=False)
            text, names, values = written.statement, written.positiontup, written.parameters
        else:
            text, names, values = compiled.string, compiled.positiontup, compiled.params
        self.text: str = text
        names = names or ()
        self.arguments = [values[name] for name in names]
        self.places = {name: place for place, name in enumerate(names)}
        self._json = {name for name, bind in compiled.binds.items() if isinstance(bind.type, JSON)}
        self.row = _row_of(statement)

    def with_values(self, values: Mapping[str, Any]) -> list[Any]:
        """The arguments of one call."""
        arguments = self.arguments.copy()
        places = self.places
        for name, value in values.items():
            # A value may have no place: that of a column which this viewer's statement leaves out.
            if name in places:
                arguments[places[name]] = value
        for name in self._json:
            arguments[places[name]] = orjson.dumps(arguments[places[name]]).decode()
        return arguments


_worded: WeakKeyDictionary[Executable, Worded] = WeakKeyDictionary()


def in_words(statement: Executable) -> Worded:
    """A statement that was built once, in words; put into words once."""
    known = _worded.get(statement)
    if known is None:
        known = _worded[statement] = Worded(statement)
    return known


def _row_of(statement: Executable) -> type[Row]:
    if not isinstance(statement, Select):
        return Row
    words = {
        column.key: {member.value: member for member in column.type.enum_class}
        for column in statement.selected_columns
        if isinstance(column.type, Enum) and column.type.enum_class is not None
    }
    return type("Row", (Row,), {"__slots__": (), "_words": words}) if words else Row


class Reader:
    """The reads of one process: each is one statement on a connection of its own, outside any
    transaction."""

    def __init__(self, url: str, size: int) -> None:
        plain = make_url(url).set(drivername="postgresql")
        self._connections = Connections(plain.render_as_string(hide_password=False), size)

    async def rows(
        self,
        statement: Executable,
        values: Mapping[str, Any] | None,
        recordings: Sequence[list[str]],
    ) -> list[Any]:
        """All rows of one reading statement. With `values` it is one that was built once: it is
        put into words once. Each list of `recordings` gets its text. A connection that was lost
        meanwhile is replaced and the read repeated once."""
        if values is None:
            worded = Worded(statement)
            arguments = worded.arguments
        else:
            worded = in_words(statement)
            arguments = worded.with_values(values)
        for recording in recordings:
            recording.append(worded.text)
        try:
            return await self._sent(worded, arguments)
        except _LOST:
            return await self._sent(worded, arguments)

    async def _sent(self, worded: Worded, arguments: Sequence[Any]) -> list[Any]:
        connections = self._connections
        connection = await connections.lend()
        try:
            found: list[Any] = await connection.fetch(
                worded.text, *arguments, record_class=worded.row
            )
        except asyncpg.PostgresError:
            connections.give_back(connection)
            raise
        except BaseException:
            connections.discard(connection)
            raise
        connections.give_back(connection)
        return found

    async def close(self) -> None:
        """Closes every connection."""
        await self._connections.close()

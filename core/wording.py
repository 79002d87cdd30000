"""Putting statements into words: SQLAlchemy builds them, the driver sends them, because what lies
between the two costs more than a short statement. Knows no domain; sends nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import JSON, Enum, Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql
from sqlalchemy.sql.crud import REQUIRED
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

_DIALECT: Final = postgresql()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Bound(Generic[ResultT]):
    """A statement that was built once, and the values of one call, because building a statement
    costs more than sending it. `ResultT` is the class of its rows, or the type of the one value
    that it gives."""

    statement: Executable
    values: Mapping[str, Any]


Statement: TypeAlias = Executable | Bound[Any]


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


class RowLike(Protocol):
    """A row, or what stands for one: an event that tells how the row was then."""

    def keys(self) -> Iterable[str]:
        """The names of its columns."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""

    def __contains__(self, name: object, /) -> bool:
        """Whether it has a column."""


class Worded:
    """One statement in words: its text, the kind of its rows, and its arguments but for the values
    of one call. `given` are the columns of which values come with each call, for a write that does
    not name its columns."""

    __slots__ = ("_arguments", "_json", "_places", "_required", "row", "text")

    def __init__(self, statement: Executable, given: Sequence[str] | None = None) -> None:
        # Lists are written out in the text, item by item. Words of enums are text and the driver
        # knows all other kinds of values, but for JSON, which it takes as text.
        compiled = cast(Any, statement).compile(dialect=_DIALECT, column_keys=given)
        if compiled.post_compile_params:
            written = compiled.construct_expanded_state(escape_names=False)
            text, names, values = written.statement, written.positiontup, written.parameters
        else:
            text, names, values = compiled.string, compiled.positiontup, compiled.params
        self.text: str = text
        names = names or ()
        self._arguments = [values[name] for name in names]
        self._places = {name: place for place, name in enumerate(names)}
        self._json = [
            (self._places[name], bind.type.none_as_null)
            for name, bind in compiled.binds.items()
            if isinstance(bind.type, JSON) and name in self._places
        ]
        # What has no value in the statement itself must come with each call.
        without = [name for name in names if values[name] is None or values[name] is REQUIRED]
        binds = compiled.binds
        self._required = frozenset(
            name for name in without if name in binds and binds[name].required
        )
        self.row = _row_of(statement)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The arguments of one call with these values. Raises ValueError when one is missing."""
        if not values.keys() >= self._required:
            missing = ", ".join(sorted(self._required - values.keys()))
            raise ValueError(f"a statement was given no value for {missing}")
        arguments = self._arguments.copy()
        places = self._places
        for name, value in values.items():
            # A value may have no place: that of a column which this viewer's statement leaves out.
            if name in places:
                arguments[places[name]] = value
        for place, none_as_null in self._json:
            if not (none_as_null and arguments[place] is None):
                arguments[place] = orjson.dumps(arguments[place]).decode()
        return arguments


_worded: WeakKeyDictionary[Executable, Worded] = WeakKeyDictionary()


def in_words(statement: Statement) -> tuple[Worded, list[Any]]:
    """A statement in words and its arguments. One that was built once is put into words once."""
    if not isinstance(statement, Bound):
        worded = Worded(statement)
        return worded, worded.arguments({})
    known = _worded.get(statement.statement)
    if known is None:
        known = _worded[statement.statement] = Worded(statement.statement)
    return known, known.arguments(statement.values)


def columns_of(statement: Executable) -> Sequence[Any]:
    """The columns of the rows that a statement gives; none of one that gives no rows."""
    if isinstance(statement, SelectBase):
        return tuple(statement.selected_columns)
    if isinstance(statement, UpdateBase):
        return tuple(cast(Any, statement.exported_columns))  # what it returns
    return ()


def _row_of(statement: Executable) -> type[Row]:
    columns = columns_of(statement)
    enums = frozenset(
        (column.key, column.type.enum_class)
        for column in columns
        if isinstance(column.type, Enum) and column.type.enum_class is not None
    )
    return _row_with(enums) if enums else Row


# One class for all statements with the same words: the driver knows what it has prepared by the
# text and this class.
@lru_cache(500)
def _row_with(enums: frozenset[tuple[str, Any]]) -> type[Row]:
    words = {name: {member.value: member for member in enum} for name, enum in enums}
    return type("Row", (Row,), {"__slots__": (), "_words": words})

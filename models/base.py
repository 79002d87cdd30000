"""What all tables share: naming of constraints, column kinds, keyset pages. No domain."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, DateTime, Enum, Integer, Select, String, tuple_
from sqlmodel import SQLModel

from core.errors import BadUserInput
from core.pages import Key, PageRequest

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# A reading statement; what its rows hold, its docstring says.
Query: TypeAlias = Select[*tuple[Any, ...]]


class Table(SQLModel):
    """Base of all tables. A table validates nothing: commands and constraints do."""


# SQLModel's own default has no time zone; every moment is stored with one.
Moment: Any = DateTime(timezone=True)


def text_of(length: int) -> Any:
    """A text column with its maximum length, the same as in the schema's description."""
    return String(length)


def words(enum: type[StrEnum], name: str) -> Any:
    """A text column that holds one word of an enum, backed by a check constraint."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=30,
        values_callable=lambda members: [member.value for member in members],
    )


def keyset_page(
    statement: Query,
    columns: Sequence[Any],
    page: PageRequest,
    order: str,
    *,
    descending: bool,
) -> Query:
    """The statement limited to one page over a unique sort key: rows behind `after`, before
    `before`, one more than asked so that the caller sees whether the list goes on. All columns run
    in one direction, so that one index serves the page (spec/01-api-conventions.md#lists)."""
    after = _checked(page.after_key(order), columns, "after")
    before = _checked(page.before_key(order), columns, "before")
    key: Any = tuple_(*columns)
    if after is not None:
        bound = tuple_(*after)
        statement = statement.where(key < bound if descending else key > bound)
    if before is not None:
        bound = tuple_(*before)
        statement = statement.where(key > bound if descending else key < bound)
    down = descending != page.backwards
    return statement.order_by(*[c.desc() if down else c.asc() for c in columns]).limit(
        page.limit + 1
    )


# Moments outside cannot be told in every time zone.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_LARGEST = {Integer: 2**31, BigInteger: 2**63}


def _checked(key: Key | None, columns: Sequence[Any], argument: str) -> Key | None:
    """The key of a cursor, when it can be compared with these columns: a client may have made the
    cursor up. Raises BadUserInput."""
    if key is None:
        return None
    if len(key) == len(columns) and all(map(_comparable, key, columns)):
        return key
    raise BadUserInput(f"{argument}: not a cursor of this list.", argument)


def _comparable(value: Any, column: Any) -> bool:
    if not isinstance(value, column.type.python_type):
        return False
    if isinstance(value, int):
        return abs(value) < _LARGEST[type(column.type)]
    if isinstance(value, datetime):
        return value.tzinfo is not None and _FIRST < value < _LAST
    return not (isinstance(value, str) and "\x00" in value)

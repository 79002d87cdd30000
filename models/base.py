"""What all tables share: naming of constraints, column kinds, keyset pages. No domain."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Enum,
    Integer,
    Select,
    String,
    Uuid,
    any_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlmodel import SQLModel

from auth.actor import Actor, Permission, Role
from core.database import Columns
from core.errors import BadUserInput
from core.pages import PLACES, Key, PageRequest

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


class Viewer(NamedTuple):
    """What of an actor decides how a statement is built; who exactly it is, is the value of the
    parameter `viewer`. So a statement is built once for each kind of viewer, not for each
    request: building one with many columns costs more than running it."""

    role: Role | None
    is_anonymous: bool

    @property
    def is_admin(self) -> bool:
        """True for ADMIN and SUPER_ADMIN."""
        return Actor(role=self.role).is_admin

    def may(self, permission: Permission) -> bool:
        """True when the viewer's role has this permission."""
        return Actor(role=self.role).may(permission)


def viewer_of(actor: Actor) -> Viewer:
    """The kind of viewer that an actor is."""
    return Viewer(actor.role, actor.is_anonymous)


def viewer_id() -> Any:
    """The id of the viewer, given as the value `viewer` when the statement is run."""
    return bindparam("viewer", type_=Uuid)


def among(column: Any, name: str = "ids") -> Any:
    """True where the column is among the list of the value `name`. An array, so that lists of all
    lengths are one statement."""
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


def only(statement: Query, columns: Columns, *needed: str) -> Query:
    """The statement with those of its columns that are asked for, and those that reading it needs
    (design/performance.md#techniques-in-the-order-of-what-they-give)."""
    if columns is None:
        return statement
    wanted = columns.union(needed)
    return statement.with_only_columns(
        *[column for column in statement.selected_columns if column.key in wanted]
    )


class PageShape(NamedTuple):
    """What of a page request decides how its statement is built."""

    after: bool
    before: bool
    backwards: bool


def page_shape(page: PageRequest) -> PageShape:
    """The shape of a page request."""
    return PageShape(page.after is not None, page.before is not None, page.backwards)


def parents_of_pages() -> Any:
    """The ids of the value `parents` as rows with the one column `parent_id`, to join the same page
    of many lists to."""
    ids = bindparam("parents", type_=ARRAY(Uuid))
    return select(func.unnest(ids).label("parent_id")).subquery()


def keyset_shape(
    statement: Query, columns: Sequence[Any], shape: PageShape, *, descending: bool
) -> Query:
    """The statement limited to one page over a unique sort key: rows behind `after`, before
    `before`, up to the value `page_limit`, which is one more than asked where the caller is to see
    whether the list goes on. All columns run in one direction, so that one index serves the page
    (spec/01-api-conventions.md#lists). Run it with `keyset_values`."""
    key: Any = tuple_(*columns)

    def bound(name: str) -> Any:
        return tuple_(
            *[
                bindparam(f"{name}_{place}", type_=column.type)
                for place, column in enumerate(columns)
            ]
        )

    if shape.after:
        statement = statement.where(key < bound("after") if descending else key > bound("after"))
    if shape.before:
        statement = statement.where(key > bound("before") if descending else key < bound("before"))
    down = descending != shape.backwards
    return statement.order_by(*[c.desc() if down else c.asc() for c in columns]).limit(
        bindparam("page_limit", type_=Integer)
    )


def keyset_values(
    columns: Sequence[Any], page: PageRequest, order: str, asked: Columns = None
) -> dict[str, Any]:
    """The values of the page's parameters; of what is `asked` for, only `PLACES` matters. Raises
    BadUserInput for a cursor of another list."""
    more = asked is None or PLACES in asked
    values: dict[str, Any] = {"page_limit": page.limit + more}
    for name, key in (("after", page.after_key(order)), ("before", page.before_key(order))):
        for place, value in enumerate(_checked(key, columns, name) or ()):
            values[f"{name}_{place}"] = value
    return values


def keyset_page(
    statement: Query,
    columns: Sequence[Any],
    page: PageRequest,
    order: str,
    *,
    descending: bool,
) -> Query:
    """One page of a statement that is built anew for it: `keyset_shape` with its values."""
    shaped = keyset_shape(statement, columns, page_shape(page), descending=descending)
    return shaped.params(keyset_values(columns, page, order))


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

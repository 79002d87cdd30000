"""The one way to write a statement: a function builds it for its shape, once, and each call binds
its values. Must not know a table.

    class NoteRow(Row):
        id: UUID
        text: str

    @rows_of(NoteRow)
    def _notes_of_ids(viewer: Viewer, columns: Columns) -> Query:
        return only(select(...), columns, "id").where(among(col(Note.id)))

    def notes_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[NoteRow]:
        return _notes_of_ids(viewer_of(actor), columns).bind(viewer=actor.user_id, ids=ids)

A row class says each column that its statements may give, with its type. That they give no other is
checked when the statement is built: a column is an attribute, and asking for one that this reading
left out raises AttributeError."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from types import NoneType, UnionType
from typing import (
    Any,
    Generic,
    ParamSpec,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from sqlalchemy import ARRAY, JSON, Enum, Executable, Insert, Update, bindparam, insert, update
from sqlalchemy.types import NullType
from sqlmodel import SQLModel

from core.wording import Bound, Row, columns_of

_KEPT = 1_000

ShapeP = ParamSpec("ShapeP")
ResultT = TypeVar("ResultT")
RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Built(Generic[ResultT]):
    """A statement that was built for its shape."""

    statement: Executable

    def bind(self, **values: Any) -> Bound[ResultT]:
        """The statement with the values of one call, by the names of its parameters."""
        return Bound(self.statement, values)


def rows_of(
    row: type[RowT],
) -> Callable[[Callable[ShapeP, Executable]], Callable[ShapeP, Built[RowT]]]:
    """Declares a function that builds a statement giving rows of this class. What it built is kept
    by its arguments, which must be hashable. Raises TypeError when it is built with a column that
    the class does not say, or says to be of another type."""

    def declare(build: Callable[ShapeP, Executable]) -> Callable[ShapeP, Built[RowT]]:
        def checked(*args: ShapeP.args, **kwargs: ShapeP.kwargs) -> Built[RowT]:
            statement = build(*args, **kwargs)
            _check(row, statement, f"{build.__module__}.{build.__name__}")
            return Built(statement)

        return _kept(build, checked)

    return declare


def value_of(
    kind: type[ResultT],
) -> Callable[[Callable[ShapeP, Executable]], Callable[ShapeP, Built[ResultT]]]:
    """Declares a function that builds a statement giving one value of this type: a count, an id.
    For use with `scalar`."""

    def declare(build: Callable[ShapeP, Executable]) -> Callable[ShapeP, Built[ResultT]]:
        def built(*args: ShapeP.args, **kwargs: ShapeP.kwargs) -> Built[ResultT]:
            return Built(build(*args, **kwargs))

        return _kept(build, built)

    return declare


def written(build: Callable[ShapeP, Executable]) -> Callable[ShapeP, Built[None]]:
    """Declares a function that builds a statement which gives nothing back. For use with
    `execute`."""

    def built(*args: ShapeP.args, **kwargs: ShapeP.kwargs) -> Built[None]:
        return Built(build(*args, **kwargs))

    return _kept(build, built)


def inserting(table: type[SQLModel], names: Iterable[str]) -> Insert:
    """Writes one row of a table with these columns, given to `bind` by `new`."""
    return insert(table).values(_given(table, names))


def setting(table: type[SQLModel], names: Iterable[str]) -> Update:
    """Sets these columns of a table, given to `bind` by `new`; the caller adds which rows."""
    return update(table).values(_given(table, names))


def new(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `inserting` and `setting`, as `bind` takes them."""
    return {f"new_{name}": value for name, value in values.items()}


def _given(table: type[SQLModel], names: Iterable[str]) -> dict[str, Any]:
    columns = cast(Any, table).__table__.c
    # Another name than the column's: SQLAlchemy keeps those for itself.
    return {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}


def given(name: str, column: Any) -> Any:
    """A value of `bind`, of the type of a column."""
    return bindparam(name, type_=column.type)


def _kept(
    build: Callable[ShapeP, Any], made: Callable[ShapeP, Built[ResultT]]
) -> Callable[ShapeP, Built[ResultT]]:
    kept: Any = wraps(build)(lru_cache(_KEPT)(made))
    declared: Callable[ShapeP, Built[ResultT]] = kept
    return declared


def _check(row: type[Row], statement: Executable, where: str) -> None:
    said = get_type_hints(row)
    for column in columns_of(statement):
        if column.key not in said:
            raise TypeError(f"{where}: {row.__name__} says nothing of the column {column.key}")
        kind = _kind(column.type)
        if kind is not None and kind not in _kinds(said[column.key]):
            raise TypeError(
                f"{where}: {row.__name__}.{column.key} is {said[column.key]}, not {kind.__name__}"
            )


def _kind(type_: Any) -> type | None:
    """The Python type of a column's values; None where it is not known or is what JSON holds."""
    if isinstance(type_, NullType | JSON | ARRAY):
        return None
    if isinstance(type_, Enum):
        return type_.enum_class
    found: type = type_.python_type
    return found


def _kinds(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, UnionType):
        return tuple(one for one in get_args(annotation) if one is not NoneType)
    return (annotation,)

"""Lists, declared once: what a viewer sees, how it is narrowed and ordered. From it come the
statements of a page, of a count, and of the same page of many parents. Must not know a table."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import func, select, true

from auth.actor import Actor
from core.commands import Filter
from core.database import Columns
from core.pages import Key, ListRequest, PageRequest
from core.wording import Bound, Row
from models.base import (
    PageShape,
    Query,
    Viewer,
    among,
    keyset_shape,
    keyset_values,
    only,
    page_shape,
    parents_of_pages,
    viewer_of,
)
from models.statements import rows_of, value_of
from models.texts import part, part_of

RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Order:
    """A total order of a list: by these columns, the last of which is unique, all in one direction.
    `name` binds cursors to it."""

    name: str
    keys: tuple[Any, ...]
    descending: bool = False
    where: tuple[Any, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, which the rows must hold."""
        return tuple(key.key for key in self.keys)

    def key_of(self, row: Any) -> Key:
        """The values that place a row in the list."""
        return tuple(row[name] for name in self.names)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field of the filter asks for: `where` of the value that is given under the field's
    name, made by `prepared` of the one that was asked for."""

    where: Any
    prepared: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class Choice:
    """What a field of the filter asks for when its few values are conditions of their own."""

    where: Callable[[Any], Any]


def contains(column: Any, name: str) -> Condition:
    """The column holds the text, whatever its case."""
    return Condition(part_of(column, name), part)


class ParentCount(Row):
    """How long the list of a parent is."""

    parent_id: UUID
    count: int


class Listed(Generic[RowT]):
    """A list of rows. `shown(viewer)` selects what a viewer sees; `orders` has the order for each
    sort that may be asked for, under None where there is but one; `conditions` has one for each
    field of the filter; `parent` is the column that tells in whose list a row is, for `pages` and
    `counts`."""

    def __init__(
        self,
        row: type[RowT],
        shown: Callable[[Viewer], Query],
        orders: Mapping[Any, Order],
        *,
        conditions: Mapping[str, Condition | Choice] | None = None,
        needed: tuple[str, ...] = ("id",),
        parent: Any = None,
    ) -> None:
        self._shown = shown
        self._orders = orders
        self._conditions = conditions or {}
        self._needed = needed
        self._parent = parent
        self._page = rows_of(row)(self._build_page)
        self._pages = rows_of(row)(self._build_pages)
        self._count = value_of(int)(self._build_count)
        self._counts = rows_of(ParentCount)(self._build_counts)

    def order(self, sort: Any = None) -> Order:
        """The order of a sort."""
        return self._orders[sort]

    def page(self, actor: Actor, request: ListRequest[Any, Any]) -> Bound[RowT]:
        """One page. Raises BadUserInput for a cursor of another list."""
        order = self._orders[request.sort]
        asked, values = self._asked(request.filter)
        shape = page_shape(request.page)
        places = keyset_values(order.keys, request.page, order.name, request.columns)
        statement = self._page(viewer_of(actor), request.sort, asked, shape, request.columns)
        return statement.bind(viewer=actor.user_id, **values, **places)

    def count(self, actor: Actor, request: ListRequest[Any, Any]) -> Bound[int]:
        """How many the list holds."""
        asked, values = self._asked(request.filter)
        statement = self._count(viewer_of(actor), request.sort, asked)
        return statement.bind(viewer=actor.user_id, **values)

    def pages(
        self, actor: Actor, parents: Sequence[Any], page: PageRequest, columns: Columns = None
    ) -> Bound[RowT]:
        """The same page of the lists of many parents. Raises BadUserInput."""
        order = self._orders[None]
        places = keyset_values(order.keys, page, order.name, columns)
        statement = self._pages(viewer_of(actor), page_shape(page), columns)
        return statement.bind(viewer=actor.user_id, parents=parents, **places)

    def counts(self, actor: Actor, parents: Sequence[Any]) -> Bound[ParentCount]:
        """How long the list of each of these parents is; nothing for an empty one."""
        return self._counts(viewer_of(actor)).bind(viewer=actor.user_id, ids=parents)

    @property
    def parent_name(self) -> str:
        """The name of the column that tells of whose list a row is."""
        name: str = self._parent.key
        return name

    def _asked(self, filter: Filter | None) -> tuple[tuple[Hashable, ...], dict[str, Any]]:
        asked: list[Hashable] = []
        values: dict[str, Any] = {}
        for name, value in {} if filter is None else filter.asked().items():
            condition = self._conditions[name]
            if isinstance(condition, Choice):
                asked.append((name, value))
            else:
                asked.append(name)
                values[name] = condition.prepared(value)
        return tuple(asked), values

    def _where(self, asked: tuple[Hashable, ...]) -> list[Any]:
        wanted = []
        for one in asked:
            name, value = one if isinstance(one, tuple) else (one, None)
            condition = self._conditions[name]
            of = condition.where
            wanted.append(of(value) if isinstance(condition, Choice) else of)
        return wanted

    def _build_page(
        self, viewer: Viewer, sort: Any, asked: Any, shape: PageShape, columns: Columns
    ) -> Query:
        order = self._orders[sort]
        shown = only(self._shown(viewer), columns, *self._needed, *order.names)
        listed = shown.where(*self._where(asked), *order.where)
        return keyset_shape(listed, order.keys, shape, descending=order.descending)

    def _build_count(self, viewer: Viewer, sort: Any, asked: Any) -> Query:
        shown = only(self._shown(viewer), frozenset(), *self._needed)
        listed = shown.where(*self._where(asked), *self._orders[sort].where)
        return select(func.count()).select_from(listed.subquery())

    def _build_pages(self, viewer: Viewer, shape: PageShape, columns: Columns) -> Query:
        order, parents = self._orders[None], parents_of_pages()
        shown = only(self._shown(viewer), columns, *self._needed, *order.names, self.parent_name)
        listed = shown.where(self._parent == parents.c.parent_id)
        page = keyset_shape(listed, order.keys, shape, descending=order.descending).lateral()
        return select(page).select_from(parents.join(page, true()))

    def _build_counts(self, viewer: Viewer) -> Query:
        shown = only(self._shown(viewer), frozenset(), self.parent_name)
        listed = shown.where(among(self._parent)).subquery()
        parent = listed.c[self.parent_name].label("parent_id")
        return select(parent, func.count().label("count")).group_by(parent)

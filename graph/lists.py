"""Lists, declared once: `listing(Entity, page, count, …)`. From it come the arguments, the
connection, the filter, the order and the count. Knows none by name."""

from collections.abc import Awaitable, Callable
from dataclasses import MISSING
from enum import StrEnum
from typing import Any

from strawberry.types.field import StrawberryField

from auth.actor import Actor
from auth.who import ANYBODY, Who
from core.commands import Filter
from core.database import Database
from core.pages import ListRequest, Page, PageRequest, page_request
from graph.columns import columns_below
from graph.connections import Connection, connection_of
from graph.context import Context
from graph.inputs import Item, input_of, items_of, values_of
from graph.kept import kept_for
from graph.loading import loader_of
from graph.roots import RootField, Scope, Unsaid

PageReading = Callable[[Database, Actor, ListRequest[Any, Any]], Awaitable[Page[Any]]]
CountReading = Callable[[Database, Actor, ListRequest[Any, Any]], Awaitable[int]]

FIRST = "How many from the start: 20 when left out, at most 100."
AFTER = "Only what comes after this cursor."
LAST = "How many from the end, at most 100."
BEFORE = "Only what comes before this cursor."

_PLACES = (
    Item("first", int | None, FIRST, None, None),
    Item("after", str | None, AFTER, None, None),
    Item("last", int | None, LAST, None, None),
    Item("before", str | None, BEFORE, None, None),
)


class ListField(RootField):
    """A query field that gives pages of an entity (spec/01-api-conventions.md#lists)."""

    kind = "Query"

    def __init__(
        self,
        entity: type,
        page: PageReading,
        count: CountReading,
        *,
        description: str,
        who: Who,
        scope: Scope = Unsaid.SCOPE,
        filter: type[Filter] | None,
        filter_description: str,
        sort: StrEnum | None,
        kept: int | None,
    ) -> None:
        super().__init__(description=description, who=who, scope=scope)
        self.entity = entity
        self.page = page
        self._count = count
        self._filter = filter
        self._filter_description = filter_description
        self._sort = sort
        self._kept = kept
        items = () if filter is None else items_of(filter)
        self._within = [item for item in items if not item.beside]
        self._beside = [item for item in items if item.beside]

    def sorts(self) -> list[StrEnum | None]:
        """The orders that may be asked for; None where there is but one."""
        return [None] if self._sort is None else list(type(self._sort))

    def unfiltered(self, page: PageRequest, sort: StrEnum | None) -> ListRequest[Any, Any]:
        """The request for a page of the whole list."""
        return ListRequest(page, None, sort)

    def field(self) -> StrawberryField:
        """The field as Strawberry takes it."""
        required = [item for item in self._beside if item.default is MISSING]
        items = [*required, *_PLACES, *[item for item in self._beside if item not in required]]
        if self._filter is not None and self._within:
            type_ = input_of(self._filter) | None
            items.append(Item("filter", type_, self._filter_description, None, None))
        if self._sort is not None:
            order = type(self._sort) | None
            items.append(Item("sort", order, "In which order.", self._sort, None))
        returns = Connection[self.entity]  # type: ignore[name-defined]  # at run time
        return self.make(items, returns, kept_for(self._kept))

    async def resolve(
        self,
        source: Any,
        info: Any,
        /,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        **given: Any,
    ) -> Any:
        """The connection. Raises RequestError."""
        context: Context = info.context
        self.who.require(context.actor)
        request = ListRequest(
            page_request(first, after, last, before),
            self._filtered(given),
            given.get("sort") or self._sort,
            columns_below(info),
        )
        page = await self.page(context.database, context.actor, request)
        shape, actor = loader_of(self.entity).shape, context.actor
        return connection_of(
            page,
            [shape(row, actor) for row in page.rows],
            lambda context: self._count(context.database, context.actor, request),
        )

    def _filtered(self, given: dict[str, Any]) -> Filter | None:
        if self._filter is None:
            return None
        values = values_of(self._beside, given)
        if self._within:
            values |= values_of(self._within, given.get("filter") or {}, ("filter",))
        return self._filter.at(("filter",), values)


def listing(
    entity: type,
    page: PageReading,
    count: CountReading,
    *,
    description: str,
    who: Who = ANYBODY,
    scope: Scope = Unsaid.SCOPE,
    filter: type[Filter] | None = None,
    filter_description: str = "Which ones.",
    sort: StrEnum | None = None,
    kept: int | None = None,
) -> ListField:
    """Declares a list of an entity: `page` reads one page and `count` the whole number, both within
    what the actor may see. `sort` is the order where none is asked for, a member of the enum of
    orders; `kept` how many seconds caches may keep the answer (graph/kept.py)."""
    return ListField(
        entity,
        page,
        count,
        description=description,
        who=who,
        scope=scope,
        filter=filter,
        filter_description=filter_description,
        sort=sort,
        kept=kept,
    )

"""Query fields that give one value, declared by a function. Lists: graph/lists.py."""

from collections.abc import Awaitable, Callable
from dataclasses import MISSING
from inspect import signature
from typing import Annotated, Any, get_type_hints
from uuid import UUID

from strawberry.types.field import StrawberryField

from auth.who import ANYBODY, Who
from core.commands import IdOf
from graph.context import Context
from graph.entity import entity_of
from graph.inputs import item_of, values_of
from graph.kept import kept_for
from graph.roots import RootField, Scope, Unsaid


class QueryField(RootField):
    """A query field: `read(context, **arguments)` gives its value. Its return annotation is the
    field's type, each further parameter an argument, described as the fields of commands are."""

    kind = "Query"

    def __init__(
        self,
        read: Callable[..., Any],
        *,
        description: str,
        who: Who,
        scope: Scope = Unsaid.SCOPE,
        metadata: dict[str, Any],
    ) -> None:
        super().__init__(description=description, who=who, scope=scope)
        hints = get_type_hints(read, include_extras=True)
        self._read = read
        self._returns = hints["return"]
        self._metadata = metadata
        where = f"{read.__module__}.{read.__name__}"
        _, *parameters = signature(read).parameters.values()
        self._items = tuple(
            item_of(
                parameter.name,
                hints[parameter.name],
                MISSING if parameter.default is parameter.empty else parameter.default,
                where,
            )
            for parameter in parameters
        )

    def field(self) -> StrawberryField:
        """The field as Strawberry takes it."""
        return self.make(self._items, self._returns, self._metadata)

    async def resolve(self, source: Any, info: Any, /, **given: Any) -> Any:
        """The value. Raises RequestError."""
        context: Context = info.context
        self.who.require(context.actor)
        value = self._read(context, **values_of(self._items, given))
        return await value if isinstance(value, Awaitable) else value


def query(
    *,
    description: str,
    who: Who = ANYBODY,
    scope: Scope = Unsaid.SCOPE,
    kept: int | None = None,
    metadata: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], QueryField]:
    """Declares a query field by its function. `kept` is how many seconds its answer may be kept by
    caches (graph/kept.py), None for not at all; `metadata` such as `graph.cost.declared(...)`."""

    def declare(read: Callable[..., Any]) -> QueryField:
        given = {**kept_for(kept), **(metadata or {})}
        return QueryField(read, description=description, who=who, scope=scope, metadata=given)

    return declare


def by_id(
    entity: type,
    *,
    description: str,
    argument: str,
    who: Who = ANYBODY,
    scope: Scope = Unsaid.SCOPE,
    kept: int | None = None,
) -> QueryField:
    """Declares the query field of one entity by its id: null for what the viewer may not see.
    `argument` says what the id is."""

    async def one(context: Context, id: UUID) -> Any:
        return await context.load(entity, id)

    one.__annotations__ = {
        "context": Context,
        "id": Annotated[UUID, IdOf(entity_of(entity).prefix), argument],
        "return": entity | None,
    }
    one.__module__, one.__name__ = entity.__module__, f"{entity.__name__} by id"
    given = kept_for(kept)
    return QueryField(one, description=description, who=who, scope=scope, metadata=given)

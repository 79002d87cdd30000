"""Entities, declared once: `@entity("prd", rows=…, description=…)`. From it come the id, `Node`,
`node(id:)`, the loader of relations to it, and the check of its columns. Knows none by name."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import strawberry

from auth.actor import Actor
from core.database import Columns, Database
from graph.columns import row_id
from graph.loading import LOADER, Loader

ENTITY = "__souk_entity__"

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)


class Rows(Protocol):
    """What loads the rows of many ids, in their order, None for what the viewer may not see."""

    def __call__(
        self, database: Database, actor: Actor, ids: list[Any], columns: Columns = None, /
    ) -> Awaitable[Sequence[Any]]: ...


@strawberry.interface(description="Anything with an id of its own, to be had by `node(id:)`.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The object's id: a prefix that tells its type and a ULID. Opaque to clients."
    )
    row: strawberry.Private[Any] = None

    @classmethod
    def of(cls, row: Any, actor: Actor) -> Self:
        """The object of a row that the viewer may see."""
        return cls(row=row)  # type: ignore[call-arg]  # the id is a column of the row


@dataclass(frozen=True, slots=True)
class Entity:
    """What was declared of an entity: the prefix of its ids, its class, and whether `node` gives it
    to an API key."""

    prefix: str
    class_: type
    loader: Loader
    row: type | None
    for_keys: bool


def entity(
    prefix: str,
    *,
    rows: Rows,
    description: str,
    row: type | None = None,
    interface: bool = False,
    for_keys: bool = True,
    id_kept: int | None = None,
) -> Callable[[ClassT], ClassT]:
    """Declares a class as an entity whose ids have this prefix. `rows` loads its rows by ids and
    columns and `row` is their class; `for_keys` whether `node` gives it to API keys; `id_kept` how
    long caches may keep its id. A class may say `id` itself, or `of`, which makes an object of a
    row and of the viewer."""

    def declare(class_: ClassT) -> ClassT:
        if "id" not in vars(class_):
            class_.id = row_id(prefix, kept=id_kept)  # type: ignore[attr-defined]  # a field
            class_.__annotations__ = {"id": strawberry.ID, **class_.__annotations__}
        made: Any = (strawberry.interface if interface else strawberry.type)(
            class_, description=description
        )
        loader = Loader(rows, made.of, by_columns=True)
        setattr(made, LOADER, loader)
        setattr(made, ENTITY, Entity(prefix, made, loader, row, for_keys))
        declared: ClassT = made
        return declared

    return declare


def entity_of(class_: type) -> Entity:
    """What was declared of an entity. Raises TypeError for a class that is none."""
    found = getattr(class_, ENTITY, None)
    if not isinstance(found, Entity):
        raise TypeError(f"{class_.__module__}.{class_.__name__} is no entity")
    return found

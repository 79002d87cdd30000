"""Entities, declared once: `@entity("prd", rows=…, description=…)`. From it come the id, `Node`,
`node(id:)`, the loader of relations to it, and the check of its columns. Knows none by name."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar, dataclass_transform

import strawberry

from auth.actor import Actor
from core.database import Columns, Database
from graph.columns import row_id
from graph.loading import LOADER, Loader

ENTITY = "__souk_entity__"
VARIANTS = "__souk_variants__"

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)


class Rows(Protocol):
    """What loads the rows of many ids, in their order, None for what the viewer may not see."""

    def __call__(
        self, database: Database, actor: Actor, ids: list[Any], columns: Columns = None, /
    ) -> Awaitable[Sequence[Any]]: ...


def _of_the_row() -> Any:
    return strawberry.field(
        description="The object's id: a prefix that tells its type and a ULID. Opaque to clients."
    )


@strawberry.interface(description="Anything with an id of its own, to be had by `node(id:)`.")
class Node:
    id: strawberry.ID = _of_the_row()
    row: strawberry.Private[Any] = None

    @classmethod
    def of(cls, row: Any, actor: Actor) -> Self:
        """The object of a row that the viewer may see."""
        return cls(row=row)


@dataclass(frozen=True, slots=True)
class Entity:
    """What was declared of an entity: the prefix of its ids, its class, and whether `node` gives it
    to an API key."""

    prefix: str
    class_: type
    loader: Loader
    row: type | None
    for_keys: bool


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def entity(
    prefix: str,
    *,
    rows: Rows,
    description: str,
    row: type | None = None,
    variants: str | None = None,
    for_keys: bool = True,
    id_kept: int | None = None,
) -> Callable[[ClassT], ClassT]:
    """Declares a class as an entity whose ids have this prefix. `rows` loads its rows by ids and
    columns and `row` is their class; `for_keys` whether `node` gives it to API keys; `id_kept` how
    long caches may keep its id. A class may say `id` itself, or `of`, which makes an object of a
    row and of the viewer. With `variants` it is an interface, of which the column of that name
    tells the variant (`variant`)."""

    def declare(class_: ClassT) -> ClassT:
        if "id" not in vars(class_):
            class_.id = row_id(prefix, kept=id_kept)  # type: ignore[attr-defined]  # a field
            class_.__annotations__ = {"id": strawberry.ID, **class_.__annotations__}
        kind = strawberry.type if variants is None else strawberry.interface
        made: Any = kind(class_, description=description)
        if variants is not None:
            made.of = classmethod(_of_variant)
            setattr(made, VARIANTS, Variants(variants))
        loader = Loader(rows, made.of, by_columns=True)
        setattr(made, LOADER, loader)
        setattr(made, ENTITY, Entity(prefix, made, loader, row, for_keys))
        declared: ClassT = made
        return declared

    return declare


@dataclass(frozen=True, slots=True)
class Variants:
    """The classes of an interface's variants, by what their rows say in a column."""

    column: str
    classes: dict[str, Any] = field(default_factory=dict)


def _of_variant(interface: Any, row: Any, actor: Actor) -> Any:
    variants: Variants = getattr(interface, VARIANTS)
    return variants.classes[row[variants.column]].of(row, actor)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def variant(word: str, *, description: str) -> Callable[[ClassT], ClassT]:
    """Declares a class, derived from that of an entity with variants, as what rows of this word
    are. Raises ValueError for a word that another class has."""

    def declare(class_: ClassT) -> ClassT:
        variants: Variants = getattr(class_, VARIANTS)
        if word in variants.classes:
            raise ValueError(f"{class_.__module__}: there is a variant {word} already")
        if "of" not in vars(class_):
            class_.of = classmethod(_of_row)  # type: ignore[attr-defined]  # in place of dispatch
        made: Any = strawberry.type(class_, description=description)
        variants.classes[word] = made
        declared: ClassT = made
        return declared

    return declare


def _of_row(class_: Any, row: Any, _: Actor) -> Any:
    return class_(row=row)


def variants_of(class_: type) -> Sequence[type]:
    """The classes of the variants of an entity; none of one that has none."""
    found = getattr(class_, VARIANTS, None)
    return list(found.classes.values()) if isinstance(found, Variants) else []


def entity_of(class_: type) -> Entity:
    """What was declared of an entity. Raises TypeError for a class that is none."""
    found = getattr(class_, ENTITY, None)
    if not isinstance(found, Entity):
        raise TypeError(f"{class_.__module__}.{class_.__name__} is no entity")
    return found

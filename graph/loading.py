"""How objects are loaded: one statement for all keys that an operation asks for at once. Must not
run SQL or hold a rule."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from auth.actor import Actor

LoadRows: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Loader:
    """How a relation is loaded: `load(database, actor, keys)` gives one row (or None) for each key,
    in the order of the keys, in one statement; `shape` makes the GraphQL object of a row. With
    `by_columns`, `load` takes the columns that are asked for as a fourth argument."""

    load: LoadRows
    shape: Callable[[Any, Actor], Any]
    by_columns: bool = False


LOADER = "__souk_loader__"
"""Where a class holds how its objects are loaded (graph/entity.py)."""


def loader_of(class_: type) -> Loader:
    """How the objects of an entity are loaded, also of one kind of it. Raises TypeError for a class
    that is no entity."""
    loader = getattr(class_, LOADER, None)
    if not isinstance(loader, Loader):
        raise TypeError(f"{class_.__module__}.{class_.__name__} is no entity")
    return loader

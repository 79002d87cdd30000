"""What a random world is made of: its objects, classes of one type, loud leaves, choices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from graphql import GraphQLNamedType, print_ast

from execution import BreadthFirstExecutor, DocumentCache, Selection


class Thing:
    """A source object with attributes; `kind` is its GraphQL type."""

    def __init__(self, kind: str, values: dict[str, Any]) -> None:
        self.kind = kind
        self.__dict__.update(values)


class Known(Thing):
    """A thing whose class tells its type."""


@cache
def class_of(kind: str) -> type[Known]:
    """Return the class of all things of one type, named as graphql-core looks for it."""
    return type(kind, (Known,), {f"_{kind}__typename": kind, "type_name": kind})


class Again:
    """An awaitable that can be awaited more than once."""

    def __init__(self, *outcome: Any) -> None:
        self.outcome = outcome

    def __await__(self) -> Any:
        return suspended(*self.outcome).__await__()


async def suspended(value: Any, error: Exception | None, times: int) -> Any:
    for _ in range(times):
        await asyncio.sleep(0)
    if error is not None:
        raise error
    return value


def seed_of(source: Any) -> int:
    if isinstance(source, dict):
        return int(source.get("seed", 0))
    return int(getattr(source, "seed", 0))


def kind_of(source: Any) -> Any:
    return source["__typename"] if isinstance(source, dict) else source.kind


def loud(value: Any) -> Any:
    if value == "angry":
        raise ValueError("angry")
    return None if value == "silent" else f"{value}!"


def loud_column(values: Sequence[Any]) -> list[Any] | None:
    """Careless on purpose: raises and gives nulls where the scalar would refuse."""
    return None if 3 in values else [loud(value) for value in values]


def color_column(values: Sequence[Any]) -> list[Any] | None:
    names = {"red": "RED", "green": "GREEN"}
    return [names.get(value) for value in values]


class Knowing(BreadthFirstExecutor):
    """Knows the types of classes and serialises whole columns."""

    documents = DocumentCache(512)

    @staticmethod
    def type_of_class(class_: type) -> str | None:
        return getattr(class_, "type_name", None)

    @staticmethod
    def leaf_column(type_: GraphQLNamedType) -> Any:
        return {"Loud": loud_column, "Color": color_column}.get(type_.name)


def choice_of(label: str, fails: bool) -> Callable[[Selection], str]:
    """Return a choice that shows all that a loader is told of the selection."""

    def choose(below: Selection) -> str:
        if fails:
            raise LookupError(f"cannot choose for {label}")
        nodes = " ".join(map(print_ast, below.nodes))
        return f"{below.type} {nodes} {sorted(below.fragments)} {below.schema.query_type}"

    return choose

"""Root fields, declared once: what is common to queries, lists, mutations and subscriptions. Must
not know one by name."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import MISSING
from enum import Enum
from inspect import Parameter, Signature
from typing import Any, Final, TypeAlias

import strawberry
from strawberry.types.field import StrawberryField

from auth.api_keys import ApiKeyScope
from auth.who import Who
from graph.annotations import annotated
from graph.context import Info
from graph.definitions import metadata_of
from graph.inputs import Item

ROOT: Final = "root"


class Unsaid(Enum):
    """Says nothing of API keys: no key may call a query then, and a mutation stops the start."""

    SCOPE = "unsaid"


Scope: TypeAlias = ApiKeyScope | Unsaid | None
"""The scope that an API key needs for an operation; None where only people may call it."""

Resolve: TypeAlias = Callable[..., Awaitable[Any]]
"""Resolves a root field as graphql-core calls it: `(source, info, **arguments)`, the arguments by
their names in the schema."""


class RootField:
    """A root field of the schema: who may call it, and with which scope by an API key. Its `name`
    is that of the attribute that holds it (graph/domain.py)."""

    kind = ""

    def __init__(self, *, description: str, who: Who, scope: Scope) -> None:
        self.name = ""
        self.description = description
        self.who = who
        self.scope = scope

    def field(self) -> StrawberryField:
        """The field as Strawberry takes it."""
        raise TypeError(f"{type(self).__name__} says not what field it is")

    def make(
        self, items: Sequence[Item], returns: Any, metadata: dict[str, Any] | None = None
    ) -> StrawberryField:
        """The field of these arguments and of this type; it is called by `resolve`."""
        stub = _unprepared(self.name)
        stub.__signature__ = signature_of(items, returns)  # type: ignore[attr-defined]  # inspect reads it
        made: StrawberryField = strawberry.field(
            resolver=stub, description=self.description, metadata={ROOT: self, **(metadata or {})}
        )
        return made

    async def resolve(self, source: Any, info: Any, /, **given: Any) -> Any:
        """The value of the field; `info` is graphql-core's."""
        raise TypeError(f"{self.name} says not how it is resolved")


def root_field(field: Any) -> RootField | None:
    """What was declared of a root field of the schema, which graphql-core gives; None for one that
    is not among them, such as of the introspection."""
    found = metadata_of(field).get(ROOT)
    return found if isinstance(found, RootField) else None


def signature_of(items: Sequence[Item], returns: Any) -> Signature:
    """The signature of a resolver with these arguments."""
    taken = [Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)]
    for item in items:
        described = strawberry.argument(name=item.graphql_name, description=item.description)
        parameter = Parameter(
            item.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if item.default is MISSING else item.default,
            annotation=annotated(item.type_, described),
        )
        taken.append(parameter)
    return Signature(taken, return_annotation=returns)


def _unprepared(name: str) -> Callable[..., Any]:
    async def resolve(info: Info, **_: Any) -> Any:
        raise RuntimeError(f"{name} is called by the schema that graph/domain.py builds")

    return resolve

"""What mutations answer when they succeed. Must not know one by name."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self, TypeVar, dataclass_transform
from uuid import UUID

import strawberry

from core.ids import encode_id
from graph.columns import Derived, declared_column
from graph.context import Context

ClassT = TypeVar("ClassT", bound=type)


@dataclass(kw_only=True)
class Payload:
    """Base of payloads. `outcome` is what the use case gave: `told` shows a part of it, and a
    `relation` with the key `outcome`, or `outcome.` and an attribute, the entity as it is now."""

    outcome: strawberry.Private[Any] = None

    @classmethod
    async def of(cls, outcome: Any, context: Context) -> Self:
        """The payload of an outcome. A class that needs more than the outcome says it itself."""
        return cls(outcome=outcome)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def payload(description: str) -> Callable[[ClassT], ClassT]:
    """Declares a class as a payload; the description says that it succeeded."""

    def declare(class_: ClassT) -> ClassT:
        made: Any = strawberry.type(class_, description=description)
        declared: ClassT = made
        return declared

    return declare


def told(attribute: str = "", *, description: str, prefix: str | None = None) -> Any:
    """A field with an attribute of the outcome, or the outcome itself; with `prefix` it is an id of
    these."""
    of = attrgetter(f"outcome.{attribute}" if attribute else "outcome")

    def value(payload: Any) -> Any:
        found = of(payload)
        return encode_id(prefix, found) if prefix and isinstance(found, UUID) else found

    def compute(_: Context, payloads: Any) -> list[Any]:
        return [value(one) for one in payloads]

    return declared_column(Derived((), compute), description, None)

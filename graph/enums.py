"""Enums as clients see them: the stored words, each with a description."""

from enum import Enum
from typing import Any, TypeVar

import strawberry

EnumT = TypeVar("EnumT", bound=type[Enum])


def described(enum: EnumT, description: str, /, *, name: str | None = None, **values: str) -> EnumT:
    """Makes a GraphQL enum of a Python one, with a description for each value. Raises ValueError
    when one is missing or is of no member."""
    if "__strawberry_definition__" in vars(enum):
        # Strawberry made a bare one for a field that was read first: import the described one
        # there.
        raise ValueError(f"{enum.__name__} was used before it was described")
    if set(values) != set(enum.__members__):
        raise ValueError(f"describe every value of {enum.__name__}, and nothing else")
    made = strawberry.enum(enum, name=name, description=description)
    definition: Any = vars(made)["__strawberry_definition__"]
    for value in definition.values:
        value.description = values[value.name]
    return made

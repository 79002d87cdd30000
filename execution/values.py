"""What stands in the place of a value while an answer is being filled in, and which classes of
values need no closer look.

Errors travel upwards only when everything below is known; until then they stay where they
happened.
"""

from __future__ import annotations

from functools import lru_cache
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from graphql.pyutils import Undefined


class Failure:
    """An error at the place of a value."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Broken:
    """A list whose source failed after some items.

    The items are kept, because their own errors come first.
    """

    __slots__ = ("error", "items")

    def __init__(self, items: list[Any], error: Exception) -> None:
        self.items = items
        self.error = error


# Classes whose instances are never awaitable, never an error and need no look at each value.
ORDINARY: frozenset[type] = frozenset(
    (str, int, float, bool, bytes, dict, list, tuple, set, frozenset, type(None), Failure)
)
NEVER_REMEMBERED = (GeneratorType, CoroutineType, AsyncGeneratorType, type(Undefined))


@lru_cache(maxsize=1024)
def is_telling(class_: type) -> bool:
    """Tell whether one instance of a class shows for all of them that they are not awaitable."""
    return not (
        issubclass(class_, Exception)
        or class_ in NEVER_REMEMBERED
        # Looked for in the class itself: the metaclass of enums has one too.
        or any("__getattr__" in vars(base) for base in class_.__mro__)
    )

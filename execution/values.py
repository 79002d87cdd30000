"""The markers that stand for errors while an answer is being filled in.

Errors travel upwards only when everything below is known; until then they stay where they
happened.
"""

from __future__ import annotations

from typing import Any


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

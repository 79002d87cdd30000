"""A bounded store of documents that were looked at before, and of their plans.

The bound is the point: a client chooses the documents, so nothing here may grow with their
number. Nothing in this module knows what a plan is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The most recently used values: at most `limit` of them, weighing at most `capacity`.

    Safe to share between threads: a synchronous server runs requests side by side.
    """

    __slots__ = ("_capacity", "_limit", "_lock", "_values", "_weight")

    def __init__(self, limit: int, capacity: int | None = None) -> None:
        """Raise ValueError for a limit or a capacity below one."""
        self._limit = limit
        self._capacity = limit if capacity is None else capacity
        if self._limit < 1 or self._capacity < 1:
            raise ValueError("The limits of a cache must be at least 1.")
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> V | None:
        """Return the value and make it the most recent one, or return None."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: V, weight: int = 1) -> None:
        """Keep a value, and drop the least recently used ones beyond the limits.

        A value that weighs more than an eighth of the capacity is not kept: one client could
        otherwise displace everybody's values with a single one.
        """
        if weight > 1 and weight * 8 > self._capacity:
            return
        with self._lock:
            _, old = self._values.pop(key, (None, 0))
            self._values[key] = (value, weight)
            self._weight += weight - old
            while len(self._values) > self._limit or self._weight > self._capacity:
                _, (_, dropped) = self._values.popitem(last=False)
                self._weight -= dropped

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._weight = 0

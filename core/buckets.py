"""Token buckets: how much a caller may ask for in a while. In the memory of one process, so several
processes allow several times as much; must not know what the points stand for."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import islice

_SWEPT_AT_ONCE = 4
_COMPARED = 32


@dataclass(frozen=True, slots=True)
class Rate:
    """What a bucket holds when full, and how many points a second flow back into it."""

    capacity: int
    per_second: int


class Buckets:
    """One bucket for each key, all of one rate. At most `limit` are remembered: a full bucket is
    forgotten first, because forgetting it changes nothing; beyond the limit the fullest of the
    oldest goes, so that a caller cannot get its own empty bucket forgotten without spending more
    than it wins (spec/01-api-conventions.md#limits)."""

    def __init__(
        self, rate: Rate, *, limit: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self._limit = limit
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def remaining(self, key: Hashable) -> int:
        """The whole points in the bucket now; below zero while it pays back a debt."""
        return math.floor(self._level(key, self._clock()))

    def take(self, key: Hashable, points: int) -> int:
        """Takes the points and gives 0, or takes none and gives the whole seconds to wait. More
        than a full bucket holds can be taken from a full one only, and leaves a debt."""
        now = self._clock()
        level = self._level(key, now)
        lacking = min(points, self.rate.capacity) - level
        if lacking > 0:
            self._keep(key, level, now)
            return max(1, math.ceil(lacking / self.rate.per_second))
        self._keep(key, level - points, now)
        return 0

    def charge(self, key: Hashable, points: int) -> None:
        """Takes up to this many points, without asking and without making a debt."""
        now = self._clock()
        level = self._level(key, now)
        self._keep(key, min(level, max(0.0, level - points)), now)

    def _level(self, key: Hashable, now: float) -> float:
        known = self._levels.get(key)
        return float(self.rate.capacity) if known is None else self._refilled(*known, now)

    def _refilled(self, level: float, since: float, now: float) -> float:
        return min(float(self.rate.capacity), level + (now - since) * self.rate.per_second)

    def _keep(self, key: Hashable, level: float, now: float) -> None:
        self._levels[key] = (level, now)
        self._levels.move_to_end(key)
        for _ in range(_SWEPT_AT_ONCE):
            oldest = next(iter(self._levels))
            if oldest == key or self._level(oldest, now) < self.rate.capacity:
                break
            del self._levels[oldest]
        while len(self._levels) > self._limit:
            oldest_few = [other for other in islice(self._levels, _COMPARED) if other != key]
            del self._levels[max(oldest_few, key=lambda other: self._level(other, now))]

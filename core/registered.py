"""Registered parts: what a lower domain learns of higher ones. It offers a list; each higher domain
adds its part where that is defined. Must not know a domain."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

PartT = TypeVar("PartT")


class Registered(Generic[PartT]):
    """The parts that domains have added, in the order in which they were. `offer` says what they
    are for."""

    def __init__(self, offer: str) -> None:
        self.offer = offer
        self._parts: dict[str, PartT] = {}

    def __iter__(self) -> Iterator[PartT]:
        return iter(self._parts.values())

    def __getitem__(self, name: str) -> PartT:
        return self._parts[name]

    def part(self, name: str) -> Callable[[PartT], PartT]:
        """Adds the decorated part under a name of its own. Raises ValueError for one that is
        taken."""

        def add(part: PartT) -> PartT:
            if name in self._parts:
                raise ValueError(f"{self.offer}: there is a part {name!r} already")
            self._parts[name] = part
            return part

        return add

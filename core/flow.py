"""What a use case of more than one transaction works with. Must not know a domain."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.database import Database, UnitOfWork
from core.settings import Settings

T = TypeVar("T")
PartT = TypeVar("PartT")


class Parts:
    """The parts of one process that domains bring along, by their class: an authenticator, the
    log-ins at providers. Made once at start (app.py)."""

    def __init__(self, *parts: object) -> None:
        self._parts: dict[type, Any] = {type(part): part for part in parts}

    def get(self, kind: type[PartT]) -> PartT:
        """The part of this class. Raises LookupError when the process was started without it."""
        try:
            found: PartT = self._parts[kind]
        except KeyError:
            raise LookupError(f"this process was started without {kind.__name__}") from None
        return found


@dataclass(frozen=True, slots=True)
class Flow:
    """The surroundings of a use case that needs more than one transaction: because a password is
    hashed between two, or because what counts against the caller stays when the rest is undone.
    `user_agent` is the program that asks, as it says."""

    database: Database
    settings: Settings
    parts: Parts = field(default_factory=Parts)
    user_agent: str = ""

    async def run(self, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Runs one transaction, as `Database.run` does."""
        return await self.database.run(use_case)

    def part(self, kind: type[PartT]) -> PartT:
        """The part of the process of this class."""
        return self.parts.get(kind)

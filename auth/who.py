"""Who may call an operation at all, by whether they are signed in and by role. What depends on a
row is decided where the row is read."""

from dataclasses import dataclass
from typing import Final

from auth.actor import Actor, Permission


@dataclass(frozen=True, slots=True)
class Who:
    """Those who may call an operation: everybody, those who are signed in, or those whose role has
    a permission."""

    signed_in: bool = False
    permission: Permission | None = None

    def require(self, actor: Actor) -> None:
        """Raises Unauthenticated or Forbidden for an actor who is not among them."""
        if self.permission is not None:
            actor.require(self.permission)
        elif self.signed_in:
            actor.member()


ANYBODY: Final = Who()
SIGNED_IN: Final = Who(signed_in=True)


def may(permission: Permission) -> Who:
    """Those whose role has the permission."""
    return Who(signed_in=True, permission=permission)

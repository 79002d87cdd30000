"""The Actor: who is asking, on HTTP and on a websocket alike. Must not read anything."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    """What an account may do, weakest first (spec/01-api-conventions.md#who-may-do-what)."""

    USER = "USER"
    STAFF = "STAFF"
    ADMIN = "ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"

    @property
    def rank(self) -> int:
        """Its place in the order: a higher role may do what a lower one may."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `user_id`, `session_id` and `role` are None for an anonymous caller;
    `token_expires_at` is when the access token ends; `address` is the caller's network address."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    role: Role | None = None
    token_expires_at: datetime | None = None
    address: str = ""

    @property
    def is_anonymous(self) -> bool:
        """True when nobody is signed in."""
        return self.user_id is None

    def at_least(self, role: Role) -> bool:
        """True when the actor has this role or a higher one."""
        return self.role is not None and self.role.rank >= role.rank

    @property
    def is_admin(self) -> bool:
        """True for ADMIN and SUPER_ADMIN."""
        return self.at_least(Role.ADMIN)

    def member(self) -> UUID:
        """The id of the signed-in account. Raises Unauthenticated."""
        if self.user_id is None:
            raise Unauthenticated("Sign in first: send Authorization: Bearer <access token>.")
        return self.user_id

    def require(self, role: Role) -> UUID:
        """The id of the signed-in account. Raises Unauthenticated, or Forbidden when its role is
        lower than `role`."""
        user_id = self.member()
        if not self.at_least(role):
            raise Forbidden(f"Only {role.value} may do this.")
        return user_id


ANONYMOUS = Actor()

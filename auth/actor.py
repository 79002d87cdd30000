"""The Actor: who is asking, on HTTP and on a websocket alike. Must not read anything."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.api_keys import ApiKeyScope
from auth.permissions import LEAST_ROLE, Permission, Role, allows
from core.errors import Forbidden, Unauthenticated

__all__ = ["ANONYMOUS", "Actor", "ApiKeyScope", "Permission", "Role"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `user_id`, `session_id` and `role` are None for an anonymous caller;
    `token_expires_at` is when the access token ends; `address` is the caller's network address.
    `key_id` and `scopes` are those of an API key; its role is the owner's only with scope ADMIN."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    role: Role | None = None
    token_expires_at: datetime | None = None
    address: str = ""
    key_id: UUID | None = None
    scopes: frozenset[ApiKeyScope] | None = None

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

    def require_scope(self, scope: ApiKeyScope) -> None:
        """Raises Forbidden when the actor asks by an API key without this scope."""
        if self.scopes is not None and scope not in self.scopes:
            raise Forbidden(f"This API key has not the scope {scope.value}.")

    def require_person(self) -> None:
        """Raises Forbidden when the actor asks by an API key: some things only a person does."""
        if self.key_id is not None:
            raise Forbidden("An API key cannot do this: sign in.")

    def member(self) -> UUID:
        """The id of the signed-in account. Raises Unauthenticated."""
        if self.user_id is None:
            raise Unauthenticated("Sign in first: send Authorization: Bearer <access token>.")
        return self.user_id

    def may(self, permission: Permission) -> bool:
        """True when the actor's role has this permission (auth/permissions.py)."""
        return allows(self.role, permission)

    def require(self, permission: Permission) -> UUID:
        """The id of the signed-in account. Raises Unauthenticated, or Forbidden when its role has
        not this permission."""
        user_id = self.member()
        if not self.may(permission):
            raise Forbidden(f"Only {LEAST_ROLE[permission].value} may do this.")
        return user_id


ANONYMOUS = Actor()

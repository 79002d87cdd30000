"""Who asks with an API key: one statement, nothing kept, so that a revoked key is refused by the
next request everywhere. Must not decide what the Actor may do
(spec/10-admin-compliance.md#api-keys)."""

import asyncio
from typing import Final
from uuid import UUID

import structlog

from auth.actor import Actor, Role
from auth.api_keys import START, ApiKeyScope, is_of, prefix_of
from core.database import DATABASE_ERRORS, Database
from core.errors import Unauthenticated
from models.identity.api_keys import key_in_use, mark_used

log = structlog.get_logger(__name__)

_REFUSAL: Final = "This API key is not accepted: it is unknown, revoked or expired."


def is_api_key(token: str) -> bool:
    """True for what is sent as an API key, well formed or not."""
    return token.startswith(START)


def effective_role(role: Role, scopes: frozenset[ApiKeyScope]) -> Role:
    """The role that a key gives: its owner's where it has the scope ADMIN and the owner still is
    one, else that of everybody."""
    admin = ApiKeyScope.ADMIN in scopes and role.rank >= Role.ADMIN.rank
    return role if admin else Role.USER


class KeyCheck:
    """The API keys as one process checks them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marking: dict[UUID, asyncio.Task[None]] = {}

    async def actor(self, key: str, address: str) -> Actor:
        """Who asks with this key from this address: the owner, within the key's scopes. Raises
        Unauthenticated, in the same words for unknown, revoked and expired ones and for those of
        closed accounts."""
        prefix = prefix_of(key)
        found = None
        if prefix is not None:
            # Not by a reading replica, which may not know yet that a key was revoked.
            found = await self._database.run(lambda work: work.first(key_in_use(prefix)))
        same = is_of(None if found is None else found.secret_hash, key)
        if found is None or not same or not found.taken:
            raise Unauthenticated(_REFUSAL)
        scopes = frozenset(ApiKeyScope(scope) for scope in found.scopes)
        if found.unmarked:
            self._mark(found.id)
        return Actor(
            user_id=found.owner_id,
            role=effective_role(Role(found.role), scopes),
            token_expires_at=found.expires_at,
            address=address,
            key_id=found.id,
            scopes=scopes,
        )

    def _mark(self, key_id: UUID) -> None:
        """Notes in which minute the key was used; the request does not wait for it."""
        if key_id not in self._marking:
            self._marking[key_id] = asyncio.create_task(self._marked(key_id))

    async def _marked(self, key_id: UUID) -> None:
        try:
            await self._database.run(lambda work: work.execute(mark_used(key_id)))
        except DATABASE_ERRORS as error:
            log.warning("the use of a key was not noted", error=type(error).__name__)
        finally:
            self._marking.pop(key_id, None)

    async def settle(self) -> None:
        """Waits until every use is noted: before the database is closed."""
        await asyncio.gather(*self._marking.values())

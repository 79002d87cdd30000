"""Who is asking: turns an access token into an Actor without asking the database, and refuses what
was revoked meanwhile. Must not decide what the Actor may do."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from auth import pseudonyms
from auth.actor import Actor, Role
from auth.passwords import Passwords
from auth.secrets import Secrets
from auth.tokens import (
    ACCESS_LIFETIME,
    AccessClaims,
    AccessToken,
    Names,
    TokenRefused,
    key_id_of,
    read_access_token,
    sign_access_token,
)
from core.database import DATABASE_ERRORS, Database
from core.errors import Unauthenticated
from core.settings import Settings
from core.tasks import supervised
from models.identity.api_keys import keys_revoked_since
from models.identity.session_statements import revoked_since, rights_changed_since
from resolvers.identity.api_key_check import KeyCheck, is_api_key
from resolvers.identity.signing_keys import KeyRing

log = structlog.get_logger(__name__)

# What is older cannot matter: every access token from before it has expired.
_WINDOW: Final = ACCESS_LIFETIME + timedelta(minutes=1)
# A row is visible only when its transaction has ended; none of ours lasts longer than this.
_OVERLAP: Final = timedelta(minutes=1)
# Knowledge older than this is not trusted: a revoked token is refused within a minute.
_STALE_SECONDS: Final = 45.0
_SKEW: Final = timedelta(seconds=10)
_SEEN: Final = 10_000
_REFUSAL: Final = "This access token is not accepted: refresh the session or log in again."


class Authenticator:
    """One process's knowledge of keys, revoked sessions and changed accounts."""

    def __init__(self, database: Database, settings: Settings) -> None:
        secret = settings.secret.get_secret_value()
        pseudonyms.configure(secret)
        self.passwords = Passwords()
        self.secrets = Secrets(secret)
        self.keys = KeyRing(database, self.secrets.seal)
        self.api_keys = KeyCheck(database)
        self._database = database
        self._names = Names(settings.token_issuer, settings.token_audience)
        self._poll_seconds = settings.token_poll_seconds
        self._revoked: dict[UUID, datetime] = {}
        self._rights: dict[UUID, tuple[Role | None, datetime]] = {}
        self._seen: dict[str, AccessClaims] = {}
        self._looked_at: float | None = None
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reads keys and revocations, makes the first key, goes on looking in the background."""
        await self.look()
        await self.keys.signing()
        self._task = supervised("authenticator", self._run)

    async def stop(self) -> None:
        """Stops looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.api_keys.settle()
        self.passwords.close()

    async def actor(self, token: str | None, address: str) -> Actor:
        """Who asks with this token from this address; anonymous without a token. Raises
        Unauthenticated in the same words whatever is wrong with it (spec/02-identity.md#tokens)."""
        if token is None:
            return Actor(address=address)
        if is_api_key(token):
            return await self.api_keys.actor(token, address)
        if self._looked_at is None or time.monotonic() - self._looked_at > _STALE_SECONDS:
            await self.look()
        try:
            claims = self._seen.get(token) or await self._read(token)
        except TokenRefused as reason:
            log.info("token refused", reason=str(reason))
            raise Unauthenticated(_REFUSAL) from None
        actor = Actor(
            claims.user_id, claims.session_id, claims.role, claims.expires_at, address=address
        )
        self.check(actor)
        return actor

    async def _read(self, token: str) -> AccessClaims:
        key = await self.keys.verifying(key_id_of(token))
        if key is None:
            raise TokenRefused("unknown key")
        claims = read_access_token(token, key, self._names)
        # The same token comes with every request of its quarter of an hour: the signature is
        # checked once, the rest of it every time.
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen[token] = claims
        return claims

    def check(self, actor: Actor) -> None:
        """Raises Unauthenticated when the actor's token has expired, its session was revoked, or
        its account was archived or lost the role that the token names. Asks nobody: watchers call
        it every 20 s."""
        if actor.key_id is not None:
            self._check_key(actor)
        if actor.user_id is None or actor.session_id is None or actor.role is None:
            return
        expires_at = actor.token_expires_at
        if expires_at is None or expires_at <= datetime.now(UTC):
            raise Unauthenticated(_REFUSAL)
        if actor.session_id in self._revoked:
            raise Unauthenticated(_REFUSAL)
        if actor.user_id in self._rights:
            role, changed_at = self._rights[actor.user_id]
            # A token from after the change was made with knowledge of it.
            issued_at = expires_at - ACCESS_LIFETIME
            lost = role is None or actor.role.rank > role.rank
            if lost and issued_at <= changed_at + _SKEW:
                raise Unauthenticated(_REFUSAL)

    def _check_key(self, actor: Actor) -> None:
        """For streams by an API key; each request asks the database itself."""
        ends = actor.token_expires_at
        if actor.key_id in self._revoked or (ends is not None and ends <= datetime.now(UTC)):
            raise Unauthenticated(_REFUSAL)
        if actor.user_id in self._rights and actor.role is not None:
            role, _ = self._rights[actor.user_id]
            if role is None or actor.role.rank > role.rank:
                raise Unauthenticated(_REFUSAL)

    async def access_token(self, user_id: UUID, session_id: UUID, role: Role) -> AccessToken:
        """A fresh access token for a session (spec/02-identity.md#tokens)."""
        kid, key = await self.keys.signing()
        return sign_access_token(key, kid, self._names, user_id, session_id, role)

    def note_revoked(self, sessions: Iterable[UUID]) -> None:
        """Refuses these sessions, or API keys, in this process from now on; the others read it
        themselves."""
        now = datetime.now(UTC)
        self._revoked.update(dict.fromkeys(sessions, now))

    async def look(self) -> None:
        """Reads what was revoked or changed since the last look, and the keys."""
        async with self._lock:
            began = time.monotonic()
            age = _WINDOW
            if self._looked_at is not None:
                age = min(_WINDOW, timedelta(seconds=began - self._looked_at) + _OVERLAP)
            for row in await self._database.rows(revoked_since(age)):
                self._revoked[row.id] = row.revoked_at
            for row in await self._database.rows(keys_revoked_since(age)):
                self._revoked[row.id] = row.revoked_at
            for row in await self._database.rows(rights_changed_since(age)):
                role = Role(row.role) if row.is_active else None
                self._rights[row.id] = (role, row.rights_changed_at)
            await self.keys.load()
            self._forget(datetime.now(UTC) - _WINDOW - _SKEW)
            self._looked_at = began

    def _forget(self, before: datetime) -> None:
        self._revoked = {id_: at for id_, at in self._revoked.items() if at > before}
        self._rights = {id_: found for id_, found in self._rights.items() if found[1] > before}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.look()
            except DATABASE_ERRORS as error:
                log.warning("revocations cannot be read", error=type(error).__name__)

    @property
    def jwks(self) -> list[dict[str, Any]]:
        """The public keys as JWK."""
        return self.keys.jwks

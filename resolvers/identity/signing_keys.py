"""The signing keys in use: one process's copy of those that are stored, and their rotation. Must
not keep a private key anywhere but in memory and sealed in its table."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc.jwk import RSAKey

from auth.keys import NewKey, VerifyingKey, make_key, private_key, public_key
from auth.secrets import Seal
from auth.tokens import ACCESS_LIFETIME
from core.database import Database, UnitOfWork
from core.settings import Settings
from models.identity.session_statements import (
    add_signing_key,
    drop_spent_keys,
    lock_for,
    signing_keys,
)

ROTATION: Final = timedelta(days=30)
# A new key lies a day in /.well-known/jwks.json before it signs, so that whoever verifies knows it
# by then: the old one signs for that day longer than it is the newest.
_ANNOUNCED: Final = timedelta(days=1)
_LOCK: Final = 7_246_012
_UNKNOWN_SECONDS: Final = 3.0


async def _add_key(work: UnitOfWork, seal: Seal, made: NewKey, needed_until: timedelta) -> bool:
    await work.execute(lock_for(_LOCK))
    now = await work.clock()
    if any(row.signs_until > now + needed_until for row in await work.rows(signing_keys())):
        return False
    signs_until = now + ROTATION + _ANNOUNCED
    statement = add_signing_key(
        kid=made.kid,
        private_pem=seal.close(made.private_pem),
        public_jwk=made.public_jwk,
        created_at=now,
        signs_until=signs_until,
        verifies_until=signs_until + ACCESS_LIFETIME + timedelta(minutes=1),
    )
    await work.execute(statement)
    return True


async def rotate_signing_key(database: Database, settings: Settings) -> bool:
    """Makes the next key when the newest is 30 days old, and removes those whose last token has
    expired. True when a key was made. Called by the worker every hour; several at once make one
    (spec/02-identity.md#tokens)."""
    await database.run(lambda work: work.execute(drop_spent_keys()))
    rows = await database.rows(signing_keys())
    if any(row.signs_until > datetime.now(UTC) + _ANNOUNCED for row in rows):
        return False
    seal = Seal(settings.secret.get_secret_value())
    made = await asyncio.to_thread(make_key)
    return await database.run(lambda work: _add_key(work, seal, made, _ANNOUNCED))


@dataclass(frozen=True, slots=True)
class _Stored:
    kid: str
    sealed: str
    signs_until: datetime


class KeyRing:
    """One process's keys: public ones to verify with, the private one to sign with."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal
        self._public: dict[str, VerifyingKey] = {}
        self._jwks: list[dict[str, Any]] = []
        self._stored: list[_Stored] = []
        self._private: tuple[str, RSAKey] | None = None
        self._loaded_at = -_UNKNOWN_SECONDS
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Reads the keys that verify."""
        rows = await self._database.rows(signing_keys())
        known = self._public
        self._public = {
            row.kid: known.get(row.kid)
            or VerifyingKey(public_key(row.public_jwk), row.verifies_until)
            for row in rows
        }
        self._jwks = [row.public_jwk for row in rows]
        self._stored = [_Stored(row.kid, row.private_pem, row.signs_until) for row in rows]
        self._loaded_at = time.monotonic()

    async def verifying(self, kid: str) -> RSAKey | None:
        """The public key of this id, None when there is none. An unknown id makes the keys be read
        anew, once in a few seconds at most: whoever makes ids up must not reach the database."""
        found = self._public.get(kid)
        if found is None:
            async with self._lock:
                if time.monotonic() - self._loaded_at >= _UNKNOWN_SECONDS:
                    await self.load()
            found = self._public.get(kid)
        if found is None or found.verifies_until <= datetime.now(UTC):
            return None
        return found.key

    async def signing(self) -> tuple[str, RSAKey]:
        """The id and private half of the key that signs now: the oldest that still does. Made when
        there is none; of several processes at once one makes it."""
        stored = self._oldest()
        if stored is None:
            async with self._lock:
                stored = self._oldest() or await self._first()
        if self._private is None or self._private[0] != stored.kid:
            self._private = (stored.kid, private_key(self._seal.open(stored.sealed)))
        return self._private

    def _oldest(self) -> _Stored | None:
        now = datetime.now(UTC)
        return next((key for key in self._stored if key.signs_until > now), None)

    async def _first(self) -> _Stored:
        await self.load()
        if (stored := self._oldest()) is None:
            made = await asyncio.to_thread(make_key)
            await self._database.run(
                lambda work: _add_key(work, self._seal, made, timedelta(minutes=1))
            )
            await self.load()
            stored = self._oldest()
        if stored is None:
            raise RuntimeError("the clocks of server and database are more than a day apart")
        return stored

    @property
    def jwks(self) -> list[dict[str, Any]]:
        """The public halves as JWK, for `/.well-known/jwks.json`."""
        return self._jwks

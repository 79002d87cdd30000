"""Passwords: which are too weak, hashing and verifying. Off the event loop, a few at a time. Stores
nothing and logs nothing."""

import asyncio
import os
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import RateLimited

SHORTEST: Final = 8
LONGEST: Final = 128
# OWASP's minimum for argon2id, and stack.md's.
_HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
# One processor stays free for everything else.
_THREADS: Final = max(1, min(4, (os.cpu_count() or 2) - 1))
# Others go first, but not always: at 19 nobody could sign in on a busy machine within 10 s.
_NICE: Final = 10
_WAITING: Final = 300


@cache
def common_passwords() -> frozenset[str]:
    """The well-known passwords that everybody tries first, in lower case."""
    text = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)


def normalised(password: str) -> str:
    """The password as it is hashed: one form for all ways of typing a letter (RFC 8265)."""
    return unicodedata.normalize("NFC", password)


def weakness(password: str, *personal: str | None) -> str | None:
    """Why a password is refused, in words for people; None for one that may be used. `personal` is
    what others know about the person, such as the e-mail address (spec/02-identity.md#user)."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    plain = password.strip().lower()
    if plain in {known.strip().lower() for known in personal if known}:
        return "Use something other than your e-mail address or name."
    if plain in common_passwords() or len(set(plain)) == 1:
        return "This password is among the most common ones. Choose another."
    return None


class Passwords:
    """Hashes and verifies in a few threads, because each takes some 25 ms and 19 MiB."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(
            _THREADS, thread_name_prefix="argon2", initializer=_stand_back
        )
        self._waiting = 0
        # What an unknown account is verified against, so that it takes as long as a known one.
        self._nobody = _HASHER.hash("nobody's password")

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The argon2id hash. Raises RateLimited when too many wait."""
        return str(await self._in_thread(_HASHER.hash, normalised(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """True when the password is the one hashed. Takes the same time when there is no hash.
        Raises RateLimited when too many wait."""
        matches = await self._in_thread(_matches, stored or self._nobody, normalised(password))
        return bool(matches) and stored is not None

    def outdated(self, stored: str) -> bool:
        """True when a hash was made with other parameters than today's."""
        return _HASHER.check_needs_rehash(stored)

    async def _in_thread(self, work: object, *arguments: str) -> object:
        if self._waiting >= _WAITING:
            raise RateLimited("Too many people are signing in. Try again in a moment.", 2)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)  # type: ignore[arg-type]  # one of two functions of strings
        finally:
            self._waiting -= 1


def _stand_back() -> None:
    """Lets the event loop's thread go first: on Linux a thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False

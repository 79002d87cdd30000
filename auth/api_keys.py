"""API keys: making them, telling their parts, comparing them. Stores nothing
(spec/10-admin-compliance.md#api-keys)."""

import hmac
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from auth.secrets import digest

START: Final = "sk_souk_"
_LETTERS: Final = string.ascii_letters + string.digits
_FORM: Final = re.compile(r"sk_souk_([A-Za-z0-9]{8})[A-Za-z0-9_-]{43}")


class ApiKeyScope(StrEnum):
    """What an API key may do, as far as its owner may (spec/10-admin-compliance.md#api-keys)."""

    READ = "READ"
    WRITE = "WRITE"
    PAY = "PAY"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made. `secret` is shown once; prefix and hash are what is stored."""

    secret: str
    prefix: str
    secret_hash: str


def new_api_key() -> NewApiKey:
    """A key of `sk_souk_`, 8 characters that name it, and 256 random bits."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(8))
    secret = f"{START}{prefix}{secrets.token_urlsafe(32)}"
    return NewApiKey(secret, prefix, digest(secret))


def prefix_of(key: str) -> str | None:
    """The 8 characters that name a key, None for what has not the form of one."""
    found = _FORM.fullmatch(key)
    return None if found is None else found[1]


def is_of(stored_hash: str | None, key: str) -> bool:
    """True when the hash is the key's; compares in the same time wherever they differ, and takes
    as long when there is none to compare with."""
    return hmac.compare_digest(stored_hash or digest(START), digest(key)) and bool(stored_hash)

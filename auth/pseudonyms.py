"""Names for people who must not be recognised, such as bidders in a public history. The same person
has the same pseudonym within one scope (one auction) and another one elsewhere. Stores nothing."""

import secrets
from hashlib import blake2b
from uuid import UUID

from auth.secrets import derived_key

# Random until the process is configured: unconfigured pseudonyms cannot be reversed either.
_key = secrets.token_bytes(32)


def configure(secret: str) -> None:
    """Derives the process's key from the server's secret, so that every process and every restart
    gives the same pseudonyms."""
    global _key  # loaders shape rows without a context, so the key is the process's
    _key = derived_key(secret, "pseudonyms")


def pseudonym(scope_id: UUID, user_id: UUID) -> bytes:
    """The 16 bytes of the id that stands for a person within a scope: a keyed hash (BLAKE2b,
    RFC 7693), so it leads back to nobody, and no row has it. A page of histories shows hundreds:
    an HMAC takes thrice as long."""
    both = scope_id.bytes + user_id.bytes
    return blake2b(both, key=_key, digest_size=16).digest()


def masked_name(fullname: str) -> str:
    """First and last letter in lower case, `a***n` (spec/03-auctions.md#bidding)."""
    name = fullname.strip().lower()
    return f"{name[:1]}***{name[-1:]}"

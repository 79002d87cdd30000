"""Names for people who must not be recognised, such as bidders in a public history. The same person
has the same pseudonym within one scope (one auction) and another one elsewhere. Stores nothing."""

import hmac
import secrets
from uuid import UUID

from auth.secrets import derived_key

# Random until the process is configured: unconfigured pseudonyms cannot be reversed either.
_key = secrets.token_bytes(32)


def configure(secret: str) -> None:
    """Derives the process's key from the server's secret, so that every process and every restart
    gives the same pseudonyms."""
    global _key  # loaders shape rows without a context, so the key is the process's
    _key = derived_key(secret, "pseudonyms")


def pseudonym(scope_id: UUID, user_id: UUID) -> UUID:
    """The id that stands for a person within a scope: an HMAC-SHA256, so it leads back to nobody,
    and no row has it."""
    # One call, because a page of bids shows dozens of them.
    return UUID(bytes=hmac.digest(_key, scope_id.bytes + user_id.bytes, "sha256")[:16])


def masked_name(fullname: str) -> str:
    """First and last letter in lower case, `a***n` (spec/03-auctions.md#bidding)."""
    name = fullname.strip().lower()
    return f"{name[:1]}***{name[-1:]}"

"""Names for people who must not be recognised, such as bidders in a public history. The same person
has the same pseudonym within one scope (one auction) and another one elsewhere. Stores nothing."""

import hmac
import secrets
from uuid import UUID

from auth.secrets import derived_key


def _keyed(key: bytes) -> hmac.HMAC:
    # Copied for each pseudonym: what depends on the key alone is half of the work.
    return hmac.new(key, digestmod="sha256")


# Random until the process is configured: unconfigured pseudonyms cannot be reversed either.
_mac = _keyed(secrets.token_bytes(32))


def configure(secret: str) -> None:
    """Derives the process's key from the server's secret, so that every process and every restart
    gives the same pseudonyms."""
    global _mac  # loaders shape rows without a context, so the key is the process's
    _mac = _keyed(derived_key(secret, "pseudonyms"))


def pseudonym(scope_id: UUID, user_id: UUID) -> UUID:
    """The id that stands for a person within a scope: an HMAC-SHA256, so it leads back to nobody,
    and no row has it."""
    mac = _mac.copy()
    mac.update(scope_id.bytes + user_id.bytes)
    return UUID(bytes=mac.digest()[:16])


def masked_name(fullname: str) -> str:
    """First and last letter in lower case, `a***n` (spec/03-auctions.md#bidding)."""
    name = fullname.strip().lower()
    return f"{name[:1]}***{name[-1:]}"

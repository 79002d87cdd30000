"""One-time codes: making and comparing them. Stores and sends nothing
(spec/02-identity.md#one-time-codes)."""

import hmac
import secrets
from datetime import timedelta
from typing import Final

from auth.secrets import Secrets

EMAIL_LIFETIME: Final = timedelta(seconds=86_400)
RESEND_AFTER: Final = timedelta(seconds=60)
WRONG_TRIES: Final = 5


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def new_index() -> int:
    """Two digits that stand on the screen and in the message, so that a person can match them.
    Random, because a count would tell how many codes the address was sent: whether it is known."""
    return 10 + secrets.randbelow(90)


def code_hash(keys: Secrets, flow: str, address: str, code: str) -> str:
    """How a code is stored: bound to its flow and address, and of no use without the server's
    secret, because a million codes are soon tried."""
    return keys.tag("code", flow, address.lower(), code)


def same_hash(stored: str, given: str) -> bool:
    """Compares in the same time wherever they differ."""
    return hmac.compare_digest(stored, given)

"""One-time codes: making and comparing them. Stores and sends nothing
(spec/02-identity.md#one-time-codes)."""

import hmac
import secrets
from datetime import timedelta
from typing import Final

from auth.secrets import Secrets

EMAIL_LIFETIME: Final = timedelta(seconds=86_400)
MOBILE_LIFETIME: Final = timedelta(seconds=300)
# A code of the second factor is asked for while somebody waits for it, so no mail needs a day.
TWO_FACTOR_LIFETIME: Final = timedelta(seconds=600)
RESEND_AFTER: Final = timedelta(seconds=60)
WRONG_TRIES: Final = 5


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def new_index() -> int:
    """Two digits that stand on the screen and in the message, so that a person can match them.
    Random, because a count would tell how many codes the address was sent: whether it is known."""
    return 10 + secrets.randbelow(90)


def new_link_token() -> str:
    """256 random bits for a link, which nobody can guess: auth.secrets.digest is how it is
    stored."""
    return secrets.token_urlsafe(32)


def code_hash(keys: Secrets, flow: str, bound_to: str, code: str) -> str:
    """How a code is stored: bound to its flow and to what it proves, and of no use without the
    server's secret, because a million codes are soon tried."""
    return keys.tag("code", flow, bound_to.lower(), code)


def bound_hash(keys: Secrets, flow: str, bound_to: str) -> str:
    """How it is stored what a code proves, so that its link proves nothing else."""
    return keys.tag("code is of", flow, bound_to.lower())


def same_hash(stored: str, given: str) -> bool:
    """Compares in the same time wherever they differ."""
    return hmac.compare_digest(stored, given)

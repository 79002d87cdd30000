"""Second factors that need no message: codes of an authenticator app (RFC 6238) and recovery codes.
Makes and compares them; stores nothing (spec/02-identity.md#one-time-codes)."""

import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

from auth.secrets import Secrets

RECOVERY_CODES: Final = 10
_STEP_SECONDS: Final = 30
_SKEW_STEPS: Final = 1
_ISSUER: Final = "Souk"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_LOOK_ALIKES: Final = str.maketrans("ILO", "110")
_RECOVERY_LENGTH: Final = 10


def new_secret() -> str:
    """160 random bits in base 32, as authenticator apps take them."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, account: str) -> str:
    """The `otpauth://` address that an app reads from a QR code. `account` is what the app shows
    beside the code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step of 30 s, counted from 1970, that a code belongs to; None for a code of no step. One
    step before and after `at` is taken too, because clocks differ. A caller takes a step once
    (RFC 6238, 5.2)."""
    now = int(at.timestamp()) // _STEP_SECONDS
    generator = pyotp.TOTP(secret)
    given = "".join(code.split()).encode()  # apps show it in two groups
    found = None
    for step in range(now - _SKEW_STEPS, now + _SKEW_STEPS + 1):
        right = generator.generate_otp(step)
        if hmac.compare_digest(right.encode(), given):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 50 random bits each, for paper: `7K3QD-0M9XW`."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH))
    return f"{text[:5]}-{text[5:]}"


def recovery_hash(keys: Secrets, account: str, code: str) -> str:
    """How a recovery code is stored: bound to its account, and of no use without the server's
    secret. However a person copies it from paper (case, spaces, hyphens, O for 0), it is the same
    code."""
    plain = "".join(character for character in code.upper() if character.isalnum())
    return keys.tag("recovery code", account, plain.translate(_LOOK_ALIKES))

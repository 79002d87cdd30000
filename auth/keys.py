"""Signing keys: making them, and their public halves. Stores nothing: models/identity does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import RSAKey

_BITS = 2048


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the private half as PEM, the public half as JWK."""

    kid: str
    private_pem: str
    public_jwk: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of a key, and until when tokens signed with it are accepted."""

    key: RSAKey
    verifies_until: datetime


def make_key() -> NewKey:
    """A fresh RSA key of 2,048 bits; its id is its thumbprint (RFC 7638). Takes some 100 ms of CPU,
    so call it in a thread."""
    key = RSAKey.generate_key(_BITS, private=True)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "RS256"}
    return NewKey(kid, key.as_pem(private=True).decode(), public)


def private_key(pem: str) -> RSAKey:
    """The signing half of a stored key."""
    return RSAKey.import_key(pem)


def public_key(jwk: dict[str, Any]) -> RSAKey:
    """The verifying half of a stored key."""
    return RSAKey.import_key(jwk)


def public_pem(jwk: dict[str, Any]) -> str:
    """The verifying half as PEM, for readers that know no JWK."""
    return public_key(jwk).as_pem(private=False).decode()

"""Access tokens (JWT) and refresh tokens (opaque): making and reading them. Stores nothing and
knows no session: resolvers/identity/authentication.py does (spec/02-identity.md#tokens)."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from auth.actor import Role
from core.ids import encode_id, new_id, split_id

ACCESS_LIFETIME: Final = timedelta(minutes=15)
REFRESH_LIFETIME: Final = timedelta(days=30)
_ALGORITHM: Final = "RS256"
_TYPE: Final = "at+jwt"
_SKEW: Final = timedelta(seconds=5)  # how far the clocks of our own processes may be apart
_LONGEST: Final = 4096
_LATEST: Final = 1 << 35
_REGISTRY: Final = jws.JWSRegistry(algorithms=[_ALGORITHM])


class TokenRefused(Exception):
    """The token is not one of ours, or no longer. The reason is for the log, never the caller."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and the moment it ends."""

    value: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who a token speaks for. `issued_at` and `expires_at` are by the signing process's clock."""

    user_id: UUID
    session_id: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Names:
    """Who signs (`iss`) and for whom (`aud`)."""

    issuer: str
    audience: str


def sign_access_token(
    key: RSAKey,
    kid: str,
    names: Names,
    user_id: UUID,
    session_id: UUID,
    role: Role,
    now: datetime | None = None,
) -> AccessToken:
    """A JWT for 15 minutes with the claims `iss aud sub sid role iat exp jti` and the header `kid`,
    `typ: at+jwt` (RFC 9068). `sub` and `sid` are ids in their public form."""
    issued = int((now or datetime.now(UTC)).timestamp())
    expires = issued + int(ACCESS_LIFETIME.total_seconds())
    claims = {
        "iss": names.issuer,
        "aud": names.audience,
        "sub": encode_id("usr", user_id),
        "sid": encode_id("ses", session_id),
        "role": role.value,
        "iat": issued,
        "exp": expires,
        "jti": str(new_id()),
    }
    header = {"alg": _ALGORITHM, "kid": kid, "typ": _TYPE}
    value = jws.serialize_compact(header, orjson.dumps(claims), key, registry=_REGISTRY)
    return AccessToken(value, datetime.fromtimestamp(expires, UTC))


def key_id_of(token: str) -> str:
    """The `kid` that a token says it was signed with. Raises TokenRefused unless its header is
    exactly what ours are: the algorithm is ours to choose, never the token's."""
    if len(token) > _LONGEST:
        raise TokenRefused("too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise TokenRefused("malformed") from error
    kid = header.get("kid")
    ours = {"alg": _ALGORITHM, "typ": _TYPE, "kid": kid}
    if header != ours or not isinstance(kid, str):
        raise TokenRefused("another kind of token")
    return kid


def read_access_token(token: str, key: RSAKey, names: Names) -> AccessClaims:
    """What a token says, once its signature and every claim hold. Raises TokenRefused."""
    try:
        payload = jws.deserialize_compact(token.encode(), key, registry=_REGISTRY).payload
        claims: Any = orjson.loads(payload or b"")
        found = _claims_of(claims, names)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused(type(error).__name__) from error
    now = datetime.now(UTC)
    if found.expires_at <= now:
        raise TokenRefused("expired")
    if found.issued_at > now + _SKEW or found.expires_at - found.issued_at > ACCESS_LIFETIME:
        raise TokenRefused("times that we never give")
    return found


def _claims_of(claims: dict[str, Any], names: Names) -> AccessClaims:
    if claims["iss"] != names.issuer or claims["aud"] != names.audience:
        raise ValueError("another issuer or audience")
    if not isinstance(claims["jti"], str):
        raise TypeError("jti")
    return AccessClaims(
        user_id=_id("usr", claims["sub"]),
        session_id=_id("ses", claims["sid"]),
        role=Role(claims["role"]),
        issued_at=_moment(claims["iat"]),
        expires_at=_moment(claims["exp"]),
    )


def _id(prefix: str, text: Any) -> UUID:
    parts = split_id(text) if isinstance(text, str) else None
    if parts is None or parts[0] != prefix:
        raise ValueError(prefix)
    return parts[1]


def _moment(seconds: Any) -> datetime:
    if type(seconds) is not int or not 0 <= seconds < _LATEST:
        raise ValueError("not a whole number of seconds that a calendar holds")
    return datetime.fromtimestamp(seconds, UTC)


def new_refresh_token() -> str:
    """256 random bits for a client to keep. Store only their digest."""
    return secrets.token_urlsafe(32)

"""OpenID Connect providers: where a log in starts, and what a code that came back is worth.
Believes nothing that is not signed by the provider's own keys for this client and this log in.
Knows no account and no database."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.errors import InsecureTransportError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from core.settings import OidcProvider

# Signatures by a private key only: with `none` or a shared secret anybody could sign.
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_KEY_TYPES: Final = ("RSA", "EC", "OKP")
_SECONDS: Final = 7.0
_BYTES: Final = 256 << 10
_KEPT_SECONDS: Final = 3600.0
_KEYS_AGAIN_SECONDS: Final = 10.0
_LEEWAY: Final = 60
_OLDEST: Final = 600
_LONGEST_TOKEN: Final = 16 << 10
_AT_ONCE: Final = 20


class ProviderRefused(Exception):
    """The provider does not vouch for this log in, or what it says does not hold. The reason is for
    the log, never the caller."""


class ProviderUnreachable(Exception):
    """The provider does not answer, or not as a provider does."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider vouches for. `subject` is its own name for the person and never changes; the
    address is None unless it says that it has verified it."""

    subject: str
    email: str | None
    fullname: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: dict[str, Any]
    at: float


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class OidcClient:
    """This installation as a client of one provider. What the provider says of itself is kept for
    an hour, its keys until a token names one that is not among them."""

    def __init__(self, provider: OidcProvider) -> None:
        self.provider = provider
        self._known: _Known | None = None
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def authorization_url(
        self, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Where the person's browser goes to log in. Raises ProviderUnreachable; takes at most
        7 s."""
        try:
            async with asyncio.timeout(_SECONDS), self._room:
                metadata = await self._metadata()
        except TimeoutError:
            raise ProviderUnreachable("too slow") from None
        endpoint = self._endpoint(metadata, "authorization_endpoint")
        return str(
            prepare_grant_uri(
                endpoint,
                self.provider.client_id,
                "code",
                redirect_uri,
                self.provider.scopes,
                state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def redeem(self, code: str, redirect_uri: str, nonce: str, verifier: str) -> Person:
        """Whom the provider vouches for by this code: the ID token is signed by one of its keys, of
        this issuer, for this client and this nonce, and fresh (OpenID Connect Core 1.0, 3.1.3.7).
        Raises ProviderRefused, ProviderUnreachable; takes at most 7 s."""
        try:
            async with self._room, asyncio.timeout(_SECONDS):
                metadata = await self._metadata()
                tokens = await self._tokens(metadata, code, redirect_uri, verifier)
                claims = await self._claims(metadata, tokens, nonce)
                if "email" not in claims:
                    claims = {**await self._user_info(metadata, tokens, claims["sub"]), **claims}
        except TimeoutError:
            raise ProviderUnreachable("too slow") from None
        return _person(claims)

    async def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, 4)."""
        known = self._known
        if known is not None and time.monotonic() - known.at < _KEPT_SECONDS:
            return known.metadata
        issuer = self.provider.issuer
        status, found = await self._ask(
            "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        if status != 200 or found.get("issuer") != issuer:
            raise ProviderUnreachable("its configuration is of another issuer")
        self._known = _Known(found, time.monotonic())
        return found

    def _endpoint(self, metadata: dict[str, Any], name: str) -> str:
        """An address of the provider: https, or in plain only where the issuer itself is this
        machine, so that its word cannot lead us to other services of the inside."""
        address = metadata.get(name)
        parts = urlsplit(address if isinstance(address, str) else "")
        ours = urlsplit(self.provider.issuer)
        inside = parts.scheme == "http" == ours.scheme and parts.hostname == ours.hostname
        if not parts.hostname or not (parts.scheme == "https" or inside):
            raise ProviderUnreachable(f"its {name} cannot be used")
        return parts.geturl()

    async def _tokens(
        self, metadata: dict[str, Any], code: str, redirect_uri: str, verifier: str
    ) -> dict[str, Any]:
        endpoint = self._endpoint(metadata, "token_endpoint")
        try:
            form = prepare_token_request(
                "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
            )
        except InsecureTransportError:
            raise ProviderUnreachable("its token_endpoint cannot be used") from None
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = self.provider.client_secret
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in methods
        method = "client_secret_basic" if basic else "client_secret_post"
        client = ClientAuth(
            self.provider.client_id,
            None if secret is None else secret.get_secret_value(),
            "none" if secret is None else method,
        )
        url, headers, form = client.prepare("POST", endpoint, headers, form)
        status, found = await self._ask("POST", url, headers=headers, content=form)
        if status >= 500:
            raise ProviderUnreachable(f"status {status}")
        if status != 200:
            raise ProviderRefused(f"the code was not taken: {str(found.get('error'))[:60]}")
        return found

    async def _claims(
        self, metadata: dict[str, Any], tokens: dict[str, Any], nonce: str
    ) -> dict[str, Any]:
        value = tokens.get("id_token")
        if not isinstance(value, str) or len(value) > _LONGEST_TOKEN:
            raise ProviderRefused("there is no ID token")
        try:
            algorithm = jws.extract_compact(value.encode()).headers().get("alg")
            if algorithm not in ALGORITHMS:
                raise ProviderRefused("signed by an algorithm that is not taken")
            token = await self._verified(metadata, value)
            client_id, now = self.provider.client_id, int(time.time())
            required = {
                "iss": {"essential": True, "value": self.provider.issuer},
                "aud": {"essential": True, "value": client_id},
            }
            params = {
                "nonce": nonce,
                "client_id": client_id,
                "access_token": tokens.get("access_token"),
            }
            claims = CodeIDToken(token.claims, token.header, required, params)
            claims.validate(now=now, leeway=_LEEWAY)
            if claims["iat"] < now - _OLDEST:
                raise ProviderRefused("issued long ago")
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderRefused(f"the ID token does not hold: {error}"[:200]) from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderRefused("sub is no name")
        return dict(claims)

    async def _verified(self, metadata: dict[str, Any], value: str) -> jwt.Token:
        keys = await self._key_set(metadata, again=False)
        try:
            return jwt.decode(value, keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            keys = await self._key_set(metadata, again=True)
            return jwt.decode(value, keys, algorithms=ALGORITHMS)

    async def _key_set(self, metadata: dict[str, Any], *, again: bool) -> KeySet:
        age = time.monotonic() - self._keys_at
        kept = self._keys
        if kept is not None and age < (_KEYS_AGAIN_SECONDS if again else _KEPT_SECONDS):
            return kept
        status, found = await self._ask("GET", self._endpoint(metadata, "jwks_uri"))
        listed = found.get("keys")
        if status != 200 or not isinstance(listed, list):
            raise ProviderUnreachable("its keys cannot be read")
        self._keys = KeySet([key for jwk in listed[:50] for key in _usable(jwk)])
        self._keys_at = time.monotonic()
        return self._keys

    async def _user_info(
        self, metadata: dict[str, Any], tokens: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        """What the provider tells beside the ID token, if anything (OpenID Connect Core, 5.3)."""
        access = tokens.get("access_token")
        if "userinfo_endpoint" not in metadata or not isinstance(access, str):
            return {}
        url = self._endpoint(metadata, "userinfo_endpoint")
        status, found = await self._ask("GET", url, headers={"Authorization": f"Bearer {access}"})
        if status != 200 or found.get("sub") != subject:
            raise ProviderRefused("its user info is of somebody else")
        return found

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        content: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of one request. Follows no redirect, asks no proxy, reads at most
        256 KiB, and takes nothing compressed, which could be small only on its way."""
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        body = bytearray()
        try:
            async with (
                httpx.AsyncClient(
                    timeout=_SECONDS, follow_redirects=False, trust_env=False, verify=_tls()
                ) as http,
                http.stream(method, url, headers=sent, content=content) as response,
            ):
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise ProviderUnreachable("its answer is compressed")
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > _BYTES:
                        raise ProviderUnreachable("its answer is too long")
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderUnreachable(type(error).__name__) from error
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            if status == 200:
                raise ProviderUnreachable("its answer is no JSON object")
            found = {}
        return status, found


def _usable(jwk: Any) -> Sequence[Any]:
    """The key of a JWK, none when it is of no use to verify with: a secret one, one to encrypt
    with, or of a kind that is not known."""
    if not isinstance(jwk, dict) or jwk.get("kty") not in _KEY_TYPES or jwk.get("use") == "enc":
        return ()
    try:
        return (JWKRegistry.import_key(jwk),)
    except (JoseError, ValueError, TypeError, KeyError):
        return ()


def _person(claims: dict[str, Any]) -> Person:
    email, name = claims.get("email"), claims.get("name")
    proven = claims.get("email_verified") is True
    return Person(
        subject=claims["sub"],
        email=email if proven and isinstance(email, str) else None,
        fullname=name if isinstance(name, str) else None,
    )


class OidcClients:
    """The providers of this installation by name."""

    def __init__(self, providers: Sequence[OidcProvider] = ()) -> None:
        self._clients = {provider.name: OidcClient(provider) for provider in providers}

    def named(self, name: str) -> OidcClient | None:
        """The provider of this name, None when there is none."""
        return self._clients.get(name)

    @property
    def providers(self) -> list[OidcProvider]:
        """All providers, in the order of the configuration."""
        return [client.provider for client in self._clients.values()]

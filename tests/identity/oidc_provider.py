"""A real OpenID Connect provider for the tests: Authlib's authorization server behind Starlette, on
a port of its own. `lie` makes it say what a bad one would."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "souk", "a secret of the client"
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "okp"}),
}
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})
UNKNOWN = RSAKey.generate_key(2048, {"kid": "unknown"})


class _Client(ClientMixin):
    def __init__(self, redirect_uris: list[str]) -> None:
        self.client_id = CLIENT_ID
        self.redirect_uris = redirect_uris

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code(AuthorizationCodeMixin):
    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    person: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Payload(OAuth2Payload):
    def __init__(self, values: list[tuple[str, str]]) -> None:
        self._values = values

    @property
    def data(self) -> dict[str, str]:
        return dict(self._values)

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [v for n, v in self._values if n == name] for name, _ in self._values}


class _Request(OAuth2Request):
    def __init__(self, method: str, url: str, headers: Any, values: list[tuple[str, str]]) -> None:
        super().__init__(method, url, headers={k.title(): v for k, v in headers.items()})
        self.payload = _Payload(values)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class _Server(AuthorizationServer):
    def __init__(self, client: _Client) -> None:
        super().__init__()
        self.client = client
        self.register_token_generator(
            "default", BearerTokenGenerator(lambda **_: "an access token")
        )

    def query_client(self, client_id: str) -> _Client | None:
        return self.client if client_id == CLIENT_ID else None

    def save_token(self, token: Any, request: Any) -> None:
        """Kept nowhere: nobody asks for it again."""

    def create_oauth2_request(self, request: Any) -> _Request:
        found: _Request = request
        return found

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        if isinstance(body, dict):
            return JSONResponse(body, status, dict(headers))
        return Response(body, status, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


@dataclass
class Provider:
    """What the provider knows and how it lies; `asked` counts the requests for each path."""

    issuer: str
    redirect_uris: list[str]
    person: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    lie: str = ""
    asked: dict[str, int] = field(default_factory=dict)
    codes: dict[str, _Code] = field(default_factory=dict)
    verifiers: list[str] = field(default_factory=list)

    @property
    def metadata(self) -> dict[str, Any]:
        """What discovery says."""
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        lies = {
            "discovery of another": {"issuer": "https://other.example"},
            "inner token endpoint": {"token_endpoint": "http://10.0.0.1/token"},
            "moved": {"token_endpoint": f"{self.issuer}/moved"},
            "no json": {"token_endpoint": f"{self.issuer}/text"},
            "too long": {"token_endpoint": f"{self.issuer}/long"},
            "too slow": {"token_endpoint": f"{self.issuer}/slow"},
        }
        return {**said, **lies.get(self.lie, {})}

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """The ID token, or what a liar makes of it."""
        claims = {**claims, **self._false_claims(claims)}
        match self.lie:
            case "alg none":
                return _unsigned(claims)
            case "HS256 with the public key":
                return _signed_with_the_public_key(claims)
            case "RS384":
                key = KEYS["RS256"]
                return jwt.encode({"alg": "RS384", "kid": "rsa"}, claims, key, ["RS384"])
            case "another's key":
                return jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, STRANGER)
            case "unknown key":
                return jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, UNKNOWN)
            case "changed after signing":
                good = jwt.encode(header, claims, KEYS[self.algorithm], [self.algorithm])
                head, _, mark = good.split(".")
                bad = jwt.encode(header, {**claims, "sub": "root"}, STRANGER, ["RS256"])
                return f"{head}.{bad.split('.')[1]}.{mark}"
        return jwt.encode(header, claims, KEYS[self.algorithm], [self.algorithm])

    def _false_claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        lies: dict[str, dict[str, Any]] = {
            "wrong nonce": {"nonce": "another"},
            "no nonce": {"nonce": None},
            "wrong aud": {"aud": "another"},
            "more aud without azp": {"aud": [CLIENT_ID, "another"]},
            "wrong azp": {"aud": [CLIENT_ID, "another"], "azp": "another"},
            "wrong iss": {"iss": "https://other.example"},
            "expired": {"iat": now - 400, "exp": now - 100},
            "issued tomorrow": {"iat": now + 86_400, "exp": now + 90_000},
            "issued yesterday": {"iat": now - 86_400},
            "no exp": {"exp": None},
            "wrong at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
            "no sub": {"sub": ""},
            "number as sub": {"sub": 7},
        }
        return lies.get(self.lie, {})


def _unsigned(claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _signed_with_the_public_key(claims: dict[str, Any]) -> str:
    # By hand: no library takes a public key for a secret.
    secret = KEYS["RS256"].as_pem(private=False)
    content = f"{_part({'alg': 'HS256', 'kid': 'rsa'})}.{_part(claims)}"
    mark = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def _grants(server: _Server, provider: Provider) -> None:
    class CodeGrant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        def save_authorization_code(self, code: str, request: Any) -> None:
            values = request.payload.data
            provider.codes[code] = _Code(
                code,
                values["redirect_uri"],
                values["scope"],
                values["nonce"],
                values["code_challenge"],
                values["code_challenge_method"],
                request.user,
            )

        def query_authorization_code(self, code: str, client: Any) -> _Code | None:
            provider.verifiers.append(self.request.payload.data.get("code_verifier", ""))
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: _Code) -> dict[str, Any]:
            return authorization_code.person

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
            return UserInfo({k: v for k, v in user.items() if not k.startswith("later_")})

        def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
            now = int(time.time())
            claims = {"iss": provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
            claims["nonce"] = request.authorization_code.get_nonce()
            claims.update(self.generate_user_info(request.user, token["scope"]))
            kid = KEYS[provider.algorithm].kid
            return provider.signed({"alg": provider.algorithm, "kid": kid}, claims)

    server.register_grant(CodeGrant, [CodeChallenge(required=True), IdToken(require_nonce=True)])


def _routes(server: _Server, provider: Provider) -> list[Route]:
    def counted(request: Request) -> None:
        path = request.url.path
        provider.asked[path] = provider.asked.get(path, 0) + 1

    async def discovery(request: Request) -> Response:
        counted(request)
        return JSONResponse(provider.metadata)

    async def jwks(request: Request) -> Response:
        counted(request)
        public = [key.as_dict(private=False) for key in KEYS.values()]
        return JSONResponse({"keys": [{"kty": "new kind"}, *public]})

    async def authorize(request: Request) -> Response:
        counted(request)
        asked = _Request(
            "GET", str(request.url), request.headers, request.query_params.multi_items()
        )
        grant = server.get_consent_grant(asked, end_user=provider.person)
        denied = provider.lie == "denied"
        found: Response = server.create_authorization_response(
            asked, grant_user=None if denied else provider.person, grant=grant
        )
        return found

    async def token(request: Request) -> Response:
        counted(request)
        values = parse_qsl((await request.body()).decode())
        asked = _Request("POST", str(request.url), request.headers, values)
        found: Response = server.create_token_response(asked)
        return found

    async def userinfo(request: Request) -> Response:
        counted(request)
        later = {k.removeprefix("later_"): v for k, v in provider.person.items()}
        return JSONResponse({**later, **({"sub": "else"} if provider.lie == "userinfo" else {})})

    async def moved(_: Request) -> Response:
        return RedirectResponse(f"{provider.issuer}/token", status_code=307)

    async def text(_: Request) -> Response:
        return Response("<html>a page</html>")

    async def long(_: Request) -> Response:
        return JSONResponse({"id_token": "x" * (300 << 10)})

    async def slow(_: Request) -> Response:
        await asyncio.sleep(8)
        return JSONResponse({})

    return [
        Route("/.well-known/openid-configuration", discovery),
        Route("/jwks", jwks),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/userinfo", userinfo),
        Route("/moved", moved, methods=["POST"]),
        Route("/text", text, methods=["POST"]),
        Route("/long", long, methods=["POST"]),
        Route("/slow", slow, methods=["POST"]),
    ]


@asynccontextmanager
async def running_provider(redirect_uris: list[str]) -> AsyncIterator[Provider]:
    """The provider on a free port of this machine."""
    provider = Provider("", redirect_uris)
    server = _Server(_Client(redirect_uris))
    _grants(server, provider)
    app = Starlette(routes=_routes(server, provider))
    uv = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    task = asyncio.create_task(uv.serve())
    while not uv.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    provider.issuer = f"http://127.0.0.1:{uv.servers[0].sockets[0].getsockname()[1]}"
    yield provider
    uv.should_exit = True
    await task

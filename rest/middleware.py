"""What every HTTP request passes before a route sees it: its id, its size, where it comes from, and
the headers of every answer. Pure ASGI; holds no rule of a domain."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex

import structlog
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.http.websocket_origin import (
    is_same_origin,
    normalize_allowed_origins,
    normalize_origin,
)

from core.errors import BadUserInput, Forbidden, NotFoundError, RequestError
from core.settings import Settings
from resolvers.media.errors import TooLarge
from rest.heads import HeadLimit
from serving.http import PREFLIGHT_HEADERS, Refused, refusal

log = structlog.get_logger(__name__)

MEDIA_BODY_BYTES = (10 << 20) + (64 << 10)
"""A file of 10 MiB and the form around it (spec/03-auctions.md)."""

FORM_BYTES = 16 << 10
"""What is neither GraphQL nor a file is the form of a page, of two fields."""

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 << 20


def middleware(settings: Settings) -> list[Middleware]:
    """The middleware of the application, outermost first."""
    allowed = [*settings.allowed_origins, *([settings.public_url] if settings.public_url else [])]
    origins = normalize_allowed_origins(allowed)
    secure = settings.production and settings.base_url.startswith("https://")
    return [
        Middleware(RequestScope, secure=secure),
        Middleware(HeadLimit, limit=settings.limits.head_bytes),
        Middleware(OriginCheck, allowed=origins),
        Middleware(
            CrossOrigin,
            allow_origins=sorted(origins),
            # Cookies are for origins allowed by name (serving/cookies.py).
            allow_credentials=bool(origins) and "*" not in origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", *PREFLIGHT_HEADERS],
            expose_headers=["X-Request-Id", "Retry-After"],
        ),
        Middleware(
            BodyLimit,
            limit=FORM_BYTES,
            by_path={"/graphql": settings.limits.body_bytes, "/media": MEDIA_BODY_BYTES},
        ),
    ]


def http_error(_: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as an unknown path, in the one form of all error bodies."""
    if not isinstance(error, HTTPException):
        raise error
    kinds: dict[int, type[RequestError]] = {404: NotFoundError, 403: Forbidden}
    kind = kinds.get(error.status_code, BadUserInput)
    headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
    return refusal(Refused(error.status_code, kind(f"{error.detail}."), **headers))


class _Internal(RequestError):
    code = "INTERNAL"


class RequestScope:
    """Gives every request an id, for its logs and its answer, and masks what nobody caught."""

    def __init__(self, app: ASGIApp, *, secure: bool = False) -> None:
        self.app = app
        self._headers = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"same-origin"}
        if secure:
            self._headers[b"strict-transport-security"] = b"max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = scope["request_id"] = token_hex(16)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(pair for pair in self._headers.items() if pair[0] not in present)
                message["headers"] = headers
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("bug", path=_path_without_values(scope), exc_info=error)
            if started:
                raise
            if scope["type"] == "websocket":
                with suppress(RuntimeError):  # the socket is closed already
                    await send({"type": "websocket.close", "code": 1011})
                return
            message = "Something went wrong on our side. Report the requestId."
            bug = _Internal(message, requestId=request_id)
            await refusal(bug)(scope, receive, send_with_headers)
        finally:
            structlog.contextvars.reset_contextvars(**bound)


def _path_without_values(scope: Scope) -> str:
    """The path for the log: some have the token of a one-time link in them."""
    path: str = scope["path"]
    for value in scope.get("path_params", {}).values():
        path = path.replace(str(value), "…")
    return path


def _header(scope: Scope, name: bytes) -> str | None:
    # Read in every request: without the objects that starlette makes for it.
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


class OriginCheck:
    """Refuses what a page of another site sends: everything that could change something, and all of
    GraphQL. Whoever is no browser sends no `Origin`. Websockets: serving/server.py."""

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str]) -> None:
        self.app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_guarded(scope) and not self._is_welcome(scope):
            message = "This origin is not allowed (SOUK_ALLOWED_ORIGINS)."
            await refusal(Forbidden(message))(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _is_guarded(scope: Scope) -> bool:
        return scope["method"] not in ("GET", "HEAD") or scope["path"] == "/graphql"

    def _is_welcome(self, scope: Scope) -> bool:
        origin = _header(scope, b"origin")
        if origin is None or is_same_origin(origin, _header(scope, b"host")):
            return True
        return "*" in self._allowed or normalize_origin(origin) in self._allowed


class CrossOrigin(CORSMiddleware):
    """Starlette's, and the shortest way past it for whoever sends no `Origin`: nearly everybody."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _header(scope, b"origin") is not None:
            await super().__call__(scope, receive, send)
            return

        async def send_varied(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A cache must not give this answer to a page of another origin.
                message["headers"] = [*message.get("headers", ()), (b"vary", b"Origin")]
            await send(message)

        await self.app(scope, receive, send_varied)


class _BodyTooLarge(Exception):
    pass


class BodyLimit:
    """Refuses a body over its limit with 413: by its Content-Length, and by counting what arrives.
    `by_path` holds the paths with limits of their own."""

    def __init__(self, app: ASGIApp, *, limit: int, by_path: Mapping[str, int]) -> None:
        self.app = app
        self._limit = limit
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._by_path.get(scope["path"], self._limit)
        said = _header(scope, b"content-length") or ""
        announced = int(said[:20]) if said.isdecimal() else 0
        received = 0
        more = True
        started = False

        async def receive_counted() -> Message:
            nonlocal received, more
            message = await receive()
            more = message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > limit:
                raise _BodyTooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if announced > limit:
                raise _BodyTooLarge
            await self.app(scope, receive_counted, send_noted)
        except _BodyTooLarge:
            if started:
                raise
            if more and announced < _LINGER_BYTES:
                await _drain(receive)
            message = f"The body is too large: at most {limit} bytes."
            # Uploads have the seed's code (coverage.csv, uploadMedia), wherever they are refused.
            kind = TooLarge if scope["path"] == "/media" else BadUserInput
            too_large = Refused(413, kind(message), Connection="close")
            await refusal(too_large)(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Reads on for a moment, because a client that is still sending would not read the answer."""
    read = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while read < _LINGER_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return

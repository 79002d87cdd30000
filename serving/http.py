"""The rules of GraphQL over HTTP that need no schema: which requests are taken, in which form they
are answered, with which status (https://graphql.github.io/graphql-over-http). Runs nothing."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from cross_web import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from core.errors import BadUserInput, Forbidden, RequestError

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
METHODS = ("GET", "POST", "OPTIONS")

PREFLIGHT_HEADERS = ("graphql-preflight", "apollo-require-preflight", "x-requested-with")
"""Headers of which a GET must carry one that is not empty: a page of another site cannot send them
without asking first (CORS preflight). `GraphQL-Preflight: 1` is the documented one; the others are
what clients out there send already."""

_STRING, _OBJECT = (str, type(None)), (dict, type(None))

PARTS: tuple[tuple[str, tuple[type, type], str], ...] = (
    ("query", _STRING, "a string"),
    ("variables", _OBJECT, "an object"),
    ("operationName", _STRING, "a string"),
    ("extensions", _OBJECT, "an object"),
)
"""The parts of a request with their types; each may be left out."""

ASKING = frozenset({"query", "documentId", "extensions"})
"""The parts of a request that name its document."""

UNREADABLE = (
    HTTPException,
    MissingQueryError,
    CannotGetOperationTypeError,
    InvalidOperationTypeError,
)
"""What is raised for a request that holds no operation which could run."""

_LONGEST_REMEMBERED = 200
_LONGEST_ACCEPT = 4_000

_STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "TIMEOUT": 503,
}


class Refused(Exception):
    """A request that HTTP itself refuses, with its status and headers."""

    def __init__(self, status: int, error: RequestError, **headers: str) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def status_of(code: str) -> int:
    """The status of an answer without data whose first error has this code."""
    return _STATUS.get(code, 400)


def headers_of(code: str, extensions: dict[str, Any]) -> dict[str, str]:
    """The headers that go with an error: when to come again, how to sign in."""
    if code == "RATE_LIMITED" and "retryAfter" in extensions:
        return {"Retry-After": str(extensions["retryAfter"])}
    return {"WWW-Authenticate": "Bearer"} if code == "UNAUTHENTICATED" else {}


def error_body(error: RequestError) -> bytes:
    """The one form of all error bodies."""
    extensions = {"code": error.code, **error.extensions}
    return orjson.dumps({"errors": [{"message": error.message, "extensions": extensions}]})


def refusal(error: Refused | RequestError, media_type: str = JSON) -> Response:
    """The answer to a request that is refused before GraphQL sees it."""
    if media_type == EVENT_STREAM:
        media_type = JSON  # nothing streams
    refused = error if isinstance(error, Refused) else Refused(status_of(error.code), error)
    why = refused.error
    headers = {**headers_of(why.code, why.extensions), **refused.headers}
    return answer(error_body(why), refused.status, media_type, headers)


def explained(error: Exception, method: str, media_type: str) -> Response:
    """The answer to an UNREADABLE request, with the status of GraphQL over HTTP."""
    cause = error.__cause__ if isinstance(error, HTTPException) else error
    status = error.status_code if isinstance(error, HTTPException) else 400
    if isinstance(cause, InvalidOperationTypeError):
        why = BadUserInput(f"{cause.as_http_error_reason(method)}.")
        return refusal(Refused(405, why, Allow="POST"), media_type)
    if isinstance(cause, CannotGetOperationTypeError):
        # The HTTP request is well formed, so application/json must say 200.
        status = 200 if media_type == JSON else 400
        said = cause.as_http_error_reason()
    elif isinstance(cause, MissingQueryError):
        said = "There is no GraphQL document in the request"
    else:
        said = error.reason if isinstance(error, HTTPException) else "The request is malformed"
    return refusal(Refused(status, BadUserInput(f"{said.rstrip('.')}.")), media_type)


def answer(body: bytes, status: int, media_type: str, headers: dict[str, str]) -> Response:
    """A JSON answer that no cache keeps."""
    content_type = f"{media_type}; charset=utf-8"
    headers = {"Content-Type": content_type, "Cache-Control": "no-store", **headers}
    return Response(body, status_code=status, headers=headers)


def read_headers(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in small letters; the first where one came twice."""
    return {str(k, "latin-1"): str(v, "latin-1") for k, v in reversed(scope["headers"])}


async def read_question(scope: Scope, receive: Receive) -> bytes:
    """What a request asks: the query of a GET, else its body, which can be read once. Raises
    ClientDisconnect when the client goes before its end."""
    if scope["method"] == "GET":
        return bytes(scope["query_string"])
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def check(method: str, headers: Mapping[str, str]) -> None:
    """Raises Refused for a method, a form or a request from another site that is not taken."""
    if method not in ("GET", "POST"):
        message = "GraphQL takes GET and POST."
        raise Refused(405, BadUserInput(message), Allow=", ".join(METHODS))
    if method == "GET":
        _check_preflighted(headers)
    else:
        _check_content(headers)


def negotiated(accept: str | None) -> str:
    """The media type of the answer: that which the client likes best, `application/json` where it
    does not mind. Raises Refused when it takes none of ours."""
    if not accept:
        return JSON
    # What is long is not worth remembering, and there could be much of it. Browsers and clients
    # name a handful of types: what comes behind some hundred is not read.
    known = len(accept) <= _LONGEST_REMEMBERED
    return _liked(accept) if known else _liked.__wrapped__(accept[:_LONGEST_ACCEPT])


@lru_cache(256)
def _liked(accept: str) -> str:
    if not accept.strip():
        return JSON
    best, best_quality = "", 0.0
    for name, quality in _accepted(accept):
        ours = JSON if name in ("*/*", "application/*") else name
        if ours in (JSON, RESPONSE_JSON, EVENT_STREAM) and quality > best_quality:
            best, best_quality = ours, quality
    if not best:
        message = f"Accept {RESPONSE_JSON} or {JSON}: there is no other answer."
        raise Refused(406, BadUserInput(message))
    return best


def _accepted(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        name, *parameters = [piece.strip().lower() for piece in part.split(";")]
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        ranges.append((name, quality))
    return ranges


def _is_json(content_type: str) -> bool:
    known = len(content_type) <= _LONGEST_REMEMBERED
    return (_names_json if known else _names_json.__wrapped__)(content_type)


@lru_cache(256)
def _names_json(content_type: str) -> bool:
    # By hand: the parser of the library for mail takes the square of what it is given.
    name, *parameters = content_type.split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if key.strip().lower() == "charset" and charset not in ("utf-8", "utf8"):
            return False
    return name.strip().lower() == JSON


def _check_content(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "identity").lower()
    if not _is_json(headers.get("content-type", "")) or encoding != "identity":
        message = "Send the request as Content-Type: application/json, in UTF-8, not compressed."
        raise Refused(415, BadUserInput(message))


def _check_preflighted(headers: Mapping[str, str]) -> None:
    if _is_json(headers.get("content-type", "")):
        return
    if not any(headers.get(name, "").strip() for name in PREFLIGHT_HEADERS):
        message = "Send the header GraphQL-Preflight: 1 with GET (against cross-site requests)."
        raise Refused(403, Forbidden(message))

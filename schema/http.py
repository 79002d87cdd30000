"""The rules of GraphQL over HTTP that need no schema: which requests are taken, in which form they
are answered, with which status (https://graphql.github.io/graphql-over-http). Runs nothing."""

from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from strawberry.http.parse_content_type import parse_content_type

from core.errors import BadUserInput, Forbidden, RequestError

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
METHODS = ("GET", "POST", "OPTIONS")

PREFLIGHT_HEADERS = ("graphql-preflight", "apollo-require-preflight", "x-requested-with")
"""Headers of which a GET must carry one that is not empty: a page of another site cannot send them
without asking first (CORS preflight). `GraphQL-Preflight: 1` is the documented one; the others are
what clients out there send already."""

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
    refused = error if isinstance(error, Refused) else Refused(status_of(error.code), error)
    why = refused.error
    headers = {**headers_of(why.code, why.extensions), **refused.headers}
    return answer(error_body(why), refused.status, media_type, headers)


def answer(body: bytes, status: int, media_type: str, headers: dict[str, str]) -> Response:
    """A JSON answer that no cache keeps."""
    content_type = f"{media_type}; charset=utf-8"
    headers = {"Content-Type": content_type, "Cache-Control": "no-store", **headers}
    return Response(body, status_code=status, headers=headers)


def check(method: str, headers: Headers) -> None:
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
    if not accept or not accept.strip():
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
    name, parameters = parse_content_type(content_type) if content_type else ("", {})
    charset = parameters.get("charset", "utf-8").lower()
    return name.lower() == JSON and charset in ("utf-8", "utf8")


def _check_content(headers: Headers) -> None:
    encoding = headers.get("content-encoding", "identity").lower()
    if not _is_json(headers.get("content-type", "")) or encoding != "identity":
        message = "Send the request as Content-Type: application/json, in UTF-8, not compressed."
        raise Refused(415, BadUserInput(message))


def _check_preflighted(headers: Headers) -> None:
    if _is_json(headers.get("content-type", "")):
        return
    if not any(headers.get(name, "").strip() for name in PREFLIGHT_HEADERS):
        message = "Send the header GraphQL-Preflight: 1 with GET (against cross-site requests)."
        raise Refused(403, Forbidden(message))

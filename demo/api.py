"""A patient client of the public API: sends an operation, waits where the server says so, sends
again what got no answer. Knows no auction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import orjson

__all__ = ["Api", "ReplayFailed", "Token"]

Token = Callable[[], Awaitable[str]]
"""Gives a valid access token; asked for every try, because a token may end while one waits."""

_LOST: Final = 5
_BUSY: Final = 60
_LONGEST_WAIT: Final = 60.0
# What the server was too busy to finish; with an idempotency key it is safe to ask again.
_AGAIN: Final = {"TIMEOUT", "INTERNAL"}


class ReplayFailed(Exception):
    """Why a replay cannot go on, in one line for people."""


class Api:
    """The GraphQL API of one server."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.waited = 0

    async def run(self, query: str, variables: dict[str, Any], token: Token) -> dict[str, Any]:
        """The data of an operation. A rate limit is waited for, as long as the server says; what
        was lost on the way or ran out of time is sent again a few times, the same, so it must be
        safe to repeat: a query, or a mutation with its idempotency key. Raises ReplayFailed."""
        body = orjson.dumps({"query": query, "variables": variables})
        lost = busy = 0
        while True:
            try:
                answer = await self._post(body, await token())
            except (httpx.TransportError, orjson.JSONDecodeError) as error:
                lost += 1
                if lost > _LOST:
                    raise ReplayFailed(_unreachable(self._http.base_url, error)) from error
                await asyncio.sleep(0.1 * 2**lost)
                continue
            errors = answer.get("errors")
            if not errors:
                data: dict[str, Any] = answer["data"]
                return data
            code = errors[0].get("extensions", {}).get("code")
            if code == "RATE_LIMITED" and busy < _BUSY:
                busy += 1
                self.waited += 1
                await asyncio.sleep(_wait_of(errors[0]))
            elif code in _AGAIN and lost < _LOST:
                lost += 1
                await asyncio.sleep(0.1 * 2**lost)
            else:
                raise ReplayFailed(_explained(code, errors[0].get("message", "")))

    async def _post(self, body: bytes, token: str) -> dict[str, Any]:
        response = await self._http.post(
            "/graphql",
            content=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        answer = orjson.loads(response.content)
        if not isinstance(answer, dict) or not ("data" in answer or answer.get("errors")):
            raise ReplayFailed(f"{self._http.base_url} is no Souk: it does not answer GraphQL.")
        return answer


def _wait_of(error: dict[str, Any]) -> float:
    seconds = error.get("extensions", {}).get("retryAfter", 1)
    return min(float(seconds), _LONGEST_WAIT) if isinstance(seconds, int | float) else 1.0


def _unreachable(url: object, error: Exception) -> str:
    if isinstance(error, orjson.JSONDecodeError):
        return f"{url} is no Souk: it does not answer in JSON."
    return f"No server answers at {url}: start it with `make run`, or set PORT."


def _explained(code: str | None, message: str) -> str:
    if code == "UNAUTHENTICATED":
        return (
            "The server does not accept the bidders' tokens: its database or secret is another. "
            "Use its DATABASE_URL, SOUK_DATA_DIR and SOUK_SECRET."
        )
    return f"The server refused: {message} ({code})"

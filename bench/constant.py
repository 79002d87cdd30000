"""A constant answer: what the server software itself can do. The first request of a kind is
answered by hand (bench/handwritten.py), or with what was PUT under its query string; the same again
gets the same bytes."""

from __future__ import annotations

import asyncpg
import orjson
from starlette.types import Receive, Scope, Send

from bench import handwritten
from bench.stack import app_of, body_of, respond


class _Remembered:
    def __init__(self) -> None:
        self.pool: asyncpg.Pool | None = None
        self._known: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        key: bytes = body if scope["method"] == "POST" else scope["query_string"]
        if scope["method"] == "PUT":
            self._known[key] = body
        elif key not in self._known:
            assert self.pool is not None
            variables = orjson.loads(body)["variables"]
            self._known[key] = await handwritten.answer(self.pool, variables)
        await respond(send, self._known[key])


app = app_of(_Remembered())

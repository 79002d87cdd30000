"""What the contenders without a GraphQL library share: Starlette with one route, an asyncpg pool as
large as Souk's, JSON in and out. Knows no answer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from auth import pseudonyms

POOL = 10
Answer: TypeAlias = Callable[[asyncpg.Pool, dict[str, Any]], Awaitable[bytes]]


def base_url() -> str:
    """Where pictures are served, as Souk is told it too."""
    return os.environ["SOUK_PUBLIC_URL"]


def configure() -> None:
    """Bidders get the masks that Souk gives them."""
    pseudonyms.configure(os.environ["SOUK_SECRET"])


class Endpoint:
    """Answers POST with what `answer` gives for the request's variables."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.pool: asyncpg.Pool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.pool is not None
        variables = orjson.loads(await body_of(receive))["variables"]
        await respond(send, await self.answer(self.pool, variables))


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def respond(send: Send, body: bytes) -> None:
    """200 with this JSON."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def app_of(endpoint: Any) -> Starlette:
    """The application of one endpoint, whose `pool` is opened with it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        configure()
        url = os.environ["DATABASE_URL"]
        async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL) as pool:
            endpoint.pool = pool
            yield

    return Starlette(
        routes=[Route("/graphql", endpoint, methods=["GET", "POST", "PUT"])], lifespan=lifespan
    )

"""A small schema behind Souk's real server class and middleware: what these tests measure is how a
request is taken and refused, whatever the domains are. `ran` holds what was executed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import strawberry
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from auth.actor import Actor, Role
from core.errors import Forbidden, Unauthenticated
from core.pages import Page
from core.settings import Environment, Limits, Settings
from core.telemetry import configure_logging
from graph.arguments import After, First, Last
from graph.connections import Connection, connection_of
from graph.context import Context, Info, Services
from graph.cost import declared
from graph.scalars import SCALARS, DateTime, Decimal
from rest.heads import BoundedHttp
from rest.middleware import http_error, middleware
from serving.limits import Limiter
from serving.masking import MaskedStream
from serving.server import GraphQLServer

ran: list[str] = []


@strawberry.type
class Money:
    amount: Decimal
    currency: str


@strawberry.type
class Person:
    id: strawberry.ID
    fullname: str


@strawberry.type
class Media:
    url: str


@strawberry.type
class Bid:
    amount: Money
    bidder: Person


def _page(items: list[Any]) -> Any:
    async def counter(_: object) -> int:
        return len(items)

    page = Page(items, has_next=False, has_previous=False, order="world", key_of=lambda _: ("1",))
    return connection_of(page, items, counter)


def _money() -> Money:
    return Money(amount=Decimal("1.00"), currency="USD")


@strawberry.interface
class Product:
    id: strawberry.ID
    title: str

    @strawberry.field
    def seller(self) -> Person:
        return Person(id=strawberry.ID("1"), fullname="Ann")

    @strawberry.field
    def category(self) -> Person:
        return Person(id=strawberry.ID("2"), fullname="Books")

    @strawberry.field
    def subcategory(self) -> Person:
        return Person(id=strawberry.ID("3"), fullname="Novels")

    @strawberry.field
    def media(self) -> list[Media]:
        return [Media(url="a.png")]

    @strawberry.field(metadata=declared(length=3))
    def thumbnails(self) -> list[Media]:
        return []

    @strawberry.field
    def current_price(self) -> Money:
        return _money()

    @strawberry.field
    def shipping_cost(self) -> Money:
        return _money()

    @strawberry.field
    def bids(self, first: First = None, after: After = None, last: Last = None) -> Connection[Bid]:
        return cast(Connection[Bid], _page([]))


@strawberry.type
class AuctionProduct(Product):
    @strawberry.field
    def related(self) -> Product:
        return self


@strawberry.type
class FixedProduct(Product):
    @strawberry.field
    def price(self) -> Money:
        return _money()


@strawberry.input
class Wish:
    amount: Decimal | None = None
    when: DateTime | None = None
    tags: list[str] | None = None


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str | None = None) -> str:
        ran.append("hello")
        return f"hello {name}" if name else "hello"

    @strawberry.field
    def product(self) -> Product:
        ran.append("product")
        return AuctionProduct(id=strawberry.ID("4"), title="Lamp")

    @strawberry.field
    def products(
        self, first: First = None, after: After = None, last: Last = None
    ) -> Connection[Product]:
        ran.append("products")
        return cast(Connection[Product], _page([AuctionProduct(id=strawberry.ID("5"), title="X")]))

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Person]:
        ran.append("nodes")
        return [Person(id=id, fullname="Ann") for id in ids]

    @strawberry.field(metadata=declared(points=40))
    def dear(self) -> str:
        ran.append("dear")
        return "dear"

    @strawberry.field
    def wish(self, wish: Wish | None = None, amount: Decimal | None = None) -> str:
        ran.append("wish")
        return "granted"

    @strawberry.field
    def bug(self) -> str:
        raise RuntimeError("secret table users_password_hash")

    @strawberry.field
    def optional_bug(self) -> str | None:
        raise RuntimeError("secret table users_password_hash")

    @strawberry.field
    def wrong_type(self) -> int:
        return cast(int, "secret-result")

    @strawberry.field
    def forbidden(self) -> str | None:
        raise Forbidden("Only ADMIN may do this.")

    @strawberry.field
    def own_code(self) -> str | None:
        raise GraphQLError("Chosen words.", extensions={"code": "CONFLICT"})

    @strawberry.field
    async def slow(self) -> str:
        ran.append("slow")
        await asyncio.sleep(30)
        return "slow"

    @strawberry.field
    def whoami(self, info: Info) -> str:
        return str(info.context.actor.user_id)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, text: str = "x") -> Person:
        ran.append(f"write {text}")
        return Person(id=strawberry.ID("6"), fullname=text)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, count: int = 3, wait: float = 0) -> AsyncIterator[int]:
        ran.append("ticks")
        for number in range(count):
            await asyncio.sleep(wait)
            yield number

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError("secret table users_password_hash")


class Quiet(strawberry.Schema):
    """As schema.SoukSchema: serving/masking.py logs."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing."""


@dataclass
class Tokens:
    """Stands for the Authenticator: a token is the number of an account until it is taken away."""

    accepted: dict[str, Actor] = field(default_factory=dict)

    def give(self, token: str, number: int, expires_at: datetime | None = None) -> None:
        """Lets a token stand for account `number`."""
        self.accepted[token] = Actor(
            user_id=UUID(int=number), role=Role.USER, token_expires_at=expires_at
        )

    async def actor(self, token: str | None, address: str) -> Actor:
        """As the Authenticator's."""
        if token is None:
            return Actor(address=address)
        if token not in self.accepted:
            raise Unauthenticated("This access token is not accepted.")
        return self.accepted[token]


@dataclass
class World:
    """A running server and what a test looks at beside it."""

    url: str
    http: httpx.AsyncClient
    server: GraphQLServer
    tokens: Tokens
    limiter: Limiter

    async def post(self, query: str, /, token: str | None = None, **body: Any) -> httpx.Response:
        """A GraphQL request; further names are further keys of its body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.post("/graphql", json={"query": query, **body}, headers=headers)

    async def error(self, query: str, /, token: str | None = None, **body: Any) -> dict[str, Any]:
        """The first error of a request that must have one and must execute nothing."""
        ran.clear()
        answer = (await self.post(query, token, **body)).json()
        assert ran == []
        assert "data" not in answer, answer
        first: dict[str, Any] = answer["errors"][0]
        return first

    async def cost(self, query: str, /, token: str | None = None, **body: Any) -> int:
        """What the operation was charged."""
        answer = (await self.post(query, token, **body)).json()
        requested: int = answer["extensions"]["cost"]["requested"]
        return requested


class NoHub:
    """Nothing here watches the event log."""


def _app(settings: Settings, limiter: Limiter, tokens: Tokens) -> tuple[Starlette, GraphQLServer]:
    services = Services(
        settings=settings,
        database=cast(Any, None),
        hub=cast(Any, NoHub()),
        authenticator=cast(Any, tokens),
    )
    schema = Quiet(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[AuctionProduct, FixedProduct],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=settings.production),
        extensions=[MaskedStream, limiter.extension],
    )
    server = GraphQLServer(schema, services, limiter, init_seconds=0.4)

    async def broken(_: Request) -> Response:
        raise RuntimeError("secret table users_password_hash")

    async def media(request: Request) -> Response:
        return JSONResponse(len(await request.body()))

    app = Starlette(
        routes=[
            Route("/graphql", server),
            WebSocketRoute("/graphql", server),
            Route("/broken", broken),
            Route("/media", media, methods=["POST"]),
        ],
        middleware=middleware(settings),
        exception_handlers={HTTPException: http_error},
    )
    return app, server


PRODUCTION: dict[str, Any] = {
    "env": "production",
    "secret": "x" * 40,
    "admin_password": "a password",
    "public_url": "https://souk.example",
}
"""What makes the settings those of a server in production."""


def settings_of(**changed: Any) -> Settings:
    """Settings of a test's server; `limits` changes single limits."""
    limits = changed.pop("limits", {})
    changed = {"env": Environment.TEST, "worker": False, "demo": False, **changed}
    settings = Settings(**changed)
    settings.__dict__["limits"] = Limits(**{"budget_address": 10**9, **limits})
    return settings


@asynccontextmanager
async def running_world(settings: Settings) -> AsyncIterator[World]:
    """A server of these settings on a free port, in this process and event loop."""
    configure_logging(settings)
    tokens = Tokens()
    limiter = Limiter(settings.limits, introspection=not settings.production)
    app, view = _app(settings, limiter, tokens)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="error",
        http=BoundedHttp,
        ws="websockets-sansio",
        ws_max_size=settings.limits.websocket_frame_bytes,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        yield World(url, http, view, tokens, limiter)
    server.should_exit = True
    await task


def soon(seconds: float, now: datetime) -> datetime:
    """A moment that comes soon."""
    return now + timedelta(seconds=seconds)


__all__ = ["Context", "World", "ran", "running_world", "settings_of", "soon"]

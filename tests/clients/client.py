"""A running server for a test, and a GraphQL client for it."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import uvicorn
import websockets

from app import create_app
from auth.actor import Role
from core.database import Database
from core.settings import Settings
from graph.context import Services
from graph.domain import Domain
from rest.heads import BoundedHttp
from tests.clients.accounts import Account, make_account

_ids = itertools.count(1)


@dataclass
class Client:
    """One person's client; `token` None is anonymous."""

    base_url: str
    http: httpx.AsyncClient
    account: Account | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that this person's requests carry."""
        return {"Authorization": f"Bearer {self.account.token}"} if self.account else {}

    async def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors included."""
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=self.headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must not have top-level errors."""
        answer = await self.post(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def refused(self, query: str, **variables: Any) -> dict[str, Any]:
        """The first top-level error of an operation that must have one; `code` beside its words."""
        answer = await self.post(query, **variables)
        assert answer.get("errors"), answer
        first: dict[str, Any] = answer["errors"][0]
        return {**first, "code": first["extensions"]["code"]}

    @asynccontextmanager
    async def watch(self, query: str, **variables: Any) -> AsyncIterator["Watch"]:
        """A subscription on a socket of its own."""
        url = self.base_url.replace("http", "ws", 1) + "/graphql"
        async with websockets.connect(
            url, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]
        ) as socket:
            payload = self.headers
            await socket.send(
                orjson.dumps({"type": "connection_init", "payload": payload}).decode()
            )
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
            message = {
                "id": str(next(_ids)),
                "type": "subscribe",
                "payload": {"query": query, "variables": variables},
            }
            await socket.send(orjson.dumps(message).decode())
            yield Watch(socket)


@dataclass
class Watch:
    """What a subscription sends."""

    socket: websockets.ClientConnection

    async def message(self, timeout: float = 5.0) -> dict[str, Any]:
        """The next message of the protocol."""
        received: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.socket.recv(), timeout))
        return received

    async def next(self, timeout: float = 5.0) -> dict[str, Any]:
        """The data of the next event, which must have no errors."""
        message = await self.message(timeout)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def take(self, count: int, timeout: float = 10.0) -> list[dict[str, Any]]:
        """The data of the next `count` events."""
        return [await self.next(timeout) for _ in range(count)]

    async def silent(self, seconds: float = 0.3) -> bool:
        """True when nothing comes for a while."""
        try:
            await self.message(seconds)
        except TimeoutError:
            return True
        return False


@dataclass
class Souk:
    """A server and what a test looks at beside it."""

    url: str
    services: Services
    http: httpx.AsyncClient
    settings: Settings
    accounts: dict[str, Client] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The server's database, to look at what was stored."""
        return self.services.database

    @property
    def anonymous(self) -> Client:
        """A client that is not signed in."""
        return Client(self.url, self.http)

    async def member(self, name: str, role: Role = Role.USER) -> Client:
        """A signed-in person of this name; the same one when asked again."""
        if name not in self.accounts:
            account = await make_account(self.services, name, role)
            self.accounts[name] = Client(self.url, self.http, account)
        return self.accounts[name]


@asynccontextmanager
async def running_souk(settings: Settings, *more: Domain) -> AsyncIterator[Souk]:
    """A server of these settings on a free port, in this process and event loop."""
    app = create_app(settings, None, *more)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="warning",
        http=BoundedHttp,
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(
        base_url=url, timeout=30, limits=httpx.Limits(max_connections=200)
    ) as http:
        yield Souk(url, app.state.services, http, settings)
    server.should_exit = True
    await task

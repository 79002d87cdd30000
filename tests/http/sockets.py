"""A bare websocket of `graphql-transport-ws`, for what the usual client would never send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import websockets

from tests.http.world import World

PROTOCOL = websockets.Subprotocol("graphql-transport-ws")


class Raw:
    """One socket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        """Sends a message; text and bytes go as they are."""
        if not isinstance(message, str | bytes):
            message = orjson.dumps(message).decode()
        await self.socket.send(message)

    async def receive(self, timeout: float = 5) -> Any:
        """The next message, which must have come as text."""
        received = await asyncio.wait_for(self.socket.recv(), timeout)
        assert isinstance(received, str)
        return orjson.loads(received)

    async def sign_in(self, token: str | None = None) -> None:
        """Opens the conversation."""
        payload = {"Authorization": f"Bearer {token}"} if token else {}
        await self.send({"type": "connection_init", "payload": payload})
        assert (await self.receive())["type"] == "connection_ack"

    async def subscribe(self, query: str, id: str = "1", **payload: Any) -> None:
        """Starts an operation."""
        await self.send({"id": id, "type": "subscribe", "payload": {"query": query, **payload}})

    async def closed(self, timeout: float = 5) -> int:
        """The code with which the server closes, after whatever it still says."""
        with suppress(websockets.ConnectionClosed):
            async with asyncio.timeout(timeout):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def opened(
    world: World, *, origin: str | None = None, token: str | None = None, protocol: Any = PROTOCOL
) -> AsyncIterator[Raw]:
    """A socket that has said nothing yet."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with websockets.connect(
        world.url.replace("http", "ws", 1) + "/graphql",
        subprotocols=[protocol] if protocol else None,
        origin=websockets.Origin(origin) if origin else None,
        additional_headers=headers,
    ) as socket:
        yield Raw(socket)

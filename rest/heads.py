"""How long the head of a request may be, its first line and its headers: the server software sets
no end to it, keeps it in memory, and everything that reads a header is given all of it. Knows no
header by name."""

from itertools import chain
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.errors import BadUserInput
from serving.http import Refused, refusal

UNENDED_BYTES: Final = 256 << 10
"""What a connection may send before its head ends, or between the parts of a body, until it is
closed. As much as one read of a socket gives, so that a head which ends is judged as a whole."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP, which gives a connection up that sends a head, or what may follow a body,
    without an end."""

    _unended = 0

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        self._unended += len(data)
        super().data_received(data)
        if self._unended > UNENDED_BYTES and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._unended = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._unended = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has ended."""
        self._unended = 0
        super().on_message_complete()


class HeadLimit:
    """Refuses a head of more than `limit` bytes with 431, before anything reads a header."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and _head_bytes(scope) > self._limit:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1009})
                return
            message = f"The address and the headers are too long: at most {self._limit} bytes."
            too_large = Refused(431, BadUserInput(message), Connection="close")
            await refusal(too_large)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _head_bytes(scope: Any) -> int:
    address = len(scope["path"]) + len(scope["query_string"])
    return address + sum(map(len, chain.from_iterable(scope["headers"])))

"""Souk as `cli.py serve` runs it, with a heartbeat on its event loop: `GET /heartbeat` tells the
longest silence since it was last asked."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.stack import respond
from cli import served_app, server_options
from core.settings import Settings

_EVERY = 0.001


class Beating:
    """An application whose event loop is watched as long as it runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._longest = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            beat = asyncio.create_task(self._beat())
            await self._app(scope, receive, send)
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat
        elif scope["type"] == "http" and scope["path"] == "/heartbeat":
            longest, self._longest = self._longest, 0.0
            await respond(send, b"%.1f" % (longest * 1000))
        else:
            await self._app(scope, receive, send)

    async def _beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_EVERY)
            now = time.perf_counter()
            self._longest = max(self._longest, now - last - _EVERY)
            last = now


if __name__ == "__main__":
    settings = Settings()
    uvicorn.run(Beating(served_app(settings)), **server_options(settings))

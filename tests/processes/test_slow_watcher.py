"""A watcher that stops reading: what waits for it is bounded, and nobody else notices
(design/reliability.md: a websocket client that stops reading)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from core.errors import SlowConsumer
from core.settings import Settings
from models.events import record_event
from subscriptions.hub import StoredEvent, _Subscriber
from tests.clients.client import Souk, running_souk
from tests.clients.market import Market
from tests.processes.bidding import assert_consistent, uuid_of, watching
from tests.processes.servers import eventually

QUEUED = 16


@pytest.fixture
async def small(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Souk]:
    """A server that keeps few events for a watcher."""
    monkeypatch.setenv("SOUK_LIMIT_QUEUED_EVENTS", str(QUEUED))
    async with running_souk(settings) as souk:
        yield souk


async def _announce(souk: Souk, topic: str, kind: str) -> int:
    at = datetime.now(UTC)
    return await souk.database.run(lambda work: record_event(work, topic, kind, {}, at))


def _queues(souk: Souk, topic: str) -> list[int]:
    found: set[_Subscriber] = souk.services.hub._topics[topic].subscribers
    return [len(subscriber.queue) for subscriber in found]


async def _all_known(souk: Souk, topic: str, number: int) -> None:
    async def known() -> bool:
        return souk.services.hub._topics[topic].number == number

    await eventually(known, f"the hub knew event {number}")


async def test_events_that_show_a_state_are_coalesced_for_a_watcher_that_stops_reading(
    small: Souk,
) -> None:
    market = await Market.opened(small)
    product = await market.auction(await small.member("Sally Seller"), proxyBidding=False)
    topic = f"auction:{uuid_of(product['id'])}"
    alice, bob = await small.member("Alice Allison"), await small.member("Bob Benson")
    stalled = small.services.hub.events(topic, after=None, coalesced=frozenset({"BID_PLACED"}))
    first = asyncio.ensure_future(anext(stalled))
    async with watching(small.anonymous, product["id"]) as live:
        await eventually(lambda: _are_watching(small, 2), "both watched")
        for number in range(5 * QUEUED):
            bidder = alice if number % 2 == 0 else bob
            await market.bid(bidder, product["id"], str(100 + 100 * number))
            assert max(_queues(small, topic)) <= QUEUED
        await live.until(5 * QUEUED)
        assert live.bids == await assert_consistent(small.database, product["id"])
    seen = [(await first).number]
    while seen[-1] < 5 * QUEUED:
        seen.append((await asyncio.wait_for(anext(stalled), 10)).number)
    assert seen == sorted(set(seen)), "in order, none twice"
    assert len(seen) <= QUEUED + 1, "what was older was passed over"
    await stalled.aclose()


async def _are_watching(souk: Souk, count: int) -> bool:
    return souk.services.hub.watched >= count


async def test_a_watcher_who_stops_reading_what_cannot_be_coalesced_is_dropped_and_can_resume(
    small: Souk,
) -> None:
    topic, hub = "test:1", small.services.hub
    await _announce(small, topic, "FIRST")
    stalled, live = hub.events(topic, after=0), hub.events(topic, after=0)
    assert (await anext(stalled)).number == (await anext(live)).number == 1
    pending = asyncio.ensure_future(anext(stalled)), asyncio.ensure_future(anext(live))
    await eventually(lambda: _are_watching(small, 2), "both watched")
    seen: list[StoredEvent] = []
    for number in range(2, 5 * QUEUED):
        assert await _announce(small, topic, "MESSAGE") == number
        seen.append(await pending[1] if number == 2 else await asyncio.wait_for(anext(live), 10))
        assert max(_queues(small, topic)) <= QUEUED
    await _all_known(small, topic, 5 * QUEUED - 1)
    assert [event.number for event in seen] == list(range(2, 5 * QUEUED))
    assert (await pending[0]).number == 2
    with pytest.raises(SlowConsumer):
        await asyncio.wait_for(anext(stalled), 10)
    again = hub.events(topic, after=2)
    assert [(await anext(again)).number for _ in range(3)] == [3, 4, 5]
    for stream in (live, again):
        await stream.aclose()

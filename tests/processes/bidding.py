"""Storms of bids on server processes, watchers that last through them, and what must then be
stored."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import websockets
from sqlalchemy import text

from core.database import Database
from core.ids import decode_id, encode_id
from core.pages import encode_cursor
from resolvers.auctions.events import topic_of
from rules.bidding import LiveBid, position_of, steps_for
from tests.clients.client import Client
from tests.clients.market import PLACE_BID, usd
from tests.processes.servers import START_SECONDS, eventually

WATCH_BIDS = """subscription($id: ID!, $after: String) { auction(productId: $id, after: $after) {
  kind cursor bid { id } } }"""


def uuid_of(product_id: str) -> UUID:
    """The stored id of a product."""
    return decode_id("prd", product_id, "id")


def beginning_of(product_id: str) -> str:
    """The cursor before an auction's first event: who watches from there misses nothing, whenever
    the subscription starts."""
    return encode_cursor(topic_of(uuid_of(product_id)), (0,))


@dataclass
class Sent:
    """One bid that was sent; `answer` None while nobody knows what became of it."""

    bidder: Client
    amount: str
    key: str
    answer: dict[str, Any] | None = None

    @property
    def bid_id(self) -> str | None:
        """The bid, when it was accepted."""
        accepted = self.answer is not None and self.answer["__typename"] == "PlaceBidPayload"
        return self.answer["bid"]["id"] if accepted and self.answer else None


async def send(sent: Sent, product_id: str) -> bool:
    """Sends a bid, or sends it again, and notes a definite answer; False when there was none."""
    bid = {"productId": product_id, "amount": usd(sent.amount), "idempotencyKey": sent.key}
    try:
        answer = await sent.bidder.post(PLACE_BID, input=bid)
    except (httpx.TransportError, ValueError):
        return False
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL", answer
        return False
    first = sent.answer
    sent.answer = answer["data"]["placeBid"]
    if first is not None:
        assert sent.answer == first, "the same key gets the first answer"
    return True


@dataclass
class Storm:
    """Bidders who bid as fast as they can on one auction until told to stop."""

    product_id: str
    bidders: list[Client]
    sent: list[Sent] = field(default_factory=list)
    stopped: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    minimum: float = 10.0  # what the answers have said last

    @property
    def accepted(self) -> list[str]:
        """The bids that were acknowledged as accepted."""
        return [sent.bid_id for sent in self.sent if sent.bid_id is not None]

    @property
    def unanswered(self) -> list[Sent]:
        """The bids of which nobody knows what became."""
        return [sent for sent in self.sent if sent.answer is None]

    async def _bid(self, bidder: Client, chance: random.Random) -> None:
        for turn in count():
            if self.stopped:
                return
            amount = f"{self.minimum + chance.randrange(2000) / 100:.2f}"
            assert bidder.account is not None
            sent = Sent(bidder, amount, f"{bidder.account.id}-{turn}")
            self.sent.append(sent)
            if await send(sent, self.product_id) and sent.answer is not None:
                found = sent.answer.get("minimum") or sent.answer["product"]["minimumNextBid"]
                self.minimum = max(self.minimum, float(found["amount"]))
            else:
                await asyncio.sleep(0.1)

    async def reach(self, accepted: int) -> None:
        """Waits until so many bids were acknowledged."""

        async def enough() -> bool:
            for task in self.tasks:
                if task.done():
                    task.result()
            return len(self.accepted) >= accepted

        await eventually(enough, f"{accepted} bids were accepted")

    async def stop(self) -> None:
        """Ends it; what was sent is answered or given up first."""
        self.stopped = True
        await asyncio.wait_for(asyncio.gather(*self.tasks), 60)


@asynccontextmanager
async def storm(product_id: str, bidders: list[Client]) -> AsyncIterator[Storm]:
    """A storm of bids, which is over afterwards."""
    blowing = Storm(product_id, bidders)
    blowing.tasks = [
        asyncio.create_task(blowing._bid(bidder, random.Random(number)))
        for number, bidder in enumerate(bidders)
    ]
    try:
        yield blowing
    finally:
        blowing.stopped = True
        for task in blowing.tasks:
            task.cancel()
        await asyncio.gather(*blowing.tasks, return_exceptions=True)


@dataclass
class Watcher:
    """Somebody who watches an auction and notes every event."""

    product_id: str
    events: list[dict[str, Any]] = field(default_factory=list)
    close_code: int | None = None
    complete: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return self.events[-1]["cursor"] if self.events else beginning_of(self.product_id)

    @property
    def bids(self) -> list[str]:
        """The bids that were announced, in the order of their announcement."""
        return [event["bid"]["id"] for event in self.events if event["kind"] == "BID_PLACED"]

    async def _read(self, viewer: Client) -> None:
        async with viewer.watch(WATCH_BIDS, id=self.product_id, after=self.cursor) as watch:
            with suppress(websockets.ConnectionClosed):
                while (message := await watch.message(timeout=120))["type"] == "next":
                    assert "errors" not in message["payload"], message
                    self.events.append(message["payload"]["data"]["auction"])
                assert message["type"] == "complete", message
                self.complete = True
            self.close_code = watch.socket.close_code

    async def until(self, bids: int) -> None:
        """Waits until so many bids were announced."""

        async def seen() -> bool:
            if self.task is not None and self.task.done():
                self.task.result()
            return len(self.bids) >= bids

        await eventually(seen, f"a watcher saw {bids} bids")

    async def until_ended(self) -> None:
        """Waits until the subscription is complete or the server has closed the socket."""
        assert self.task is not None
        await asyncio.wait_for(asyncio.shield(self.task), START_SECONDS)


@asynccontextmanager
async def watching(
    viewer: Client, product_id: str, *, resumed: Watcher | None = None
) -> AsyncIterator[Watcher]:
    """Somebody who watches from the auction's beginning, or goes on after the last cursor."""
    watcher = resumed or Watcher(product_id)
    watcher.close_code = None
    watcher.task = asyncio.create_task(watcher._read(viewer))
    try:
        yield watcher
    finally:
        watcher.task.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await watcher.task


async def assert_consistent(database: Database, product_id: str) -> list[str]:
    """That the auction's row is what rules/bidding.py says of its stored bids, and that the event
    log announces each bid once, in order, without a gap; gives the bids."""
    product = uuid_of(product_id)
    [row] = await database.rows(text("SELECT * FROM product WHERE id = :id").bindparams(id=product))
    bids = await database.rows(
        text("SELECT * FROM bid WHERE product_id = :id ORDER BY number").bindparams(id=product)
    )
    events = await database.rows(
        text("SELECT * FROM event WHERE topic = :topic ORDER BY number").bindparams(
            topic=topic_of(product)
        )
    )
    position = position_of(
        [LiveBid(bid.bidder_id, bid.amount_minor, bid.number) for bid in bids],
        start_minor=row.start_price_minor,
        reserve_minor=row.reserve_minor,
        proxy=row.proxy_bidding,
        steps=steps_for(row.currency, 2),
    )
    assert row.price_minor == position.price
    assert row.leader_id == position.leader
    assert row.leader_max_minor == position.leader_max_minor
    assert row.runner_up_max_minor == position.runner_up_max_minor
    assert row.bid_count == row.last_bid_number == len(bids)
    assert [bid.number for bid in bids] == list(range(1, len(bids) + 1))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    placed = [e.payload["bid"]["id"] for e in events if e.kind == "BID_PLACED"]
    assert placed == [str(bid.id) for bid in bids]
    return [encode_id("bid", bid.id) for bid in bids]

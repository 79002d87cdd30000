"""What watchers of an auction are told: the event and how the auction stood after it. An event
holds no maximum, only what the price has revealed; who may know a bidder, the schema decides."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.database import UnitOfWork
from core.money import currency_digits
from core.wording import Bound, RowLike
from models.auctions import BidStatus
from models.auctions.auctions import Auction, auction_of, lock_product
from models.catalogue import AuctionStatus
from models.events import record_event
from rules.bidding import Position, minimum_next, steps_for


class AuctionEventKind(StrEnum):
    """What happened to an auction (spec/core.graphql)."""

    BID_PLACED = "BID_PLACED"
    BID_CANCELLED = "BID_CANCELLED"
    EXTENDED = "EXTENDED"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


# A watcher who reads slowly gets the newest of these: each shows the whole standing.
COALESCED = frozenset({AuctionEventKind.BID_PLACED.value})


@dataclass(frozen=True, slots=True)
class AuctionState:
    """How an auction stands, as anybody may know it but for `leader_id`, which only the seller, the
    leader and admins may. Amounts are minor units; `price_minor` is None while nobody has bid."""

    price_minor: int | None
    minimum_next_minor: int
    bid_count: int
    ends_at: datetime
    status: AuctionStatus
    leader_id: UUID | None
    reserve_met: bool | None


@dataclass(frozen=True, slots=True)
class BidFacts:
    """A bid as far as its amount is revealed, in minor units."""

    id: UUID
    number: int
    bidder_id: UUID
    amount_minor: int
    placed_at: datetime
    status: BidStatus


def topic_of(product_id: UUID) -> str:
    """The topic of an auction's events."""
    return f"auction:{product_id}"


def state_of(
    position: Position[UUID],
    *,
    bid_count: int,
    ends_at: datetime,
    status: AuctionStatus,
    price_minor: int | None = None,
) -> AuctionState:
    """The public state of a position; `price_minor` where the sale was made at another price than
    bidding gave."""
    return AuctionState(
        price_minor=price_minor if price_minor is not None else position.price,
        minimum_next_minor=position.minimum_next,
        bid_count=bid_count,
        ends_at=ends_at,
        status=status,
        leader_id=position.leader,
        reserve_met=position.reserve_met,
    )


async def record(
    work: UnitOfWork,
    product_id: UUID,
    kind: AuctionEventKind,
    state: AuctionState,
    at: datetime,
    bid: BidFacts | None = None,
    along: Bound[Any] | None = None,
) -> None:
    """Writes one event of an auction whose row is locked, with other writes `along` in the same
    statement (models/events.recorded_with)."""
    payload: dict[str, Any] = {"state": _plain(state), "bid": None if bid is None else _plain(bid)}
    await record_event(work, topic_of(product_id), kind.value, payload, at, along)


def _plain(facts: AuctionState | BidFacts) -> dict[str, Any]:
    # Field by field: `asdict` would copy each value, which took most of the time under the lock.
    values = ((field.name, getattr(facts, field.name)) for field in fields(facts))
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, UUID)
        else value
        for name, value in values
    }


async def record_cancelled_auction(work: UnitOfWork, product_id: UUID, at: datetime) -> None:
    """Tells watchers that an auction was taken back by its seller or an admin."""
    auction = auction_of(await work.first(lock_product(product_id)))
    if auction is not None:
        state = current_state(auction, AuctionStatus.CANCELLED)
        await record(work, product_id, AuctionEventKind.CANCELLED, state, at)


def current_state(auction: Auction, status: AuctionStatus) -> AuctionState:
    """The state of a locked auction as its row says, under a status."""
    return state_of(
        auction.position, bid_count=auction.bid_count, ends_at=auction.ends_at, status=status
    )


def minimum_next_of(row: RowLike) -> int:
    """The least amount that is accepted now on the auction of a product's row, or on one as it
    stood then (`as_it_stood`), in minor units of its currency."""
    if "minimum_next_minor" in row:
        stood: int = row["minimum_next_minor"]
        return stood
    price = row["price_minor"] if row["bid_count"] else None
    steps = steps_for(row["currency"], currency_digits(row["currency"]))
    return minimum_next(price, row["start_price_minor"], steps)


def as_it_stood(row: RowLike, state: AuctionState | None) -> RowLike:
    """A product's row with what an event or an answer says of how its auction stood then; the row
    as it is without that."""
    if state is None:
        return row
    price = row["start_price_minor"] if state.price_minor is None else state.price_minor
    return {
        **row,
        "price_minor": price,
        "minimum_next_minor": state.minimum_next_minor,
        "bid_count": state.bid_count,
        "ends_at": state.ends_at,
        "status": state.status,
        "leader_id": state.leader_id,
        "has_reserve": state.reserve_met is not None,
        "leader_meets_reserve": state.reserve_met,
    }

"""The write side of an auction: locking it, writing bids and outcomes. Only resolvers/auctions
calls these, inside a unit of work; they show secrets (maxima, reserve) that no reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, func, insert, select, update
from sqlmodel import col

from core.money import Money, currency_digits
from core.wording import Bound
from models.auctions import Bid, BidStatus, CancelReason
from models.base import Query
from models.catalogue import AuctionStatus, Product, ProductKind
from models.events import recorded_with
from models.identity.users import User
from rules.bidding import LiveBid, Position, StepTable, position_of, steps_for


@dataclass(frozen=True, slots=True)
class Auction:
    """A locked auction as its row says; `position` holds its secrets."""

    id: UUID
    seller_id: UUID
    is_active: bool
    currency: str
    status: AuctionStatus
    starts_at: datetime
    ends_at: datetime
    soft_close_seconds: int
    buy_now_minor: int | None
    bid_count: int
    last_bid_number: int
    position: Position[UUID]

    def status_at(self, moment: datetime) -> AuctionStatus:
        """The status at a moment of the database's clock: what the row says, moved on by time
        (spec/03-auctions.md#bidding). An auction is open from its start until before its end."""
        if self.status not in (AuctionStatus.SCHEDULED, AuctionStatus.OPEN):
            return self.status
        if moment < self.starts_at:
            return AuctionStatus.SCHEDULED
        return AuctionStatus.OPEN if moment < self.ends_at else AuctionStatus.ENDED

    def money(self, minor: int) -> Money:
        """An amount in the auction's currency."""
        return Money(minor, self.currency)

    @property
    def steps(self) -> StepTable:
        """The bid steps of the auction's currency."""
        return steps_for(self.currency, currency_digits(self.currency))


_AUCTION_COLUMNS = (
    col(Product.id),
    col(Product.kind),
    col(Product.seller_id),
    col(Product.is_active),
    col(Product.currency),
    col(Product.status),
    col(Product.starts_at),
    col(Product.ends_at),
    col(Product.soft_close_seconds),
    col(Product.start_price_minor),
    col(Product.reserve_minor),
    col(Product.buy_now_minor),
    col(Product.proxy_bidding),
    col(Product.bid_count),
    col(Product.last_bid_number),
    col(Product.leader_id),
    col(Product.leader_max_minor),
    col(Product.runner_up_max_minor),
)


_LOCK_PRODUCT = (
    select(*_AUCTION_COLUMNS)
    .where(col(Product.id) == bindparam("product_id"))
    .with_for_update(key_share=True)
)


def lock_product(product_id: UUID) -> Bound[Any]:
    """Locks one product's row for a write that leaves its key alone, so that rows that merely refer
    to it can still be written (PostgreSQL: FOR NO KEY UPDATE)."""
    return Bound(_LOCK_PRODUCT, {"product_id": product_id})


def _lock_for_bidder() -> Query:
    # A part that locks is run as it stands, before the clock is read for its row.
    locked = (
        select(*_AUCTION_COLUMNS)
        .where(col(Product.id) == bindparam("product_id"))
        .with_for_update(key_share=True)
        .cte("locked")
    )
    may_bid = select(col(User.is_active)).where(col(User.id) == bindparam("bidder_id"))
    return select(
        locked,
        func.clock_timestamp().label("now"),
        may_bid.scalar_subquery().label("bidder_active"),
    )


_LOCK_FOR_BIDDER = _lock_for_bidder()


def lock_for_bidder(product_id: UUID, bidder_id: UUID) -> Bound[Any]:
    """Locks one product's row as `lock_product`, and gives beside it `now`, the database's clock
    after the lock was had, and whether the bidder's account may still act: on a busy auction every
    further statement would hold up all other bidders."""
    return Bound(_LOCK_FOR_BIDDER, {"product_id": product_id, "bidder_id": bidder_id})


_RUNS = col(Product.status).in_([AuctionStatus.SCHEDULED, AuctionStatus.OPEN])
_DUE = (
    select(*_AUCTION_COLUMNS)
    .where(_RUNS, col(Product.ends_at) <= func.statement_timestamp())
    .order_by(col(Product.ends_at), col(Product.id))
    .limit(1)
    .with_for_update(key_share=True, skip_locked=True)
)
_NEXT_END = select(func.min(col(Product.ends_at)), func.clock_timestamp()).where(_RUNS)


def due_auction() -> Bound[Any]:
    """Locks the auction whose end has been past the longest; auctions that another worker is
    closing are skipped, so that any number of workers can run."""
    return Bound(_DUE, {})


def next_end() -> Bound[Any]:
    """When the next running auction ends, by the recorded times; null when none runs."""
    return Bound(_NEXT_END, {})


def auction_of(row: Any) -> Auction | None:
    """The auction of a locked row; None when the product is not an auction."""
    if row.kind is not ProductKind.AUCTION:
        return None
    return Auction(
        id=row.id,
        seller_id=row.seller_id,
        is_active=row.is_active,
        currency=row.currency,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        soft_close_seconds=row.soft_close_seconds,
        buy_now_minor=row.buy_now_minor,
        bid_count=row.bid_count,
        last_bid_number=row.last_bid_number,
        position=Position(
            start_minor=row.start_price_minor,
            reserve_minor=row.reserve_minor,
            proxy=row.proxy_bidding,
            steps=steps_for(row.currency, currency_digits(row.currency)),
            leader=row.leader_id,
            leader_max_minor=row.leader_max_minor,
            runner_up_max_minor=row.runner_up_max_minor,
        ),
    )


def _named(table: Any, prefix: str, names: Sequence[str]) -> dict[str, Any]:
    columns = table.__table__.c
    return {name: bindparam(f"{prefix}_{name}", type_=columns[name].type) for name in names}


_BID_COLUMNS = ("id", "product_id", "bidder_id", "number", "amount_minor", "placed_at", "status")
_ADD_BID = insert(Bid).values(_named(Bid, "bid", _BID_COLUMNS))


def add_bid(
    bid_id: UUID, auction: Auction, bidder_id: UUID, amount_minor: int, placed_at: datetime
) -> Bound[Any]:
    """Writes the next bid of a locked auction."""
    values = {
        "bid_id": bid_id,
        "bid_product_id": auction.id,
        "bid_bidder_id": bidder_id,
        "bid_number": auction.last_bid_number + 1,
        "bid_amount_minor": amount_minor,
        "bid_placed_at": placed_at,
        "bid_status": BidStatus.ACTIVE,
    }
    return Bound(_ADD_BID, values)


_STANDS_COLUMNS = (
    "price_minor",
    "leader_id",
    "leader_max_minor",
    "runner_up_max_minor",
    "bid_count",
    "last_bid_number",
    "ends_at",
    "status",
)
_STORE_POSITION = (
    update(Product)
    .where(col(Product.id) == bindparam("stands_product_id", type_=Uuid))
    .values(_named(Product, "stands", _STANDS_COLUMNS))
)


def _stands(
    auction: Auction,
    position: Position[UUID],
    *,
    bid_count: int,
    last_bid_number: int,
    ends_at: datetime,
    status: AuctionStatus,
    price_minor: int | None = None,
) -> dict[str, Any]:
    price = position.price if price_minor is None else price_minor
    return {
        "stands_product_id": auction.id,
        "stands_price_minor": position.start_minor if price is None else price,
        "stands_leader_id": position.leader,
        "stands_leader_max_minor": position.leader_max_minor,
        "stands_runner_up_max_minor": position.runner_up_max_minor,
        "stands_bid_count": bid_count,
        "stands_last_bid_number": last_bid_number,
        "stands_ends_at": ends_at,
        "stands_status": status,
    }


def store_position(
    auction: Auction,
    position: Position[UUID],
    *,
    bid_count: int,
    last_bid_number: int,
    ends_at: datetime,
    status: AuctionStatus,
    price_minor: int | None = None,
) -> Bound[Any]:
    """Writes how a locked auction stands now; `price_minor` where it was sold at another price than
    bidding gave."""
    stands = _stands(
        auction,
        position,
        bid_count=bid_count,
        last_bid_number=last_bid_number,
        ends_at=ends_at,
        status=status,
        price_minor=price_minor,
    )
    return Bound(_STORE_POSITION, stands)


_BID_RECORDED = recorded_with(_ADD_BID.cte("new_bid"), _STORE_POSITION.cte("stands"))


def bid_and_position(
    bid: Bound[Any], auction: Auction, position: Position[UUID], ends_at: datetime
) -> Bound[Any]:
    """Writes the next bid of a locked, open auction (made by `add_bid`) and how it stands then, in
    one go with the event that tells of it: give it to `record` as `along`."""
    stands = _stands(
        auction,
        position,
        bid_count=auction.bid_count + 1,
        last_bid_number=auction.last_bid_number + 1,
        ends_at=ends_at,
        status=AuctionStatus.OPEN,
    )
    return Bound(_BID_RECORDED, {**bid.values, **stands})


def live_bids(product_id: UUID) -> Query:
    """The bids that count, in order of arrival."""
    return (
        select(
            col(Bid.id),
            col(Bid.bidder_id),
            col(Bid.amount_minor),
            col(Bid.number),
            col(Bid.placed_at),
        )
        .where(col(Bid.product_id) == product_id, col(Bid.status) == BidStatus.ACTIVE)
        .order_by(col(Bid.number))
    )


def position_after(auction: Auction, rows: list[Any]) -> Position[UUID]:
    """How the auction stands with these live bids alone (after a cancellation)."""
    return position_of(
        [LiveBid(row.bidder_id, row.amount_minor, row.number) for row in rows],
        start_minor=auction.position.start_minor,
        reserve_minor=auction.position.reserve_minor,
        proxy=auction.position.proxy,
        steps=auction.steps,
    )


def bid_place(bid_id: UUID) -> Query:
    """Which auction a bid belongs to and who placed it."""
    return select(
        col(Bid.product_id), col(Bid.bidder_id), col(Bid.status), col(Bid.placed_at)
    ).where(col(Bid.id) == bid_id)


def cancel_bids(
    bid_ids: list[UUID], reason: CancelReason, moment: datetime, price_minor: int
) -> Any:
    """Marks bids as withdrawn and keeps what of their amounts had been revealed."""
    return (
        update(Bid)
        .where(col(Bid.id).in_(bid_ids), col(Bid.status) == BidStatus.ACTIVE)
        .values(
            status=BidStatus.CANCELLED,
            cancelled_at=moment,
            cancel_reason=reason,
            revealed_minor=func.least(col(Bid.amount_minor), price_minor),
        )
    )


def settle_bids(product_id: UUID, winning_bid_id: UUID | None) -> Any:
    """Turns the live bids into one that won, where there is one, and others that lost."""
    outcome: Any = BidStatus.LOST
    if winning_bid_id is not None:
        outcome = case(
            (col(Bid.id) == winning_bid_id, BidStatus.WON.value), else_=BidStatus.LOST.value
        )
    return (
        update(Bid)
        .where(col(Bid.product_id) == product_id, col(Bid.status) == BidStatus.ACTIVE)
        .values(status=outcome)
    )

"""Taking back bids and ending auctions early (spec/03-auctions.md#bidding)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from auth.actor import Actor, Permission
from core.commands import Command
from core.database import UnitOfWork
from core.errors import Forbidden, InvalidInput, NotFound, raises
from models.auctions import BidStatus, CancelReason
from models.auctions import auctions as sql
from models.auctions.auctions import Auction
from models.catalogue import AuctionStatus
from resolvers.auctions.bids import BidId
from resolvers.auctions.closing import settle, winning_bid
from resolvers.auctions.errors import AuctionNotOpen, CancellationRefused, NotAnAuction
from resolvers.auctions.events import AuctionEventKind, AuctionState, BidFacts, record, state_of
from resolvers.catalogue.kinds import ProductId

# Until then a bidder may leave altogether, and a seller may end the auction.
FREE_UNTIL = timedelta(hours=12)
# So long a bid can be taken back by itself.
REGRET = timedelta(hours=1)


class BidderReason(StrEnum):
    """Why a bidder takes a bid back."""

    WRONG_AMOUNT = "WRONG_AMOUNT"
    DESCRIPTION_CHANGED = "DESCRIPTION_CHANGED"
    SELLER_UNREACHABLE = "SELLER_UNREACHABLE"


class EarlyEnd(StrEnum):
    """How a seller ends an auction early."""

    SELL_TO_HIGHEST_BIDDER = "SELL_TO_HIGHEST_BIDDER"
    CANCEL_BIDS = "CANCEL_BIDS"


class CancelBid(Command):
    """A bid to take back."""

    bid_id: Annotated[BidId, "The bid."]
    reason: Annotated[
        BidderReason | None, "Why; the bidder must say, seller and admins need not."
    ] = None


class EndAuction(Command):
    """An auction to end before its time."""

    product_id: Annotated[ProductId, "The auction."]
    outcome: Annotated[EarlyEnd, "Sold to the highest bidder, or cancelled."]


@dataclass(frozen=True, slots=True)
class BidsCancelled:
    """Which bids went, and how the auction stands without them."""

    product_id: UUID
    bid_ids: list[UUID]
    state: AuctionState | None


@dataclass(frozen=True, slots=True)
class AuctionEnded:
    """How the auction stands at its early end."""

    product_id: UUID
    state: AuctionState


async def _locked(work: UnitOfWork, product_id: UUID, name: str) -> tuple[Auction, datetime]:
    row = await work.first(sql.lock_product(product_id))
    if row is None or not row.is_active:
        raise NotFound("There is no such product.", path=["input", name])
    auction = sql.auction_of(row)
    if auction is None:
        raise NotAnAuction("This product has a fixed price.")
    return auction, await work.clock()


@raises(CancellationRefused, AuctionNotOpen, InvalidInput, NotFound)
async def cancel_bid(work: UnitOfWork, actor: Actor, command: CancelBid) -> BidsCancelled:
    """Takes a bid back and computes price and leader again; the same once more changes nothing. A
    bidder with more than 12 hours left leaves with all their bids. Raises Unauthenticated,
    NotFound, InvalidInput without a reason, AuctionNotOpen, CancellationRefused when it is too
    late."""
    user_id = actor.member()
    place = await work.first(sql.bid_place(command.bid_id))
    if place is None:
        raise NotFound("There is no such bid.", path=["input", "bidId"])
    auction, now = await _locked(work, place.product_id, "bidId")
    bid = await work.first(sql.bid_place(command.bid_id))
    own = bid is not None and bid.bidder_id == user_id
    if bid is None or not (
        own or auction.seller_id == user_id or actor.may(Permission.MANAGE_AUCTIONS)
    ):
        # Whose bid it is, is nobody's business: as if there were none.
        raise NotFound("There is no such bid.", path=["input", "bidId"])
    if bid.status is BidStatus.CANCELLED:
        return BidsCancelled(auction.id, [command.bid_id], None)
    status = auction.status_at(now)
    if status is not AuctionStatus.OPEN:
        raise AuctionNotOpen(f"This auction is not open: it is {status}.", status=status)
    live = await work.rows(sql.live_bids(auction.id))
    gone = [row for row in live if row.id == command.bid_id]
    if own and not actor.may(Permission.MANAGE_AUCTIONS):
        reason = _bidder_reason(command)
        gone = _bidders_choice(auction, bid, live, gone, now)
    else:
        reason = (
            CancelReason.REMOVED_BY_ADMIN
            if auction.seller_id != user_id
            else CancelReason.REMOVED_BY_SELLER
        )
    return await _without(work, auction, live, gone, reason, now)


def _bidder_reason(command: CancelBid) -> CancelReason:
    if command.reason is None:
        raise InvalidInput("State why you take the bid back.", path=["input", "reason"])
    return CancelReason(command.reason.value)


def _bidders_choice(
    auction: Auction, bid: Any, live: Any, chosen: list[Any], now: datetime
) -> list[Any]:
    if auction.ends_at - now > FREE_UNTIL:
        return [row for row in live if row.bidder_id == bid.bidder_id]
    if now - bid.placed_at <= REGRET:
        return chosen
    raise CancellationRefused(
        "Less than 12 hours remain and the bid is older than an hour: it stands."
    )


async def _without(
    work: UnitOfWork,
    auction: Auction,
    live: Any,
    gone: list[Any],
    reason: CancelReason,
    now: datetime,
) -> BidsCancelled:
    gone_ids = [row.id for row in gone]
    price = auction.position.price or 0
    await work.execute(sql.cancel_bids(gone_ids, reason, now, price))
    left = [row for row in live if row.id not in gone_ids]
    position = sql.position_after(auction, left)
    state = state_of(
        position, bid_count=len(left), ends_at=auction.ends_at, status=AuctionStatus.OPEN
    )
    await work.execute(
        sql.store_position(
            auction,
            position,
            bid_count=state.bid_count,
            last_bid_number=auction.last_bid_number,
            ends_at=auction.ends_at,
            status=AuctionStatus.OPEN,
        )
    )
    await _tell_cancelled(work, auction, gone, price, state, now)
    return BidsCancelled(auction.id, gone_ids, state)


async def _tell_cancelled(
    work: UnitOfWork, auction: Auction, gone: Any, price: int, state: AuctionState, now: datetime
) -> None:
    for row in gone:
        revealed = min(row.amount_minor, price)
        facts = BidFacts(
            row.id, row.number, row.bidder_id, revealed, row.placed_at, BidStatus.CANCELLED
        )
        await record(work, auction.id, AuctionEventKind.BID_CANCELLED, state, now, facts)


@raises(CancellationRefused, AuctionNotOpen, NotAnAuction, NotFound)
async def end_auction(work: UnitOfWork, actor: Actor, command: EndAuction) -> AuctionEnded:
    """Ends an auction early: sold to the highest bidder, or with all bids cancelled. Its seller may
    until 12 hours before the end, admins any time. Raises Unauthenticated, NotFound, NotAnAuction,
    Forbidden, AuctionNotOpen, CancellationRefused."""
    user_id = actor.member()
    auction, now = await _locked(work, command.product_id, "productId")
    if auction.seller_id != user_id and not actor.may(Permission.MANAGE_AUCTIONS):
        raise Forbidden("Only its seller may end this auction.")
    status = auction.status_at(now)
    if status not in (AuctionStatus.OPEN, AuctionStatus.SCHEDULED):
        raise AuctionNotOpen(f"This auction is over: it is {status}.", status=status)
    if not actor.may(Permission.MANAGE_AUCTIONS) and auction.ends_at - now <= FREE_UNTIL:
        raise CancellationRefused("Less than 12 hours remain: the auction runs to its end.")
    if command.outcome is EarlyEnd.SELL_TO_HIGHEST_BIDDER:
        winning = await winning_bid(work, auction)
        if winning is None:
            raise CancellationRefused("Nobody has bid: cancel the auction instead.")
        state = await settle(work, auction, auction.position, now, winning=winning)
        return AuctionEnded(auction.id, state)
    return await _cancelled(work, auction, actor, now)


async def _cancelled(
    work: UnitOfWork, auction: Auction, actor: Actor, now: datetime
) -> AuctionEnded:
    live = await work.rows(sql.live_bids(auction.id))
    by_seller = auction.seller_id == actor.user_id
    reason = CancelReason.REMOVED_BY_SELLER if by_seller else CancelReason.REMOVED_BY_ADMIN
    price = auction.position.price or 0
    await work.execute(sql.cancel_bids([row.id for row in live], reason, now, price))
    position = sql.position_after(auction, [])
    status = AuctionStatus.CANCELLED
    await work.execute(
        sql.store_position(
            auction,
            position,
            bid_count=0,
            last_bid_number=auction.last_bid_number,
            ends_at=auction.ends_at,
            status=status,
        )
    )
    state = state_of(position, bid_count=0, ends_at=auction.ends_at, status=status)
    await _tell_cancelled(work, auction, live, price, state, now)
    await record(work, auction.id, AuctionEventKind.CANCELLED, state, now)
    return AuctionEnded(auction.id, state)

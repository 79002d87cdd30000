"""Bids: reading and placing them, and buying at once (spec/03-auctions.md#bidding), in the order
in which the rules are asked. Who leads at which price, rules/bidding.py decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from auth.actor import Actor
from core.commands import Command, Filter, IdOf
from core.database import Columns, Database, UnitOfWork
from core.errors import AccountInactive, InvalidInput, NotFound, raises
from core.ids import new_id
from core.money import Money
from core.pages import ListRequest, Page, PageRequest
from models.auctions import BidStatus
from models.auctions import auctions as sql
from models.auctions import bids as reading
from models.auctions.auctions import Auction
from models.auctions.bids import BidRow
from models.catalogue import AuctionStatus
from resolvers.auctions.closing import settle
from resolvers.auctions.errors import (
    AuctionNotOpen,
    BidTooLow,
    BuyNowUnavailable,
    CurrencyMismatch,
    NotAnAuction,
    OwnProduct,
)
from resolvers.auctions.events import AuctionEventKind, AuctionState, BidFacts, record, state_of
from resolvers.catalogue.kinds import ProductId
from resolvers.pages import in_order, pages_of_parents, read_count, read_page

BidId = Annotated[UUID, IdOf("bid")]


class PlaceBid(Command):
    """A bid on an auction."""

    product_id: Annotated[ProductId, "The auction."]
    amount: Annotated[
        Money, "In proxy bidding the most that you would pay, secret; otherwise the price."
    ]


class BuyNow(Command):
    """A purchase at the buy-now price."""

    product_id: Annotated[ProductId, "The auction."]


class OwnBids(Filter):
    """The bids of one account."""

    bidder_id: UUID


@dataclass(frozen=True, slots=True)
class BidPlaced:
    """An accepted bid with the amount as its bidder may see it, and how the auction stands by
    it."""

    product_id: UUID
    bid: BidFacts
    state: AuctionState
    is_highest_bidder: bool


async def open_auction(
    work: UnitOfWork, actor: Actor, product_id: UUID
) -> tuple[Auction, datetime]:
    """Locks an auction for a bidder and gives it with the moment that decides. Raises
    Unauthenticated, NotFound, NotAnAuction, AccountInactive, OwnProduct, AuctionNotOpen."""
    bidder_id = actor.member()
    row = await work.first(sql.lock_for_bidder(product_id, bidder_id))
    if row is None or not row.is_active:
        raise NotFound("There is no such product.", path=["input", "productId"])
    auction, now = sql.auction_of(row), row.now
    if auction is None:
        raise NotAnAuction("This product has a fixed price: buy it instead.")
    if not row.bidder_active:
        raise AccountInactive("This account is archived. Log in again to restore it.")
    if auction.seller_id == bidder_id:
        raise OwnProduct("You cannot bid on your own product.")
    status = auction.status_at(now)
    if status is not AuctionStatus.OPEN:
        raise AuctionNotOpen(f"This auction is not open: it is {status}.", status=status)
    return auction, now


@raises(
    BidTooLow,
    AuctionNotOpen,
    OwnProduct,
    NotAnAuction,
    CurrencyMismatch,
    AccountInactive,
    InvalidInput,
    NotFound,
)
async def place_bid(work: UnitOfWork, actor: Actor, command: PlaceBid) -> BidPlaced:
    """Places a bid. An accepted one is never lost, and is told to watchers once. Raises
    InvalidInput, BidTooLow, CurrencyMismatch and what `open_auction` raises."""
    if command.amount.amount_minor <= 0:
        raise InvalidInput("A bid must be more than zero.", path=["input", "amount", "amount"])
    auction, now = await open_auction(work, actor, command.product_id)
    if command.amount.currency != auction.currency:
        raise CurrencyMismatch(
            f"Bids on this product are in {auction.currency}.",
            path=["input", "amount", "currency"],
        )
    bidder_id = actor.member()
    minimum = auction.position.minimum_for(bidder_id)
    if command.amount.amount_minor < minimum:
        least = auction.money(minimum)
        raise BidTooLow(f"Bid at least {least}.", path=["input", "amount"], minimum=least)
    position = auction.position.place(bidder_id, command.amount.amount_minor)
    ends_at = extended_end(auction, now)
    state = state_of(
        position, bid_count=auction.bid_count + 1, ends_at=ends_at, status=AuctionStatus.OPEN
    )
    bid_id = new_id()
    bid = sql.add_bid(bid_id, auction, bidder_id, command.amount.amount_minor, now)
    written = sql.bid_and_position(bid, auction, position, ends_at)
    revealed = min(command.amount.amount_minor, position.price or 0)
    number = auction.last_bid_number + 1
    shown = BidFacts(bid_id, number, bidder_id, revealed, now, BidStatus.ACTIVE)
    await record(work, auction.id, AuctionEventKind.BID_PLACED, state, now, shown, written)
    if ends_at != auction.ends_at:
        await record(work, auction.id, AuctionEventKind.EXTENDED, state, now)
    own = BidFacts(bid_id, number, bidder_id, command.amount.amount_minor, now, BidStatus.ACTIVE)
    return BidPlaced(auction.id, own, state, position.leader == bidder_id)


def extended_end(auction: Auction, now: datetime) -> datetime:
    """When the auction ends after a bid at `now`: a bid in the last `soft_close_seconds` moves the
    end that far behind it."""
    window = timedelta(seconds=auction.soft_close_seconds)
    return max(auction.ends_at, now + window) if window else auction.ends_at


@raises(
    BuyNowUnavailable,
    AuctionNotOpen,
    OwnProduct,
    NotAnAuction,
    AccountInactive,
    InvalidInput,
    NotFound,
)
async def buy_now(work: UnitOfWork, actor: Actor, command: BuyNow) -> BidPlaced:
    """Ends the auction at its buy-now price, while nobody has bid or the reserve is not met. Raises
    BuyNowUnavailable and what `open_auction` raises."""
    auction, now = await open_auction(work, actor, command.product_id)
    price = auction.buy_now_minor
    if price is None:
        raise BuyNowUnavailable("This auction has no buy-now price: place a bid.")
    if auction.bid_count and auction.position.reserve_met is not False:
        raise BuyNowUnavailable("Bidding has gone past buying at once: place a bid.")
    buyer_id, bid_id = actor.member(), new_id()
    await work.execute(sql.add_bid(bid_id, auction, buyer_id, price, now))
    position = auction.position.place(buyer_id, price)
    number = auction.last_bid_number + 1
    bought = BidFacts(bid_id, number, buyer_id, price, now, BidStatus.WON)
    state = await settle(
        work, auction, position, now, winning=bought, bid_count=auction.bid_count + 1, price=price
    )
    return BidPlaced(auction.id, bought, state, True)


async def bids_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[BidRow | None]:
    """Loader: bids."""
    return in_order(await database.rows(reading.bids_by_ids(actor, ids, columns)), ids)


async def history_pages(
    database: Database,
    actor: Actor,
    keys: list[tuple[UUID, PageRequest]],
    columns: Columns = None,
) -> Sequence[Page[BidRow]]:
    """Loader: a page of the bid history for each pair of auction and page; one statement for all
    auctions that want the same page."""
    return await pages_of_parents(
        database,
        keys,
        lambda ids, page: reading.history_pages(actor, ids, page, columns),
        "product_id",
        reading.BIDS_NEWEST,
        lambda row: (row.number,),
    )


async def history_counts(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[int]:
    """Loader: how many bids the history of each auction holds."""
    rows = await database.rows(reading.history_counts(ids))
    counts = {row.parent_id: row.count for row in rows}
    return [counts.get(id, 0) for id in ids]


def _own(actor: Actor, request: ListRequest[None, None]) -> ListRequest[OwnBids, None]:
    return ListRequest(request.page, OwnBids(bidder_id=actor.member()), None, request.columns)


async def list_own_bids(
    database: Database, actor: Actor, request: ListRequest[None, None]
) -> Page[BidRow]:
    """A page of the actor's own bids, the newest first. Raises Unauthenticated, BadUserInput."""
    return await read_page(database, actor, reading.OWN_BIDS, _own(actor, request))


async def count_own_bids(database: Database, actor: Actor, request: ListRequest[None, None]) -> int:
    """How many bids the actor has placed. Raises Unauthenticated."""
    return await read_count(database, actor, reading.OWN_BIDS, _own(actor, request))

"""Ending auctions: who won, at what price, told once (spec/03-auctions.md#bidding, closing)."""

from datetime import datetime
from uuid import UUID

from core.database import UnitOfWork
from models.auctions import BidStatus
from models.auctions import auctions as sql
from models.auctions.auctions import Auction
from models.catalogue import AuctionStatus
from resolvers.auctions.events import AuctionEventKind, AuctionState, BidFacts, record, state_of
from rules.bidding import Position


async def close_due_auction(work: UnitOfWork) -> UUID | None:
    """Closes the auction whose end is past the longest and gives its id, None when none is due. Any
    number of workers may call it at once; each auction is closed once, by its recorded end, also
    when the server was down then."""
    row = await work.first(sql.due_auction())
    auction = None if row is None else sql.auction_of(row)
    if auction is None:
        return None
    sold = auction.position.leader is not None and auction.position.reserve_met is not False
    winning = await winning_bid(work, auction) if sold else None
    await settle(work, auction, auction.position, auction.ends_at, winning=winning)
    return auction.id


async def winning_bid(work: UnitOfWork, auction: Auction) -> BidFacts | None:
    """The leader's bid that decides: the highest, of equal ones the earliest, at the price that the
    auction stands at; None without a bid."""
    position = auction.position
    for row in await work.rows(sql.live_bids(auction.id)):
        if row.bidder_id == position.leader and row.amount_minor == position.leader_max_minor:
            price = position.price or 0
            return BidFacts(row.id, row.number, row.bidder_id, price, row.placed_at, BidStatus.WON)
    if position.leader is not None:
        raise AssertionError(f"auction {auction.id} has a leader but no bid of theirs")
    return None


async def settle(
    work: UnitOfWork,
    auction: Auction,
    position: Position[UUID],
    ended_at: datetime,
    *,
    winning: BidFacts | None,
    bid_count: int | None = None,
    price: int | None = None,
) -> AuctionState:
    """Ends a locked auction: its live bids become WON and LOST, and watchers are told of the end
    and the settlement. The SETTLED event carries the winning bid, if any, for the order that
    follows."""
    count = auction.bid_count if bid_count is None else bid_count
    number = max(auction.last_bid_number, winning.number if winning else 0)
    await work.execute(sql.settle_bids(auction.id, winning.id if winning else None))
    await work.execute(
        sql.store_position(
            auction,
            position,
            bid_count=count,
            last_bid_number=number,
            ends_at=ended_at,
            status=AuctionStatus.SETTLED,
            price_minor=price,
        )
    )
    states = {
        status: state_of(
            position, bid_count=count, ends_at=ended_at, status=status, price_minor=price
        )
        for status in (AuctionStatus.ENDED, AuctionStatus.SETTLED)
    }
    if count > auction.bid_count:
        kind = AuctionEventKind.BID_PLACED
        await record(work, auction.id, kind, states[AuctionStatus.ENDED], ended_at, winning)
    ended, settled = AuctionEventKind.ENDED, AuctionEventKind.SETTLED
    await record(work, auction.id, ended, states[AuctionStatus.ENDED], ended_at)
    now = await work.clock()
    await record(work, auction.id, settled, states[AuctionStatus.SETTLED], now, winning)
    return states[AuctionStatus.SETTLED]


async def next_end(work: UnitOfWork) -> float | None:
    """In how many seconds the next auction ends by the database's clock, None when none runs;
    negative when one is due."""
    row = await work.first(sql.next_end())
    if row is None or row[0] is None:
        return None
    seconds: float = (row[0] - row[1]).total_seconds()
    return seconds

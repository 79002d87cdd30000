"""Keeps the auction of the explorer's examples open from one start of the server to the next."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from core.database import Database, UnitOfWork
from demo.load import DEMO_AUCTION
from models.auctions.auctions import auction_of, lock_product, position_after, store_position
from models.auctions.importing import withdraw_all_bids
from models.catalogue import AuctionStatus
from models.catalogue.products import change_product
from resolvers.auctions.events import AuctionEventKind, record, state_of

__all__ = ["refresh_demo"]

LENGTH: Final = timedelta(days=7)
NEARLY_OVER: Final = timedelta(days=1)


async def refresh_demo(database: Database) -> bool:
    """Puts the end of the examples' auction seven days ahead when less than a day is left. When it
    is over, it begins anew at its start price: the bids of the last round are withdrawn. Watchers
    are told by an EXTENDED event. True when something was changed; nothing is, where the auction is
    not there or was removed."""
    return await database.run(_refresh)


async def _refresh(work: UnitOfWork) -> bool:
    row = await work.first(lock_product(DEMO_AUCTION))
    auction = None if row is None else auction_of(row)
    if auction is None or not auction.is_active:
        return False
    now = await work.clock()
    runs = auction.status_at(now) in (AuctionStatus.OPEN, AuctionStatus.SCHEDULED)
    if runs and auction.ends_at - now >= NEARLY_OVER:
        return False
    position, bid_count = auction.position, auction.bid_count
    if not runs:
        await work.execute(withdraw_all_bids(auction.id, now, position.price or 0))
        times = {"starts_at": now, "ends_at": now + LENGTH}
        await work.execute(change_product(auction.id, times))
        position, bid_count = position_after(auction, []), 0
    ends_at, status = now + LENGTH, AuctionStatus.OPEN
    await work.execute(
        store_position(
            auction,
            position,
            bid_count=bid_count,
            last_bid_number=auction.last_bid_number,
            ends_at=ends_at,
            status=status,
        )
    )
    state = state_of(position, bid_count=bid_count, ends_at=ends_at, status=status)
    await record(work, auction.id, AuctionEventKind.EXTENDED, state, now)
    return True

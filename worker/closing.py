"""Closes auctions on time. The rows are the schedule: a soft close that moves an end needs no job
to be moved with it (docs/decisions/0005-closing.md)."""

import asyncio

import structlog

from core.database import DATABASE_ERRORS, Database
from resolvers.auctions.closing import close_due_auction, next_end

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0  # the longest that an auction listed meanwhile with a near end is not seen


async def close_all_due(database: Database) -> int:
    """Closes every auction whose end is past, each in its own transaction; gives how many."""
    closed = 0
    while await database.run(close_due_auction) is not None:
        closed += 1
    return closed


async def close_on_time(database: Database) -> None:
    """Closes auctions as they end, for ever."""
    while True:
        try:
            await close_all_due(database)
            seconds = await database.run(next_end)
        except DATABASE_ERRORS as error:
            log.warning("auctions cannot be closed now", error=type(error).__name__)
            seconds = None
        wait = _LOOK_SECONDS if seconds is None else min(max(seconds, 0.0), _LOOK_SECONDS)
        await asyncio.sleep(wait + 0.002)

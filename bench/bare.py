"""The same locked transaction as a bid, in bare asyncpg: what is left when everything around the
database is taken away."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from itertools import count
from uuid import UUID

import asyncpg

from bench.house import BIDDERS, House
from bench.wire import Measured
from core.ids import new_id

_POOL = 10  # as many connections as the server has
_LOCK = """SELECT seller_id, is_active, status, starts_at, ends_at, bid_count, last_bid_number,
  leader_id, leader_max_minor, runner_up_max_minor FROM product WHERE id = $1 FOR NO KEY UPDATE"""
_ACTIVE = "SELECT is_active FROM user_account WHERE id = $1"
_BID = """INSERT INTO bid (id, product_id, bidder_id, number, amount_minor, placed_at, status)
  VALUES ($1, $2, $3, $4, $5, $6, 'ACTIVE')"""
_PRODUCT = """UPDATE product SET price_minor = $2, leader_id = $3, leader_max_minor = $2,
  bid_count = $4, last_bid_number = $4 WHERE id = $1"""
_EVENT = """WITH counter AS (
    INSERT INTO event_topic (topic, last_number) VALUES ($1, 1)
    ON CONFLICT (topic) DO UPDATE SET last_number = event_topic.last_number + 1
    RETURNING last_number)
  INSERT INTO event (topic, number, kind, payload, occurred_at)
  SELECT $1, last_number, 'BID_PLACED', '{}', $2 FROM counter"""


async def bare_bids(built: House, auction: UUID, bids: int) -> Measured:
    """So many rising bids of 16 bidders at once, over as many connections as a server has."""
    numbers = iter(range(bids))
    cents = count(100, 10_000)
    times: list[float] = []
    async with asyncpg.create_pool(built.url, min_size=_POOL, max_size=_POOL) as pool:

        async def bidder(bidder_id: UUID) -> None:
            for _ in numbers:
                began = time.perf_counter()
                async with pool.acquire() as connection, connection.transaction():
                    row = await connection.fetchrow(_LOCK, auction)
                    assert row is not None
                    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
                    assert row["ends_at"] > now
                    assert await connection.fetchval(_ACTIVE, bidder_id)
                    amount, number = next(cents), row["last_bid_number"] + 1
                    values = (new_id(), auction, bidder_id, number, amount, now)
                    await connection.execute(_BID, *values)
                    await connection.execute(_PRODUCT, auction, amount, bidder_id, number)
                    await connection.execute(_EVENT, f"auction:{auction}", now)
                times.append((time.perf_counter() - began) * 1000)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for bidder_id in built.bidder_ids[:BIDDERS]:
                group.create_task(bidder(bidder_id))
        seconds = time.perf_counter() - began
    assert await built.stored_bids(auction) == bids
    return Measured(bids, bids, seconds, sorted(times))

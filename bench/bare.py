"""The same locked transaction as a bid, in bare asyncpg, in a process of its own: what is left when
everything around the database is taken away. Reads a pickled BareJob, writes pickled Measured."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from bench.load import ROOT, Measured
from bench.stack import POOL
from core.ids import new_id

_LOCK = """SELECT id, kind, seller_id, is_active, currency, status, starts_at, ends_at,
  soft_close_seconds, start_price_minor, reserve_minor, buy_now_minor, proxy_bidding, bid_count,
  last_bid_number, leader_id, leader_max_minor, runner_up_max_minor
  FROM product WHERE id = $1 FOR NO KEY UPDATE"""
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


@dataclass(frozen=True, slots=True)
class BareJob:
    """Bids of these people on this auction for so many seconds. So large a share of them is refused
    after the lock is held, as it is at the server that this is compared with."""

    url: str
    auction: UUID
    bidders: list[UUID]
    seconds: float
    refused: float


async def _measured(job: BareJob) -> Measured:
    cents, due = count(100, 10_000), 0.0
    accepted = 0
    times: list[float] = []

    def refuses() -> bool:
        nonlocal due
        due += job.refused
        if due < 1:
            return False
        due -= 1
        return True

    async def bid(connection: Any, bidder: UUID) -> bool:
        row = await connection.fetchrow(_LOCK, job.auction)
        assert row is not None
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        assert row["ends_at"] > now
        assert await connection.fetchval(_ACTIVE, bidder)
        if refuses():
            return False
        amount, number = next(cents), row["last_bid_number"] + 1
        values = (new_id(), job.auction, bidder, number, amount, now)
        await connection.execute(_BID, *values)
        await connection.execute(_PRODUCT, job.auction, amount, bidder, number)
        await connection.execute(_EVENT, f"auction:{job.auction}", now)
        return True

    async def bidder(pool: asyncpg.Pool, bidder_id: UUID, until: float) -> None:
        nonlocal accepted
        while (began := time.perf_counter()) < until:
            async with pool.acquire() as connection, connection.transaction():
                taken = await bid(connection, bidder_id)
            accepted += taken
            times.append((time.perf_counter() - began) * 1000)

    async with asyncpg.create_pool(job.url, min_size=POOL, max_size=POOL) as pool:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for bidder_id in job.bidders:
                group.create_task(bidder(pool, bidder_id, began + job.seconds))
        seconds = time.perf_counter() - began
    return Measured(len(times), accepted, seconds, times)


def bare_bids(job: BareJob) -> Measured:
    """Runs a job in a process of its own. Raises RuntimeError with what was wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.bare"],
        input=pickle.dumps(job),
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=job.seconds + 60,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace")[-1500:])
    found = pickle.loads(done.stdout)  # noqa: S301  our own process wrote it
    assert isinstance(found, Measured)
    return found


if __name__ == "__main__":
    from bench import bare  # the class that is pickled has the same name for the caller

    given = pickle.load(sys.stdin.buffer)  # noqa: S301  our own process wrote it
    sys.stdout.buffer.write(pickle.dumps(uvloop.run(bare._measured(given))))

"""`make bench`: starts a server with a database of its own, measures it, prints a table and writes
bench/results.json. Talks to 127.0.0.1 only and stops what it started."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.bare import bare_bids
from bench.house import BIDDERS, PRODUCTS, ROOT, House, house, server, shortly, temporary_folder
from bench.wire import Measured, Request, measure
from core.ids import encode_id

RUNS = 3
CONNECTIONS = 16
PAGES, SINGLES, BIDS = 80, 400, 240
MOST_SECONDS = 85.0
RESULTS = Path(__file__).with_name("results.json")

PAGE = """query Page($after: String) {
  products(first: 20, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id title condition
      seller { id fullname }
      category { title }
      media { url mimeType }
      ... on AuctionProduct {
        currentPrice { amount currency } status endsAt bidCount
        bids(first: 3) { nodes { amount { amount } placedAt } }
      }
    }
  }
}"""
SINGLE = """query Single($id: ID!) {
  product(id: $id) {
    id title description
    ... on AuctionProduct { currentPrice { amount currency } minimumNextBid { amount } status }
  }
}"""
BID = """mutation Bid($input: PlaceBidInput!) {
  placeBid(input: $input) {
    __typename
    ... on PlaceBidPayload { isHighestBidder product { bidCount } }
    ... on BidTooLow { minimum { amount } }
  }
}"""


def pages(_: House) -> Iterator[Request]:
    """Requests for the first page of 20 with all that a list shows."""

    def check(data: dict[str, Any]) -> bool:
        nodes = data["products"]["nodes"]
        assert len(nodes) == 20
        assert all(len(node["bids"]["nodes"]) == 3 and node["media"] for node in nodes)
        assert all(node["seller"]["fullname"] for node in nodes)
        return True

    return (Request(PAGE, {}, None, check) for _ in range(PAGES))


def singles(built: House) -> Iterator[Request]:
    """Requests for one product each, all different."""
    for number in range(SINGLES):
        id_ = encode_id("prd", built.product_ids[number * 7 % PRODUCTS])
        yield Request(SINGLE, {"id": id_}, None, _is(id_))


def _is(id_: str) -> Callable[[dict[str, Any]], bool]:
    def check(data: dict[str, Any]) -> bool:
        assert data["product"]["id"] == id_
        return True

    return check


def bids(built: House, auction: UUID) -> Iterator[Request]:
    """Rising bids of 16 bidders in turn. One that another has overtaken on the way is refused as
    too low, rightly; only accepted ones are counted."""
    cents = count(100, 10_000)
    product_id = encode_id("prd", auction)

    def check(data: dict[str, Any]) -> bool:
        kind = data["placeBid"]["__typename"]
        assert kind in ("PlaceBidPayload", "BidTooLow"), data
        return bool(kind == "PlaceBidPayload")

    for number in range(BIDS):
        amount = {"amount": f"{next(cents) / 100:.2f}", "currency": "USD"}
        values = {"productId": product_id, "amount": amount}
        yield Request(BID, {"input": values}, built.tokens[number % BIDDERS], check)


async def _runs(once: Callable[[], Any]) -> dict[str, float]:
    """The medians of three runs, after one that warms up and does not count."""
    await once()
    found: list[Measured] = []
    for _ in range(RUNS):
        await shortly()
        found.append(await once())
    return {
        "per_second": round(statistics.median(run.answers / run.seconds for run in found), 1),
        "accepted_per_second": round(statistics.median(run.rate for run in found), 1),
        "p50_ms": round(statistics.median(run.percentile(0.5) for run in found), 2),
        "p99_ms": round(statistics.median(run.percentile(0.99) for run in found), 2),
        "refused": round(statistics.median(run.answers - run.counted for run in found)),
    }


async def _measured(folder: Path, port: int) -> dict[str, dict[str, float]]:
    async with house(folder) as built:

        async def bid_run() -> Measured:
            auction = await built.hot_auction()
            found = await measure(port, bids(built, auction), BIDDERS)
            stored = await built.stored_bids(auction)
            assert stored == found.counted, "an accepted bid is not stored"
            return found

        async def bare_run() -> Measured:
            return await bare_bids(built, await built.hot_auction(), BIDS)

        return {
            "page of 20": await _runs(lambda: measure(port, pages(built), CONNECTIONS)),
            "one product": await _runs(lambda: measure(port, singles(built), CONNECTIONS)),
            "bids, one auction": await _runs(bid_run),
            "same, bare asyncpg": await _runs(bare_run),
        }


def _commit() -> str:
    git = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else "none"


def main() -> None:
    """Measures, prints and writes."""
    began = time.monotonic()
    with temporary_folder() as name, server(Path(name)) as port:
        try:
            figures = asyncio.run(asyncio.wait_for(_measured(Path(name), port), MOST_SECONDS))
        except TimeoutError:
            sys.exit(f"Not done within {MOST_SECONDS:.0f} s: the machine is too busy to measure.")
    packages = ("strawberry-graphql", "graphql-core", "sqlalchemy", "asyncpg", "uvicorn")
    result = {
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {len(_cpus())} processors",
        "packages": {package: version(package) for package in packages},
        "products": PRODUCTS,
        "connections": CONNECTIONS,
        "runs": RUNS,
        "seconds": round(time.monotonic() - began, 1),
        "figures": figures,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'':20}{'answers/s':>11}{'accepted/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'refused':>9}")
    for label, row in figures.items():
        print(
            f"{label:20}{row['per_second']:>11}{row['accepted_per_second']:>12}"
            f"{row['p50_ms']:>10}{row['p99_ms']:>10}{row['refused']:>9}"
        )
    print(f"{result['machine']}, commit {result['commit']}, {result['seconds']} s in all")


def _cpus() -> set[int] | range:
    return os.sched_getaffinity(0) if sys.platform == "linux" else range(os.cpu_count() or 1)


if __name__ == "__main__":
    main()

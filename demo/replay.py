"""Plays files of real auctions through the public API of a running server and compares the prices.
Must not touch an auction in any other way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.ids import encode_id
from core.money import Money, parse_amount
from core.settings import Settings
from demo.api import Api, ReplayFailed
from demo.bidders import CATEGORY, SUBCATEGORY, Bidders, bidders_of, url_of
from demo.histories import History, read_histories

__all__ = ["AT_ONCE", "ReplayFailed", "ReplayReport", "replay", "replay_file"]

AT_ONCE: Final = 16
"""How many auctions are played at the same time; the bids of one come strictly one by one."""

_TITLE: Final = 120
_CURRENCY: Final = "USD"
# Long enough for any auction to be played to its last bid; it ends by itself afterwards.
_RUNS: Final = timedelta(days=1)

_CREATE: Final = """mutation ReplayList($input: CreateAuctionProductInput!) {
  createAuctionProduct(input: $input) {
    __typename
    ... on CreateAuctionProductPayload { product { id } }
    ... on UserError { code message }
  }
}"""
_BID: Final = """mutation ReplayBid($input: PlaceBidInput!) {
  placeBid(input: $input) {
    __typename
    ... on UserError { code message }
  }
}"""
_PRICE: Final = """query ReplayPrice($id: ID!) {
  product(id: $id) { ... on AuctionProduct { currentPrice { amount currency } bidCount } }
}"""


@dataclass(slots=True)
class ReplayReport:
    """How the prices came out. `equal_with_reserve` counts those that are equal and those that are
    with a reserve of the final price; `refused` the bids refused in the first playing; `seconds`
    are those of playing, `bids` all that were sent in them, and `waits` how often a rate limit was
    waited for."""

    auctions: int = 0
    equal: int = 0
    equal_with_reserve: int = 0
    refused: int = 0
    bids: int = 0
    seconds: float = 0.0
    waits: int = 0
    unequal: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The report in one line, as the issue gives it."""
        rate = self.bids / self.seconds if self.seconds else 0.0
        return (
            f"auctions {self.auctions} · prices equal {self.equal} · "
            f"equal with reserve {self.equal_with_reserve} · bids refused {self.refused} · "
            f"bids/s {rate:.0f}"
        )


async def replay_file(file: Path, url: str, settings: Settings, console: Console) -> ReplayReport:
    """Plays a file through the server at `url`, with a progress bar on a terminal. Raises
    ReplayFailed with one line for people: a wrong file, no server, another database."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=quiet) as progress:
        task = progress.add_task("Bids", total=None)
        return await replay(
            file,
            url,
            settings,
            lambda done, total: progress.update(task, completed=done, total=total),
        )


async def replay(
    file: Path, url: str, settings: Settings, progress: Callable[[int, int], None]
) -> ReplayReport:
    """Plays every auction of the file, several at once. `progress` is told how many bids of how
    many were played. Raises ReplayFailed."""
    try:
        histories = read_histories(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ReplayFailed(f"{file}: {reason}") from error
    if not histories:
        raise ReplayFailed(f"{file}: holds no bids")
    names = sorted({bid.bidder for history in histories for bid in history.bids})
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with (
        bidders_of(url_of(settings), settings, names) as bidders,
        httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as http,
    ):
        return await _Replay(Api(http), bidders, histories, progress).run()


class _Replay:
    """One replay of the auctions of a file."""

    def __init__(
        self,
        api: Api,
        bidders: Bidders,
        histories: list[History],
        progress: Callable[[int, int], None],
    ) -> None:
        self._api = api
        self._bidders = bidders
        self._histories = histories
        self._progress = progress
        # Keys of another replay must never be those of this one.
        self._run = uuid4().hex
        self._total = sum(len(history.bids) for history in histories)
        self._played = 0
        self.report = ReplayReport(auctions=len(histories))

    async def run(self) -> ReplayReport:
        """Plays all of them. Raises ReplayFailed, the first of several."""
        self._progress(0, self._total)
        waiting = iter(self._histories)
        began = time.perf_counter()

        async def player() -> None:
            for history in waiting:
                await self._compare(history)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(player())
        except* ReplayFailed as failed:
            raise failed.exceptions[0] from None
        self.report.seconds = time.perf_counter() - began
        self.report.waits = self._api.waited
        return self.report

    async def _compare(self, history: History) -> None:
        """Plays an auction without a reserve and, where the price is another than the real one,
        once more with a reserve of the real one: a hidden reserve may have been met."""
        price, refused = await self._play(history, None)
        self.report.refused += refused
        if price == history.final_minor:
            self.report.equal += 1
            self.report.equal_with_reserve += 1
            return
        if history.final_minor >= history.opening_minor:
            price, _ = await self._play(history, history.final_minor)
        if price == history.final_minor:
            self.report.equal_with_reserve += 1
        else:
            self.report.unequal.append(history.auction_id)

    async def _play(self, history: History, reserve: int | None) -> tuple[int | None, int]:
        """The price in minor units after all bids, and how many were refused as too low."""
        product_id = await self._list(history, reserve)
        playing = "plain" if reserve is None else "reserve"
        refused = 0
        for number, bid in enumerate(history.bids):
            values = {
                "productId": product_id,
                "amount": _money(bid.amount_minor),
                "idempotencyKey": f"{self._run}:{playing}:{number}:{product_id}",
            }
            token = self._bidders.token(bid.bidder)
            answer = (await self._api.run(_BID, {"input": values}, token))["placeBid"]
            refused += _is_refused(answer, history)
            self.report.bids += 1
            if reserve is None:
                self._played += 1
                self._progress(self._played, self._total)
        return await self._price(product_id), refused

    async def _list(self, history: History, reserve: int | None) -> str:
        # No idempotency key here: an auction listed twice because an answer was lost harms nobody.
        values = {
            "title": f"Replay {history.auction_id}: {history.item}"[:_TITLE],
            "description": "A real auction, played again from its recorded bids. Not for sale.",
            "condition": "USED",
            "categoryId": encode_id("cat", CATEGORY),
            "subcategoryId": encode_id("sub", SUBCATEGORY),
            "startPrice": _money(history.opening_minor),
            "reservePrice": None if reserve is None else _money(reserve),
            "endsAt": (datetime.now(UTC) + _RUNS).isoformat(),
            "proxyBidding": True,
            "shippingMethod": "FREE",
        }
        answer = await self._api.run(_CREATE, {"input": values}, self._bidders.seller)
        created = answer["createAuctionProduct"]
        if created["__typename"] != "CreateAuctionProductPayload":
            raise _unexpected(history, created)
        product_id: str = created["product"]["id"]
        return product_id

    async def _price(self, product_id: str) -> int | None:
        answer = await self._api.run(_PRICE, {"id": product_id}, self._bidders.seller)
        price = answer["product"]["currentPrice"]
        return None if price is None else parse_amount(price["amount"], _CURRENCY, []).amount_minor


def _is_refused(answer: dict[str, Any], history: History) -> bool:
    if answer["__typename"] not in ("PlaceBidPayload", "BidTooLow"):
        raise _unexpected(history, answer)
    return bool(answer["__typename"] == "BidTooLow")


def _unexpected(history: History, answer: dict[str, Any]) -> ReplayFailed:
    return ReplayFailed(
        f"auction {history.auction_id}: the server answered {answer['__typename']}: "
        f"{answer.get('message', '')}"
    )


def _money(minor: int) -> dict[str, str]:
    return {"amount": Money(minor, _CURRENCY).decimal, "currency": _CURRENCY}

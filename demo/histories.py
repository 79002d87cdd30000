"""Reads files of real auction histories for demo, replay and tests; it plays nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

__all__ = ["EBAY_BIDS", "History", "HistoryBid", "read_histories"]

EBAY_BIDS = Path(__file__).with_name("ebay_bids.csv")
"""314 finished eBay auctions, US dollars, a public research data set; bidders are numbered."""

COLUMNS = (
    "auction_id",
    "bid",
    "bid_time_days",
    "bidder",
    "bidder_rating",
    "opening_bid",
    "final_price",
    "item",
    "auction_days",
)

# ASCII only: Decimal and int would also take "1_000", "1e3" or digits of other scripts.
_DOLLARS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_DAYS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,12})?")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class HistoryBid:
    """One bid of a history. `amount_minor` is the bidder's maximum, in cents.

    The winner's maximum was never revealed: their highest amount is the final price.
    `at_days` counts days from the opening.
    """

    bidder: str
    rating: int
    amount_minor: int
    at_days: Decimal


@dataclass(frozen=True, slots=True)
class History:
    """One finished auction; prices in cents, bids in the order in which to play them."""

    auction_id: str
    item: str
    days: int
    opening_minor: int
    final_minor: int
    bids: list[HistoryBid]


def read_histories(path: Path) -> list[History]:
    """The auctions of a file with the columns `COLUMNS`, in the order of their first rows.

    Bids are in time order, of equal times the lower amount first. Raises ValueError naming line
    and column of a cell that is missing or is not what its column holds, or that contradicts the
    auction's first row. Only in `opening_bid` is a contradiction passed over: the first row counts.
    """
    histories: dict[str, History] = {}
    for row in _rows(path):
        auction_id = row.text("auction_id")
        history = History(
            auction_id=auction_id,
            item=row.text("item"),
            days=row.whole("auction_days", least=1),
            opening_minor=row.cents("opening_bid"),
            final_minor=row.cents("final_price"),
            bids=[],
        )
        first = histories.setdefault(auction_id, history)
        # No such check of the opening bid: one row of the research file is known to be wrong.
        for column, agrees in (
            ("item", first.item == history.item),
            ("auction_days", first.days == history.days),
            ("final_price", first.final_minor == history.final_minor),
        ):
            if not agrees:
                raise row.error(column, "differs from the first row of the auction")
        first.bids.append(
            HistoryBid(
                bidder=row.text("bidder"),
                rating=row.whole("bidder_rating"),
                amount_minor=row.cents("bid"),
                at_days=row.decimal("bid_time_days"),
            )
        )
    for history in histories.values():
        history.bids.sort(key=lambda bid: (bid.at_days, bid.amount_minor))
    return list(histories.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file, its cells by column; a bad cell raises ValueError."""

    line: int
    cells: dict[str, str]

    def error(self, column: str, problem: str) -> ValueError:
        return ValueError(f"line {self.line}, column {column}: {problem}")

    def text(self, column: str) -> str:
        if not (cell := self.cells.get(column, "").strip()):
            raise self.error(column, "is missing")
        return cell

    def cents(self, column: str) -> int:
        amount = self._matching(column, _DOLLARS, "is not an amount in dollars and cents")
        if not (cents := int(Decimal(amount).scaleb(2))):
            raise self.error(column, "must be above zero")
        return cents

    def decimal(self, column: str) -> Decimal:
        return Decimal(self._matching(column, _DAYS, "is not a number of days"))

    def whole(self, column: str, least: int | None = None) -> int:
        number = int(self._matching(column, _WHOLE, "is not a whole number"))
        if least is not None and number < least:
            raise self.error(column, f"must be at least {least}")
        return number

    def _matching(self, column: str, pattern: re.Pattern[str], problem: str) -> str:
        cell = self.text(column)
        if not pattern.fullmatch(cell):
            raise self.error(column, f"{cell[:40]!r} {problem}")
        return cell


def _rows(path: Path) -> Iterator[_Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, [])
            for column in COLUMNS:
                if header.count(column) != 1:
                    raise ValueError(f"line 1, column {column}: must stand in the header once")
            for cells in reader:
                if len(cells) > len(header):
                    raise ValueError(
                        f"line {reader.line_num}, column {len(header) + 1}: has no heading"
                    )
                if cells:
                    yield _Row(reader.line_num, dict(zip(header, cells, strict=False)))
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error

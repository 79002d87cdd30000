"""The arithmetic of bidding: from bids to price, leader and next minimum; it stores nothing.

All amounts are integers in the currency's minor unit. The rule is `spec/03-auctions.md#bidding`.
Maxima and the reserve are kept out of every `repr`, so that none reaches a log by accident.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

__all__ = [
    "DEFAULT_STEPS",
    "STEPS",
    "LiveBid",
    "Position",
    "Standing",
    "Step",
    "StepTable",
    "minimum_next",
    "position_of",
    "standing",
    "steps_for",
]

Bidder = TypeVar("Bidder", bound=Hashable)


class Step(NamedTuple):
    """From this price on, bids rise by this increment; both in the currency's major unit."""

    from_price: Decimal
    increment: Decimal


def _steps(*rows: tuple[str, str]) -> tuple[Step, ...]:
    return tuple(Step(Decimal(from_price), Decimal(increment)) for from_price, increment in rows)


DEFAULT_STEPS = _steps(
    ("0.01", "0.05"),
    ("1", "0.25"),
    ("5", "0.50"),
    ("25", "1"),
    ("100", "2.50"),
    ("250", "5"),
    ("500", "10"),
    ("1000", "25"),
    ("2500", "50"),
    ("5000", "100"),
)

STEPS: Mapping[str, tuple[Step, ...]] = MappingProxyType({"USD": DEFAULT_STEPS})
"""Steps by ISO 4217 code; a currency without an entry uses `DEFAULT_STEPS`."""


@dataclass(frozen=True, slots=True)
class StepTable:
    """Steps of one currency in minor units: `increments[i]` applies from `from_prices[i]` on.

    Raises ValueError unless prices rise, no increment is smaller than the one before it, and
    every increment is at least one minor unit: otherwise a further bid could lower the price.
    """

    from_prices: tuple[int, ...]
    increments: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.from_prices or len(self.from_prices) != len(self.increments):
            raise ValueError("a step table needs one increment for each price, and at least one")
        if any(low >= high for low, high in pairwise(self.from_prices)):
            raise ValueError("the prices of a step table must rise")
        if self.increments[0] < 1 or any(low > high for low, high in pairwise(self.increments)):
            raise ValueError("increments must be at least one minor unit and must not shrink")

    def step(self, price_minor: int) -> int:
        """The increment at this price, minor units; below the first price, the first increment."""
        return self.increments[max(bisect_right(self.from_prices, price_minor) - 1, 0)]


@cache
def steps_for(currency: str, digits: int) -> StepTable:
    """The steps of a currency with that many ISO 4217 digits (USD 2, JPY 0, KWD 3), in minor units.

    What is no whole number of minor units is rounded up. So no step is less than one minor unit:
    a step of nothing would let a bid of the current price count as a higher one. Where rounding
    brings two prices together, the later row counts. Raises ValueError on negative digits.
    """
    if digits < 0:
        raise ValueError("a currency has no negative number of digits")
    table = {
        _minor(step.from_price, digits): _minor(step.increment, digits)
        for step in STEPS.get(currency, DEFAULT_STEPS)
    }
    return StepTable(from_prices=tuple(table), increments=tuple(table.values()))


def _minor(amount: Decimal, digits: int) -> int:
    return int(amount.scaleb(digits).to_integral_value(ROUND_CEILING))


def minimum_next(price_minor: int | None, start_minor: int, steps: StepTable) -> int:
    """The public minimumNextBid, minor units: the start price while nobody has bid, else one step
    above the price."""
    return start_minor if price_minor is None else price_minor + steps.step(price_minor)


@dataclass(frozen=True, slots=True)
class LiveBid(Generic[Bidder]):
    """A bid that counts: accepted and not cancelled. A lower `sequence` arrived earlier."""

    bidder: Bidder
    amount_minor: int = field(repr=False)
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Generic[Bidder]):
    """All that the next bid on an auction depends on, without the bids themselves.

    `leader_max_minor` is T of the rule, the leader's maximum; `runner_up_max_minor` is S, the best
    maximum of any other bidder. Without a bid all three are None. In open bidding (`proxy` false)
    a maximum is simply the bidder's highest amount. Raises ValueError on figures that cannot be.
    """

    start_minor: int
    reserve_minor: int | None = field(repr=False)
    proxy: bool
    steps: StepTable = field(repr=False)
    leader: Bidder | None = None
    leader_max_minor: int | None = field(default=None, repr=False)
    runner_up_max_minor: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.leader is None) != (self.leader_max_minor is None):
            raise ValueError("a leader and the leader's maximum go together")
        if self.runner_up_max_minor is not None and (
            self.leader_max_minor is None or self.runner_up_max_minor > self.leader_max_minor
        ):
            raise ValueError("a runner-up's maximum must not be above the leader's")

    @property
    def price(self) -> int | None:
        """The current price in minor units; None while there is no bid."""
        if self.leader_max_minor is None or not self.proxy:
            return self.leader_max_minor
        competitive = self.start_minor
        if (second := self.runner_up_max_minor) is not None:
            one_step_above = second + self.steps.step(second)
            competitive = max(self.start_minor, min(self.leader_max_minor, one_step_above))
        if self.reserve_minor is None:
            return competitive
        return max(competitive, min(self.leader_max_minor, self.reserve_minor))

    @property
    def minimum_next(self) -> int:
        """The public minimumNextBid, minor units: the start price, or one step above the price."""
        return minimum_next(self.price, self.start_minor, self.steps)

    @property
    def reserve_met(self) -> bool | None:
        """Whether the leader's maximum reaches the reserve; None when there is no reserve."""
        if self.reserve_minor is None:
            return None
        return self.leader_max_minor is not None and self.leader_max_minor >= self.reserve_minor

    def minimum_for(self, bidder: Bidder) -> int:
        """The least this bidder may bid, minor units; for that bidder's eyes only.

        A leader must reach the public minimum and pass their own maximum, which in open bidding
        is the price anyway. Everybody else is held to the public minimum, which shows no maximum.
        """
        minimum = self.minimum_next
        if self.leader_max_minor is not None and bidder == self.leader:
            # Near the price a minor unit above their own maximum may still be below the minimum.
            return max(minimum, self.leader_max_minor + 1)
        return minimum

    def place(self, bidder: Bidder, amount_minor: int) -> Position[Bidder]:
        """The position after one more bid, later than all before it; the new maximum may win.

        Judges nothing: compare the amount with `minimum_for` first. A leader's raise moves the
        price where it had stopped at their old maximum, short of a full step or of the reserve.
        """
        top, second = self.leader_max_minor, self.runner_up_max_minor
        if top is None:
            return replace(self, leader=bidder, leader_max_minor=amount_minor)
        if bidder == self.leader:
            return replace(self, leader_max_minor=max(top, amount_minor))
        if amount_minor > top:
            # The old leader's maximum was the highest, so it is now the best of the others.
            return replace(
                self, leader=bidder, leader_max_minor=amount_minor, runner_up_max_minor=top
            )
        second = amount_minor if second is None else max(second, amount_minor)
        return replace(self, runner_up_max_minor=second)


@dataclass(frozen=True, slots=True)
class Standing(Generic[Bidder]):
    """How an auction stands, minor units; without a bid there is no price and no leader.

    `leading_bid` is the bid that gave the leader their maximum. Its amount is the leader's secret.
    """

    price_minor: int | None
    leader: Bidder | None
    leading_bid: LiveBid[Bidder] | None
    minimum_next_minor: int
    reserve_met: bool | None


def position_of(
    bids: Iterable[LiveBid[Bidder]],
    *,
    start_minor: int,
    reserve_minor: int | None,
    proxy: bool,
    steps: StepTable,
) -> Position[Bidder]:
    """The position that these live bids, in any order, make; for use after a cancellation.

    Equals placing the bids one by one in order of arrival.
    """
    ranking = _ranking(bids)
    return Position(
        start_minor=start_minor,
        reserve_minor=reserve_minor,
        proxy=proxy,
        steps=steps,
        leader=ranking[0].bidder if ranking else None,
        leader_max_minor=ranking[0].amount_minor if ranking else None,
        runner_up_max_minor=ranking[1].amount_minor if len(ranking) > 1 else None,
    )


def standing(
    bids: Iterable[LiveBid[Bidder]],
    *,
    start_minor: int,
    reserve_minor: int | None,
    proxy: bool,
    steps: StepTable,
) -> Standing[Bidder]:
    """How an auction with these live bids, in any order, stands."""
    ranking = _ranking(bids)
    position = position_of(
        ranking, start_minor=start_minor, reserve_minor=reserve_minor, proxy=proxy, steps=steps
    )
    return Standing(
        price_minor=position.price,
        leader=position.leader,
        leading_bid=ranking[0] if ranking else None,
        minimum_next_minor=position.minimum_next,
        reserve_met=position.reserve_met,
    )


def _ranking(bids: Iterable[LiveBid[Bidder]]) -> list[LiveBid[Bidder]]:
    """Each bidder's maximum, best first: the highest, and of equal ones the earliest."""
    maxima: dict[Bidder, LiveBid[Bidder]] = {}
    for bid in sorted(bids, key=lambda bid: (-bid.amount_minor, bid.sequence)):
        maxima.setdefault(bid.bidder, bid)
    return list(maxima.values())

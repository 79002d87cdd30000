"""The bidding rule of spec/03-auctions.md#bidding: its examples, its properties, its steps."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import bidding
from rules.bidding import LiveBid, Position, Step, StepTable, position_of, standing, steps_for

USD = steps_for("USD", 2)


def auction(
    start: str, *, reserve: str | None = None, proxy: bool = True, steps: StepTable = USD
) -> Position[str]:
    """An auction without bids; amounts in dollars."""
    return Position(
        start_minor=cents(start),
        reserve_minor=None if reserve is None else cents(reserve),
        proxy=proxy,
        steps=steps,
    )


def cents(dollars: str) -> int:
    return int(Decimal(dollars) * 100)


def bid(position: Position[str], bidder: str, dollars: str) -> Position[str]:
    """Place a bid that must be acceptable."""
    assert cents(dollars) >= position.minimum_for(bidder)
    return position.place(bidder, cents(dollars))


def shown(position: Position[str]) -> tuple[str | None, int | None]:
    return position.leader, position.price


# The examples of the spec


def test_the_second_price_plus_a_step_is_the_price_until_the_leaders_maximum_caps_it() -> None:
    position = bid(bid(auction("50"), "A", "114"), "B", "157")
    assert shown(position) == ("B", cents("116.50"))

    position = bid(position, "C", "156.80")
    assert shown(position) == ("B", cents("157"))

    assert position.minimum_for("D") == cents("159.50")
    assert cents("157") < position.minimum_for("D")

    position = bid(position, "C", "160")
    assert shown(position) == ("C", cents("159.50"))


def test_of_equal_maxima_the_earlier_leads_and_the_price_is_that_maximum() -> None:
    position = bid(bid(auction("10"), "A", "50"), "B", "50")
    assert shown(position) == ("A", cents("50"))


def test_below_the_reserve_the_price_is_the_maximum_and_above_it_at_least_the_reserve() -> None:
    position = bid(auction("1", reserve="100"), "A", "1.50")
    assert shown(position) == ("A", cents("1.50"))
    assert position.reserve_met is False

    position = bid(position, "B", "150")
    assert shown(position) == ("B", cents("100"))
    assert position.reserve_met is True


# The rest of the rule


def test_an_auction_without_bids_has_no_price_and_asks_for_the_start_price() -> None:
    position = auction("9.99", reserve="20")
    assert shown(position) == (None, None)
    assert position.minimum_next == position.minimum_for("A") == cents("9.99")
    assert position.reserve_met is False
    assert auction("9.99").reserve_met is None


def test_a_single_bidder_pays_the_start_price() -> None:
    assert shown(bid(auction("10"), "A", "500")) == ("A", cents("10"))


def test_a_second_maximum_below_the_start_price_does_not_pull_the_price_below_it() -> None:
    position = auction("50").place("A", cents("10")).place("B", cents("100"))
    assert shown(position) == ("B", cents("50"))


def test_a_bid_below_the_hidden_maximum_is_accepted_and_raises_the_price() -> None:
    position = bid(bid(auction("10"), "A", "50"), "B", "20")
    assert shown(position) == ("A", cents("20.50"))


def test_a_leaders_raise_leaves_the_price_where_it_is() -> None:
    position = bid(bid(auction("10"), "A", "50"), "B", "20")
    assert shown(bid(position, "A", "80")) == shown(position)


def test_a_leaders_raise_reaches_for_the_reserve() -> None:
    position = bid(auction("1", reserve="100"), "A", "40")
    assert shown(bid(position, "A", "150")) == ("A", cents("100"))


def test_a_leaders_raise_completes_the_step_their_old_maximum_had_cut_short() -> None:
    position = bid(bid(bid(auction("50"), "A", "114"), "B", "157"), "C", "156.80")
    assert shown(bid(position, "B", "200")) == ("B", cents("159.30"))


def test_a_leader_must_pass_their_own_maximum_and_the_public_minimum() -> None:
    far_above = bid(bid(auction("10"), "A", "50"), "B", "20")
    assert far_above.minimum_for("A") == cents("50.01")
    at_the_maximum = bid(far_above, "B", "49.80")
    assert at_the_maximum.price == cents("50")
    assert at_the_maximum.minimum_for("A") == at_the_maximum.minimum_next == cents("51")


def test_the_minimum_told_to_others_does_not_depend_on_the_leaders_maximum() -> None:
    near = bid(bid(auction("10"), "A", "50"), "B", "20")
    far = bid(bid(auction("10"), "A", "5000"), "B", "20")
    for other in ("B", "C"):
        assert near.minimum_for(other) == far.minimum_for(other) == cents("21")


def test_cancelling_the_leaders_bid_computes_price_and_leader_again() -> None:
    bids = [
        LiveBid("A", cents("114"), 1),
        LiveBid("B", cents("157"), 2),
        LiveBid("C", cents("156.80"), 3),
    ]
    left = standing(
        [bids[2], bids[0]], start_minor=cents("50"), reserve_minor=None, proxy=True, steps=USD
    )
    assert (left.leader, left.price_minor) == ("C", cents("116.50"))
    assert left.leading_bid == bids[2]
    assert left.minimum_next_minor == cents("119")
    assert left.reserve_met is None


def test_a_repeated_equal_maximum_keeps_its_first_time() -> None:
    bids = [LiveBid("A", 5000, 3), LiveBid("B", 5000, 2), LiveBid("A", 5000, 1)]
    now = standing(bids, start_minor=1000, reserve_minor=None, proxy=True, steps=USD)
    assert now.leading_bid == LiveBid("A", 5000, 1)


def test_a_standing_without_bids_has_no_leading_bid() -> None:
    none: list[LiveBid[str]] = []
    now = standing(none, start_minor=1000, reserve_minor=None, proxy=True, steps=USD)
    assert (now.price_minor, now.leader, now.leading_bid) == (None, None, None)
    assert now.minimum_next_minor == 1000


def test_in_open_bidding_the_amount_is_the_price_and_the_leader_needs_a_step_too() -> None:
    position = bid(auction("10", reserve="100", proxy=False), "A", "50")
    assert shown(position) == ("A", cents("50"))
    assert position.minimum_for("A") == position.minimum_for("B") == cents("51")
    assert position.reserve_met is False
    assert shown(bid(position, "B", "100")) == ("B", cents("100"))
    assert bid(position, "B", "100").reserve_met is True


def test_no_maximum_and_no_reserve_shows_in_a_repr() -> None:
    position = bid(bid(auction("1", reserve="77.77"), "A", "33.33"), "B", "44.44")
    lead = LiveBid("B", cents("44.44"), 2)
    now = standing([lead], start_minor=100, reserve_minor=7777, proxy=True, steps=USD)
    text = f"{position!r} {lead!r} {now.leading_bid!r}"
    assert not any(secret in text for secret in ("7777", "3333", "4444"))


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        replace(auction("1"), leader="A")
    with pytest.raises(ValueError, match="runner-up"):
        replace(auction("1"), leader="A", leader_max_minor=200, runner_up_max_minor=201)
    with pytest.raises(ValueError, match="runner-up"):
        replace(auction("1"), runner_up_max_minor=201)


# Steps


@pytest.mark.parametrize(
    ("price", "step"),
    [
        ("0.01", "0.05"),
        ("0.99", "0.05"),
        ("1", "0.25"),
        ("4.99", "0.25"),
        ("5", "0.50"),
        ("25", "1"),
        ("100", "2.50"),
        ("250", "5"),
        ("500", "10"),
        ("1000", "25"),
        ("2500", "50"),
        ("4999.99", "50"),
        ("5000", "100"),
        ("1000000", "100"),
    ],
)
def test_the_steps_of_the_spec(price: str, step: str) -> None:
    assert USD.step(cents(price)) == cents(step)


def test_a_step_is_a_whole_number_of_minor_units_and_never_none() -> None:
    yen = steps_for("JPY", 0)
    assert [yen.step(price) for price in (1, 5, 25, 100, 250)] == [1, 1, 1, 3, 5]


def test_three_digits_make_finer_minor_units_and_the_first_step_holds_below_its_price() -> None:
    dinar = steps_for("KWD", 3)
    assert [dinar.step(price) for price in (1, 10, 999, 1_000, 5_000)] == [50, 50, 50, 250, 500]


def test_a_currency_may_have_steps_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = (Step(Decimal("1"), Decimal("10")), Step(Decimal("1000"), Decimal("100")))
    monkeypatch.setattr(bidding, "STEPS", {"XTS": own})
    # Past the cache: the entry above is gone after this test.
    table = steps_for.__wrapped__("XTS", 0)
    assert [table.step(price) for price in (1, 999, 1000)] == [10, 10, 100]


def test_a_currency_has_no_negative_digits() -> None:
    with pytest.raises(ValueError, match="negative"):
        steps_for("USD", -1)


@pytest.mark.parametrize(
    ("from_prices", "increments"),
    [((), ()), ((1, 2), (1,)), ((1, 1), (1, 2)), ((1, 2), (2, 1)), ((1,), (0,))],
)
def test_steps_that_could_lower_a_price_are_refused(
    from_prices: tuple[int, ...], increments: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"step table|increments"):
        StepTable(from_prices, increments)


# Properties

TABLES = st.sampled_from([USD, steps_for("JPY", 0), steps_for("KWD", 3)])
BIDDERS = st.sampled_from("ABCDE")


@st.composite
def auctions(draw: st.DrawFn, *, proxy: bool | None = None) -> Position[str]:
    start = draw(st.integers(1, 6_000))
    reserve = draw(st.none() | st.integers(start, start + 12_000))
    return Position(
        start_minor=start,
        reserve_minor=reserve,
        proxy=draw(st.booleans()) if proxy is None else proxy,
        steps=draw(TABLES),
    )


@st.composite
def bids_on(draw: st.DrawFn, opened: Position[str]) -> list[LiveBid[str]]:
    """Bids at or above the start, acceptable or not, narrow enough for ties and half steps."""
    extra = st.integers(0, 40) | st.integers(0, 12_000)
    drawn = draw(st.lists(st.tuples(BIDDERS, extra), max_size=12))
    return [
        LiveBid(bidder, opened.start_minor + above, sequence)
        for sequence, (bidder, above) in enumerate(drawn)
    ]


def from_scratch(opened: Position[str], bids: list[LiveBid[str]]) -> Position[str]:
    return position_of(
        bids,
        start_minor=opened.start_minor,
        reserve_minor=opened.reserve_minor,
        proxy=opened.proxy,
        steps=opened.steps,
    )


def placed(opened: Position[str], bids: list[LiveBid[str]]) -> list[Position[str]]:
    """The position after each of the bids, in the order of the list."""
    positions = [opened]
    for one in bids:
        positions.append(positions[-1].place(one.bidder, one.amount_minor))
    return positions[1:]


def accepted(opened: Position[str], bids: list[LiveBid[str]]) -> list[LiveBid[str]]:
    position, taken = opened, []
    for one in bids:
        if one.amount_minor >= position.minimum_for(one.bidder):
            position = position.place(one.bidder, one.amount_minor)
            taken.append(one)
    return taken


@given(st.data())
def test_placing_bids_one_by_one_equals_computing_from_all_in_any_order(
    data: st.DataObject,
) -> None:
    opened = data.draw(auctions())
    bids = data.draw(bids_on(opened))
    for taken in (bids, accepted(opened, bids)):
        one_by_one = [opened, *placed(opened, taken)][-1]
        shuffled = data.draw(st.permutations(taken))
        assert one_by_one == from_scratch(opened, shuffled)
        now = standing(
            shuffled,
            start_minor=opened.start_minor,
            reserve_minor=opened.reserve_minor,
            proxy=opened.proxy,
            steps=opened.steps,
        )
        assert (now.price_minor, now.leader) == (one_by_one.price, one_by_one.leader)
        assert now.minimum_next_minor == one_by_one.minimum_next
        assert now.reserve_met == one_by_one.reserve_met
        if now.leading_bid is not None:
            assert now.leading_bid in taken
            assert now.leading_bid.bidder == one_by_one.leader
            assert now.leading_bid.amount_minor == one_by_one.leader_max_minor


@given(st.data())
def test_the_price_lies_between_the_start_and_the_leaders_maximum_and_never_falls(
    data: st.DataObject,
) -> None:
    opened = data.draw(auctions())
    before = opened.start_minor
    for position in placed(opened, data.draw(bids_on(opened))):
        assert position.price is not None
        assert position.leader_max_minor is not None
        assert before <= position.price <= position.leader_max_minor
        before = position.price


@given(st.data())
def test_an_accepted_bid_of_anyone_but_the_leader_raises_the_price(data: st.DataObject) -> None:
    opened = data.draw(auctions())
    taken = accepted(opened, data.draw(bids_on(opened)))
    positions = placed(opened, taken)
    for earlier, later, one in zip(positions, positions[1:], taken[1:], strict=False):
        assert earlier.price is not None
        assert later.price is not None
        if one.bidder != earlier.leader:
            assert later.price > earlier.price


@given(st.data())
def test_order_of_arrival_matters_for_ties_only(data: st.DataObject) -> None:
    opened = data.draw(auctions())
    bids = list({one.amount_minor: one for one in data.draw(bids_on(opened))}.values())
    arrivals = data.draw(st.permutations(range(len(bids))))
    rearranged = [replace(one, sequence=n) for one, n in zip(bids, arrivals, strict=True)]
    assert from_scratch(opened, bids) == from_scratch(opened, rearranged)


@given(st.data())
def test_the_reserve_is_met_exactly_when_the_leaders_maximum_reaches_it(
    data: st.DataObject,
) -> None:
    opened = data.draw(auctions())
    for position in placed(opened, data.draw(bids_on(opened))):
        if opened.reserve_minor is None:
            assert position.reserve_met is None
        else:
            assert position.leader_max_minor is not None
            assert position.reserve_met == (position.leader_max_minor >= opened.reserve_minor)
            if position.reserve_met and opened.proxy:
                assert position.price is not None
                assert position.price >= opened.reserve_minor


@given(st.data())
def test_in_open_bidding_the_price_is_the_highest_amount(data: st.DataObject) -> None:
    opened = data.draw(auctions(proxy=False))
    bids = data.draw(bids_on(opened))
    assert from_scratch(opened, bids).price == max((b.amount_minor for b in bids), default=None)


@given(st.data())
def test_only_a_proxy_leader_has_a_minimum_of_their_own(data: st.DataObject) -> None:
    opened = data.draw(auctions())
    for position in placed(opened, data.draw(bids_on(opened))):
        for bidder in "ABCDE":
            own = position.minimum_for(bidder)
            if opened.proxy and bidder == position.leader:
                assert position.leader_max_minor is not None
                assert own == max(position.minimum_next, position.leader_max_minor + 1)
            else:
                assert own == position.minimum_next

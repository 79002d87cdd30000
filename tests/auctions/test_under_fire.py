"""Bidding under fire: many at once, the same twice, too late, killed in between
(design/reliability.md#faults-and-invariants)."""

import asyncio
import random
from itertools import pairwise
from typing import Any

from sqlalchemy import text

from tests.auctions.test_watching import until_watched
from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, WATCH, Market, in_future, usd
from worker.closing import close_all_due


async def test_two_hundred_bids_at_once_from_fifty_accounts(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller, proxyBidding=False)
    bidders = [await souk.member(f"Bidder {number:02}") for number in range(50)]
    chance = random.Random(7)
    amounts = [chance.randrange(10, 400) for _ in range(200)]
    watchers = [souk.anonymous.watch(WATCH, id=product["id"]) for _ in range(5)]
    watches = [await watcher.__aenter__() for watcher in watchers]
    await until_watched(souk, 5)

    results = await asyncio.gather(
        *[
            market.bid(bidders[index % 50], product["id"], str(amount))
            for index, amount in enumerate(amounts)
        ]
    )

    rows = await souk.database.rows(text("SELECT amount_minor, bidder_id FROM bid ORDER BY number"))
    accepted = [row.amount_minor for row in rows]
    assert accepted, "some bid was accepted"
    assert all(low < high for low, high in pairwise(accepted))
    shown = [result for result in results if result["__typename"] == "PlaceBidPayload"]
    assert sorted(int(float(r["bid"]["amount"]["amount"])) * 100 for r in shown) == accepted
    seen = await market.look(seller, product["id"])
    winner = next(b for b in bidders if b.account and b.account.id == rows[-1].bidder_id)
    assert winner.account is not None
    assert seen["highestBidder"]["fullname"] == winner.account.name
    assert seen["currentPrice"]["amount"] == f"{max(amounts)}.00"
    _assert_refusals_say_the_minimum(results, amounts, accepted)
    for watch in watches:
        events = [event["auction"] for event in await watch.take(len(accepted))]
        assert [event["kind"] for event in events] == ["BID_PLACED"] * len(accepted)
        assert [int(float(event["bid"]["amount"]["amount"])) * 100 for event in events] == accepted
        assert await watch.silent(0.1)
    for watcher in watchers:
        await watcher.__aexit__(None, None, None)


def _assert_refusals_say_the_minimum(
    results: list[dict[str, Any]], amounts: list[int], accepted: list[int]
) -> None:
    steps = {  # from spec/03-auctions.md, in cents
        price: price
        + (50 if price < 2500 else 100 if price < 10000 else 250 if price < 25000 else 500)
        for price in accepted
    }
    refused = [(r, a) for r, a in zip(results, amounts, strict=True) if "minimum" in r]
    assert len(refused) + len(accepted) == len(results)
    for result, amount in refused:
        minimum = round(float(result["minimum"]["amount"]) * 100)
        assert amount * 100 < minimum
        assert minimum in steps.values(), "the minimum belongs to a price that was"


async def test_crossing_secret_maxima_at_once_end_as_the_rule_says(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    bidders = [await souk.member(f"Bidder {number:02}") for number in range(20)]
    await asyncio.gather(
        *[market.bid(bidder, product["id"], str(100 + 7 * n)) for n, bidder in enumerate(bidders)]
    )
    seen = await market.look(seller, product["id"])
    assert seen["highestBidder"]["fullname"] == "Bidder 19"
    assert seen["currentPrice"]["amount"] == "228.50", "second best 226 and a step of 2.50"


async def test_one_idempotency_key_twenty_times_at_once_has_one_effect(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    results = await asyncio.gather(
        *[market.bid(alice, product["id"], "50", key="once") for _ in range(20)]
    )
    assert all(result == results[0] for result in results)
    assert results[0]["__typename"] == "PlaceBidPayload"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 1
    assert await souk.database.scalar(text("SELECT count(*) FROM event")) == 1


async def test_the_same_key_later_gets_the_first_answer(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    first = await market.bid(alice, product["id"], "50", key="once")
    await market.bid(bob, product["id"], "80")
    again = await market.bid(alice, product["id"], "50", key="once")
    assert again == first


async def test_a_refusal_is_an_answer_too(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    refused = await market.bid(alice, product["id"], "5", key="once")
    assert refused["__typename"] == "BidTooLow"
    assert await market.bid(alice, product["id"], "5", key="once") == refused


async def test_a_key_with_other_input_is_a_conflict(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50", key="once")
    other = await market.bid(alice, product["id"], "60", key="once")
    assert (other["__typename"], other["code"]) == ("IdempotencyConflict", "IDEMPOTENCY_CONFLICT")
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 1


async def test_another_persons_same_key_is_another_key(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50", key="once")
    result = await market.bid(bob, product["id"], "60", key="once")
    assert result["__typename"] == "PlaceBidPayload"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 2


async def test_around_the_close_the_databases_clock_decides(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(seconds=1.2))
    bid = {"productId": product["id"], "amount": usd("50")}
    results: list[dict[str, Any]] = []
    # A bid every few milliseconds across the end: each higher than the one before.
    for step in range(200):
        bid = {"productId": product["id"], "amount": usd(str(50 + step))}
        result = (await alice.run(PLACE_BID, input=bid))["placeBid"]
        results.append(result)
        if result["__typename"] == "AuctionNotOpen":
            break
        await asyncio.sleep(0.002)
    assert results[-1]["status"] == "ENDED"
    late = await souk.database.scalar(
        text(
            "SELECT count(*) FROM bid b JOIN product p ON p.id = b.product_id"
            " WHERE b.placed_at >= p.ends_at"
        )
    )
    assert late == 0
    accepted = [r for r in results if r["__typename"] == "PlaceBidPayload"]
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == len(accepted) > 0
    closed = await asyncio.gather(*[close_all_due(souk.database) for _ in range(5)])
    assert sum(closed) == 1, "several workers close it once"
    after = (await alice.run(PLACE_BID, input={**bid, "amount": usd("900")}))["placeBid"]
    assert (after["__typename"], after["status"]) == ("AuctionNotOpen", "SETTLED")


async def test_bids_and_cancellations_at_once_leave_what_the_bids_say(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    bidders = [await souk.member(f"Bidder {number:02}") for number in range(10)]
    placed = await asyncio.gather(
        *[market.bid(bidder, product["id"], str(20 + 10 * n)) for n, bidder in enumerate(bidders)]
    )
    cancel = """mutation($input: CancelBidInput!) { cancelBid(input: $input) {
      __typename ... on UserError { code message } } }"""
    bids = [(b, p["bid"]["id"]) for b, p in zip(bidders, placed, strict=True) if "bid" in p]
    await asyncio.gather(
        *[b.run(cancel, input={"bidId": i, "reason": "WRONG_AMOUNT"}) for b, i in bids[::2]],
        *[market.bid(b, product["id"], "300") for b in bidders[:3]],
    )
    rows = await souk.database.rows(
        text(
            "SELECT bidder_id, max(amount_minor) AS best FROM bid WHERE status = 'ACTIVE'"
            " GROUP BY bidder_id ORDER BY best DESC"
        )
    )
    auction = await souk.database.first(
        text("SELECT leader_max_minor, runner_up_max_minor, bid_count FROM product")
    )
    assert auction is not None
    assert auction.leader_max_minor == rows[0].best
    assert auction.runner_up_max_minor == (rows[1].best if len(rows) > 1 else None)
    live = await souk.database.scalar(text("SELECT count(*) FROM bid WHERE status = 'ACTIVE'"))
    assert auction.bid_count == live

"""Closing on time, buying at once, ending early, taking back bids (spec/03-auctions.md#bidding)."""

import asyncio
from typing import Any

from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.clients.market import AUCTION_FIELDS, Market, in_future, usd
from worker.closing import close_all_due, close_on_time

ERROR = "... on UserError { __typename code message path }"
BUY_NOW = f"""mutation($input: BuyNowInput!) {{ buyNow(input: $input) {{ __typename
  ... on BuyNowPayload {{ bid {{ id status amount {{ amount }} }} product {{ {AUCTION_FIELDS} }} }}
  {ERROR} }} }}"""
CANCEL = f"""mutation($input: CancelBidInput!) {{ cancelBid(input: $input) {{ __typename
  ... on CancelBidPayload {{ bidIds product {{ {AUCTION_FIELDS} }} }} {ERROR} }} }}"""
END = f"""mutation($input: EndAuctionInput!) {{ endAuction(input: $input) {{ __typename
  ... on EndAuctionPayload {{ product {{ {AUCTION_FIELDS} }} }} {ERROR} }} }}"""


async def statuses(souk: Souk) -> list[str]:
    """The status of every bid in order of arrival."""
    rows = await souk.database.rows(text("SELECT status FROM bid ORDER BY number"))
    return [row.status for row in rows]


async def shift(souk: Souk, table: str, column: str, interval: str) -> None:
    """Moves stored times, as if that long had passed."""
    await souk.database.rows(
        text(f"UPDATE {table} SET {column} = {column} - interval '{interval}' RETURNING id")  # noqa: S608  constants
    )


async def end_now(souk: Souk) -> None:
    """Lets every auction's end be past."""
    await souk.database.rows(
        text(
            "UPDATE product SET starts_at = now() - interval '2 days',"
            " ends_at = now() - interval '1 second' RETURNING id"
        )
    )


async def test_the_highest_bidder_wins_and_the_others_lose(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "20")
    await market.bid(bob, product["id"], "50")
    await market.bid(alice, product["id"], "30")
    await end_now(souk)
    assert (await market.look(alice, product["id"]))["status"] == "ENDED", "before the worker came"
    assert await close_all_due(souk.database) == 1
    assert await statuses(souk) == ["LOST", "WON", "LOST"]
    seen = await market.look(seller, product["id"])
    assert (seen["status"], seen["currentPrice"]) == ("SETTLED", usd("31.00"))
    settled = await souk.database.first(text("SELECT payload FROM event WHERE kind = 'SETTLED'"))
    assert settled is not None
    assert settled.payload["bid"]["amount_minor"] == 3100, "what the order will be made of"
    assert await close_all_due(souk.database) == 0


async def test_below_the_reserve_nothing_is_sold(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, reservePrice=usd("100"))
    await market.bid(alice, product["id"], "50")
    await end_now(souk)
    await close_all_due(souk.database)
    assert await statuses(souk) == ["LOST"]
    assert (await market.look(seller, product["id"]))["status"] == "SETTLED"


async def test_an_auction_without_bids_ends_unsold(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    await end_now(souk)
    await close_all_due(souk.database)
    seen = await market.look(seller, product["id"])
    assert (seen["status"], seen["currentPrice"], seen["bidCount"]) == ("SETTLED", None, 0)


async def test_the_worker_closes_within_a_second_of_the_end(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(seconds=1))
    await market.bid(alice, product["id"], "50")
    worker = asyncio.create_task(close_on_time(souk.database))
    try:
        for _ in range(100):
            await asyncio.sleep(0.05)
            row = await souk.database.first(
                text("SELECT occurred_at FROM event WHERE kind = 'SETTLED'")
            )
            if row is not None:
                break
    finally:
        worker.cancel()
    assert row is not None, "it was closed"
    ends_at = await souk.database.scalar(text("SELECT ends_at FROM product"))
    assert 0 <= (row.occurred_at - ends_at).total_seconds() < 1.5


async def test_buy_now_ends_the_auction_at_its_price(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, buyNowPrice=usd("80"))
    result = (await alice.run(BUY_NOW, input={"productId": product["id"]}))["buyNow"]
    assert result["product"]["status"] == "SETTLED"
    assert result["product"]["currentPrice"] == usd("80.00")
    assert await statuses(souk) == ["WON"]
    late = await market.bid(bob, product["id"], "90")
    assert late["__typename"] == "AuctionNotOpen"


async def test_buy_now_is_gone_once_somebody_has_bid(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, buyNowPrice=usd("80"))
    await market.bid(alice, product["id"], "20")
    result = (await bob.run(BUY_NOW, input={"productId": product["id"]}))["buyNow"]
    assert result["code"] == "BUY_NOW_UNAVAILABLE"
    assert await statuses(souk) == ["ACTIVE"]


async def test_buy_now_stays_while_the_reserve_is_not_met(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    prices = {"reservePrice": usd("60"), "buyNowPrice": usd("80")}
    product = await market.auction(seller, **prices)
    await market.bid(alice, product["id"], "20")
    result = (await bob.run(BUY_NOW, input={"productId": product["id"]}))["buyNow"]
    assert result["product"]["currentPrice"] == usd("80.00")
    assert await statuses(souk) == ["LOST", "WON"]


async def test_buy_now_by_two_at_once_sells_once(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, buyNowPrice=usd("80"))
    results = await asyncio.gather(
        *[c.run(BUY_NOW, input={"productId": product["id"]}) for c in (alice, bob) * 5]
    )
    kinds = [result["buyNow"]["__typename"] for result in results]
    assert kinds.count("BuyNowPayload") == 1
    assert kinds.count("AuctionNotOpen") == 9
    assert await statuses(souk) == ["WON"]


async def cancel(client: Client, bid_id: str, reason: str | None = "WRONG_AMOUNT") -> Any:
    """The result of taking a bid back."""
    return (await client.run(CANCEL, input={"bidId": bid_id, "reason": reason}))["cancelBid"]


async def test_a_bidder_leaves_with_all_bids_while_twelve_hours_remain(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    first = await market.bid(alice, product["id"], "50")
    await market.bid(bob, product["id"], "20")
    await market.bid(alice, product["id"], "80")
    result = await cancel(alice, first["bid"]["id"])
    assert len(result["bidIds"]) == 2
    assert result["product"]["currentPrice"] == usd("10.00")
    assert await statuses(souk) == ["CANCELLED", "ACTIVE", "CANCELLED"]
    seen = await market.look(seller, product["id"])
    assert seen["highestBidder"]["fullname"] == "Bob Benson"
    assert [bid["status"] for bid in seen["bids"]["nodes"]] == ["ACTIVE"]


async def test_late_a_bidder_takes_back_only_a_fresh_bid(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(hours=6))
    old = await market.bid(alice, product["id"], "50")
    await shift(souk, "bid", "placed_at", "2 hours")
    fresh = await market.bid(alice, product["id"], "80")
    refused = await cancel(alice, old["bid"]["id"])
    assert refused["code"] == "CANCELLATION_REFUSED"
    taken = await cancel(alice, fresh["bid"]["id"])
    assert taken["bidIds"] == [fresh["bid"]["id"]]
    assert await statuses(souk) == ["ACTIVE", "CANCELLED"]


async def test_a_cancelled_maximum_stays_secret(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    placed = await market.bid(alice, product["id"], "777")
    await cancel(alice, placed["bid"]["id"])
    bid = "query($id: ID!) { bid(id: $id) { amount { amount } } }"
    assert (await seller.run(bid, id=placed["bid"]["id"]))["bid"]["amount"]["amount"] == "10.00"
    assert (await alice.run(bid, id=placed["bid"]["id"]))["bid"]["amount"]["amount"] == "777.00"
    assert (await souk.anonymous.run(bid, id=placed["bid"]["id"]))["bid"] is None


async def test_nobody_else_takes_a_bid_back(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    placed = await market.bid(alice, product["id"], "50")
    assert (await cancel(bob, placed["bid"]["id"]))["code"] == "NOT_FOUND"
    assert (await souk.anonymous.refused(CANCEL, input={"bidId": placed["bid"]["id"]}))[
        "code"
    ] == "UNAUTHENTICATED"
    assert await statuses(souk) == ["ACTIVE"]


async def test_a_bidder_must_say_why_and_a_seller_need_not(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    placed = await market.bid(alice, product["id"], "50")
    assert (await cancel(alice, placed["bid"]["id"], None))["path"] == ["input", "reason"]
    assert (await cancel(seller, placed["bid"]["id"], None))["__typename"] == "CancelBidPayload"
    again = await cancel(alice, placed["bid"]["id"])
    assert again["__typename"] == "CancelBidPayload", "the same once more changes nothing"
    assert await souk.database.scalar(text("SELECT count(*) FROM event")) == 2


async def test_a_seller_ends_early_by_selling_to_the_highest_bidder(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50")
    end = {"productId": product["id"], "outcome": "SELL_TO_HIGHEST_BIDDER"}
    assert (await alice.refused(END, input=end))["code"] == "FORBIDDEN"
    result = (await seller.run(END, input=end))["endAuction"]
    assert result["product"]["status"] == "SETTLED"
    assert await statuses(souk) == ["WON"]


async def test_a_seller_ends_early_with_all_bids_cancelled(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50")
    end = {"productId": product["id"], "outcome": "CANCEL_BIDS"}
    result = (await seller.run(END, input=end))["endAuction"]
    assert result["product"]["status"] == "CANCELLED"
    assert result["product"]["currentPrice"] is None
    assert await statuses(souk) == ["CANCELLED"]


async def test_every_bid_that_an_early_end_cancels_is_told(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50")
    await market.bid(bob, product["id"], "60")
    await seller.run(END, input={"productId": product["id"], "outcome": "CANCEL_BIDS"})
    rows = await souk.database.rows(text("SELECT kind FROM event ORDER BY number"))
    assert [row.kind for row in rows][2:] == ["BID_CANCELLED", "BID_CANCELLED", "CANCELLED"]
    reasons = await souk.database.rows(text("SELECT cancel_reason FROM bid"))
    assert [row.cancel_reason for row in reasons] == ["REMOVED_BY_SELLER"] * 2


async def test_a_bid_outlives_the_removal_of_its_auction(
    market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    first = await market.bid(alice, product["id"], "50", key="once")
    assert first["__typename"] == "PlaceBidPayload"
    await seller.run(END, input={"productId": product["id"], "outcome": "CANCEL_BIDS"})
    remove = "mutation($input: DeleteProductInput!) { deleteProduct(input: $input) { __typename } }"
    await seller.run(remove, input={"productId": product["id"]})
    mine = (await alice.run("{ myBids { nodes { status product { title } } } }"))["myBids"]
    assert mine["nodes"] == [{"status": "CANCELLED", "product": None}]
    again = await market.bid(alice, product["id"], "50", key="once")
    assert again["code"] == "NOT_FOUND"


async def test_in_the_last_twelve_hours_only_admins_end_an_auction(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(hours=6))
    await market.bid(alice, product["id"], "50")
    end = {"productId": product["id"], "outcome": "SELL_TO_HIGHEST_BIDDER"}
    refused = (await seller.run(END, input=end))["endAuction"]
    assert refused["code"] == "CANCELLATION_REFUSED"
    admin = await souk.member("Ada Admin", Role.ADMIN)
    ended = (await admin.run(END, input=end))["endAuction"]
    assert ended["product"]["status"] == "SETTLED"

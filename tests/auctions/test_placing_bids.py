"""Placing bids: what is accepted, what is refused, what is stored (spec/03-auctions.md#bidding)."""

from sqlalchemy import text

from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, Market, in_future, usd


async def stored(souk: Souk) -> list[tuple[int, str]]:
    """Amount and status of every stored bid, in order of arrival."""
    rows = await souk.database.rows(text("SELECT amount_minor, status FROM bid ORDER BY number"))
    return [(row.amount_minor, row.status) for row in rows]


async def test_the_first_bid_makes_the_start_price_the_price(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    result = await market.bid(alice, product["id"], "50.00")
    assert result["isHighestBidder"] is True
    assert result["product"]["currentPrice"] == usd("10.00")
    assert result["product"]["minimumNextBid"] == usd("10.50")
    assert result["product"]["bidCount"] == 1
    assert result["bid"]["amount"] == usd("50.00"), "the bidder sees the whole bid"
    assert await stored(souk) == [(5000, "ACTIVE")]


async def test_a_bid_below_the_minimum_is_refused_and_says_the_minimum(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    result = await market.bid(alice, product["id"], "9.99")
    assert result["__typename"] == "BidTooLow"
    assert result["code"] == "BID_TOO_LOW"
    assert result["minimum"] == usd("10.00")
    assert "10.00" in result["message"]
    assert await stored(souk) == []


async def test_a_bid_below_the_hidden_maximum_raises_the_price_and_is_outbid_at_once(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, startPrice=usd("50.00"))
    await market.bid(alice, product["id"], "157.00")
    result = await market.bid(bob, product["id"], "114.00")
    assert result["isHighestBidder"] is False
    assert result["product"]["currentPrice"] == usd("116.50")


async def test_the_specifications_example_runs_as_it_says(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    carol = await souk.member("Carol Carlson")
    dan = await souk.member("Dan Danson")
    product = await market.auction(seller, startPrice=usd("50.00"))
    await market.bid(alice, product["id"], "114.00")
    first = await market.bid(bob, product["id"], "157.00")
    assert first["product"]["currentPrice"] == usd("116.50")
    second = await market.bid(carol, product["id"], "156.80")
    assert second["product"]["currentPrice"] == usd("157.00")
    assert second["isHighestBidder"] is False
    refused = await market.bid(dan, product["id"], "157.00")
    assert refused["minimum"] == usd("159.50")
    third = await market.bid(carol, product["id"], "160.00")
    assert third["product"]["currentPrice"] == usd("159.50")
    assert third["isHighestBidder"] is True


async def test_of_equal_bids_the_earlier_leads(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50.00")
    result = await market.bid(bob, product["id"], "50.00")
    assert result["isHighestBidder"] is False
    assert result["product"]["currentPrice"] == usd("50.00")


async def test_a_reserve_is_reached_by_the_leaders_maximum(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, startPrice=usd("1.00"), reservePrice=usd("100.00"))
    low = await market.bid(alice, product["id"], "1.50")
    assert (low["product"]["currentPrice"], low["product"]["reserveMet"]) == (usd("1.50"), False)
    high = await market.bid(bob, product["id"], "150.00")
    assert (high["product"]["currentPrice"], high["product"]["reserveMet"]) == (usd("100.00"), True)
    assert high["product"]["reservePrice"] is None, "only the seller sees the reserve"
    assert (await market.look(seller, product["id"]))["reservePrice"] == usd("100.00")


async def test_a_leader_raises_only_above_the_own_maximum_and_the_price_stays(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50.00")
    refused = await market.bid(alice, product["id"], "50.00")
    assert refused["minimum"] == usd("50.01")
    raised = await market.bid(alice, product["id"], "80.00")
    assert raised["product"]["currentPrice"] == usd("10.00")
    other = await market.bid(bob, product["id"], "9.00")
    assert other["minimum"] == usd("10.50"), "another's minimum shows nothing of the maximum"
    assert [amount for amount, _ in await stored(souk)] == [5000, 8000]


async def test_in_open_bidding_the_amount_is_the_price(
    market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, proxyBidding=False)
    first = await market.bid(alice, product["id"], "50.00")
    assert first["product"]["currentPrice"] == usd("50.00")
    second = await market.bid(bob, product["id"], "60.00")
    assert second["product"]["currentPrice"] == usd("60.00")
    assert second["product"]["minimumNextBid"] == usd("61.00")
    low = await market.bid(alice, product["id"], "60.50")
    assert low["minimum"] == usd("61.00")


async def test_a_seller_does_not_bid_on_the_own_product(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    result = await market.bid(seller, product["id"], "50.00")
    assert (result["__typename"], result["code"]) == ("OwnProduct", "OWN_PRODUCT")
    assert await stored(souk) == []


async def test_a_product_at_a_fixed_price_takes_no_bids(
    market: Market, seller: Client, alice: Client
) -> None:
    product = await market.fixed(seller)
    result = await market.bid(alice, product["id"], "50.00")
    assert result["__typename"] == "NotAnAuction"


async def test_a_bid_in_another_currency_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    bid = {"productId": product["id"], "amount": {"amount": "50", "currency": "EUR"}}
    result = (await alice.run(PLACE_BID, input=bid))["placeBid"]
    assert result["__typename"] == "CurrencyMismatch"
    assert result["path"] == ["input", "amount", "currency"]
    assert await stored(souk) == []


async def test_before_its_start_an_auction_takes_no_bids(
    market: Market, seller: Client, alice: Client
) -> None:
    times = {"startsAt": in_future(hours=1), "endsAt": in_future(hours=2)}
    product = await market.auction(seller, **times)
    assert product["status"] == "SCHEDULED"
    result = await market.bid(alice, product["id"], "50.00")
    assert (result["__typename"], result["status"]) == ("AuctionNotOpen", "SCHEDULED")


async def test_an_anonymous_viewer_does_not_bid(souk: Souk, market: Market, seller: Client) -> None:
    product = await market.auction(seller)
    bid = {"productId": product["id"], "amount": usd("50.00")}
    refused = await souk.anonymous.refused(PLACE_BID, input=bid)
    assert refused["code"] == "UNAUTHENTICATED"
    assert await stored(souk) == []


async def test_an_archived_account_does_not_bid_even_with_a_valid_token(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    assert alice.account is not None
    await souk.database.rows(
        text("UPDATE user_account SET is_active = false WHERE id = :id RETURNING id").bindparams(
            id=alice.account.id
        )
    )
    bid = {"productId": product["id"], "amount": usd("50.00")}
    refused = (await alice.run(PLACE_BID, input=bid))["placeBid"]
    assert (refused["__typename"], refused["code"]) == ("AccountInactive", "ACCOUNT_INACTIVE")
    assert await stored(souk) == []


async def test_a_bid_on_what_does_not_exist_is_not_found(market: Market, alice: Client) -> None:
    result = await market.bid(alice, "prd_01HWJ8WH9X8WBK65EMGY9YKPBS", "50.00")
    assert (result["__typename"], result["path"]) == ("NotFound", ["input", "productId"])

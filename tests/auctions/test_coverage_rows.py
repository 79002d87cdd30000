"""Rules of docs/coverage.csv about bids that the other tests of auctions leave out."""

from typing import Any

from auth.actor import Role
from tests.auctions.test_closing import CANCEL, END, statuses
from tests.clients.client import Client, Souk
from tests.clients.market import AUCTION, Market, in_future

BID = """query($id: ID!) { bid(id: $id) { status amount { amount } bidder { fullname } } }"""
OWN = """query($first: Int, $after: String) { myBids(first: $first, after: $after) {
  totalCount nodes { id status amount { amount } } pageInfo { hasNextPage endCursor } } }"""


async def ended_by_admin(souk: Souk, product_id: str) -> dict[str, Any]:
    """The result of an admin's ending an auction by selling."""
    admin = await souk.member("Ada Admin", Role.ADMIN)
    end = {"productId": product_id, "outcome": "SELL_TO_HIGHEST_BIDDER"}
    result: dict[str, Any] = (await admin.run(END, input=end))["endAuction"]
    return result


async def test_a_bid_is_seen_whole_by_its_bidder_and_masked_by_others(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    placed = await market.bid(alice, product["id"], "80")
    admin = await souk.member("Ada Admin", Role.ADMIN)
    expected = (
        (alice, "80.00", "Alice Allison"),
        (admin, "10.00", "Alice Allison"),
        (seller, "10.00", "Alice Allison"),
        (souk.anonymous, "10.00", "a***n"),
    )
    for viewer, amount, name in expected:
        bid = (await viewer.run(BID, id=placed["bid"]["id"]))["bid"]
        assert (bid["amount"]["amount"], bid["bidder"]["fullname"]) == (amount, name)


async def test_a_history_is_newest_first_and_own_bids_are_the_viewers(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product, other = await market.auction(seller), await market.auction(seller)
    hers = [await market.bid(alice, product["id"], "20")]
    his = await market.bid(bob, product["id"], "50")
    hers.append(await market.bid(alice, other["id"], "30"))
    history = (await souk.anonymous.run(AUCTION, id=product["id"]))["product"]["bids"]
    names = [bid["bidder"]["fullname"] for bid in history["nodes"]]
    assert (history["totalCount"], names) == (2, ["b***n", "a***n"])
    assert [bid["id"] for bid in history["nodes"]] == [his["bid"]["id"], hers[0]["bid"]["id"]]
    page = (await alice.run(OWN, first=1))["myBids"]
    assert page["totalCount"] == 2
    rest = (await alice.run(OWN, first=5, after=page["pageInfo"]["endCursor"]))["myBids"]
    found = [(bid["id"], bid["amount"]["amount"]) for bid in [*page["nodes"], *rest["nodes"]]]
    assert found == [(hers[1]["bid"]["id"], "30.00"), (hers[0]["bid"]["id"], "20.00")]
    assert (await souk.anonymous.refused(OWN))["code"] == "UNAUTHENTICATED"


async def test_an_admin_settles_bids_and_a_settled_one_is_not_taken_back(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(hours=6))
    lost = await market.bid(alice, product["id"], "20")
    await market.bid(bob, product["id"], "50")
    assert (await ended_by_admin(souk, product["id"]))["product"]["status"] == "SETTLED"
    assert await statuses(souk) == ["LOST", "WON"]
    late = {"bidId": lost["bid"]["id"], "reason": "WRONG_AMOUNT"}
    assert (await alice.run(CANCEL, input=late))["cancelBid"]["code"] == "AUCTION_NOT_OPEN"
    assert (await ended_by_admin(souk, product["id"]))["code"] == "AUCTION_NOT_OPEN"
    assert await statuses(souk) == ["LOST", "WON"]


async def test_an_admin_takes_any_bid_out_of_the_history(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(hours=6))
    await market.bid(alice, product["id"], "20")
    gone = await market.bid(bob, product["id"], "50")
    admin = await souk.member("Ada Admin", Role.ADMIN)
    taken = (await admin.run(CANCEL, input={"bidId": gone["bid"]["id"]}))["cancelBid"]
    assert taken["bidIds"] == [gone["bid"]["id"]]
    for viewer in (souk.anonymous, bob, seller, admin):
        history = (await viewer.run(AUCTION, id=product["id"]))["product"]["bids"]
        assert [bid["id"] for bid in history["nodes"]] != [gone["bid"]["id"]]
        assert history["totalCount"] == 1

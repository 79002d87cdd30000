"""Listing, changing, removing and finding products (spec/03-auctions.md#catalogue)."""

from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.clients.market import CREATE_AUCTION, CREATE_FIXED, Market, in_future, usd

UPDATE = """mutation($input: UpdateProductInput!) { updateProduct(input: $input) { __typename
  ... on UpdateProductPayload { product { id title description shippingMethod
    shippingCost { amount } ... on FixedPriceProduct { price { amount } quantityAvailable }
    ... on AuctionProduct { startPrice { amount } endsAt } } }
  ... on UserError { code message path } } }"""
DELETE = """mutation($input: DeleteProductInput!) { deleteProduct(input: $input) { __typename
  ... on DeleteProductPayload { productId } ... on UserError { code message path } } }"""
LIST = """query($filter: ProductFilter, $sort: ProductSort, $first: Int, $after: String,
  $last: Int, $before: String) {
  products(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before)
  { totalCount nodes { id title } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def titles(viewer: Client, **variables: Any) -> list[str]:
    """The titles of a list of products."""
    page = (await viewer.run(LIST, **variables))["products"]
    return [node["title"] for node in page["nodes"]]


async def count(souk: Souk) -> int:
    """How many products are stored."""
    found: int = await souk.database.scalar(text("SELECT count(*) FROM product"))
    return found


async def test_a_product_at_a_fixed_price_is_listed_and_found(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.fixed(seller, quantity=3, acceptOffers=True)
    assert (product["price"], product["quantityAvailable"]) == (usd("25.00"), 3)
    query = """query($id: ID!) { product(id: $id) { __typename id title description condition
      seller { fullname } category { title } subcategory { name category { id } } media { id }
      shippingMethod shippingCost { amount currency } createdAt
      ... on FixedPriceProduct { price { amount formatted(locale: "de-DE") } acceptOffers } } }"""
    found = (await souk.anonymous.run(query, id=product["id"]))["product"]
    assert found["__typename"] == "FixedPriceProduct"
    assert found["seller"]["fullname"] == "Sally Seller"
    assert found["subcategory"]["category"]["id"] == market.category_id
    assert found["price"]["formatted"] == "25,00\xa0$"
    assert found["media"] == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"description": "null \x00 character"}, "description"),
        ({"title": "colour \x1b[31m"}, "title"),
        ({"title": "turned \u202e round"}, "title"),
        ({"price": usd("0")}, "amount"),
        ({"price": usd("-1")}, "amount"),
        ({"price": usd("1.001")}, "amount"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"shippingMethod": "FREE", "shippingCost": usd("5")}, "shippingCost"),
        ({"shippingCost": {"amount": "5", "currency": "EUR"}}, "currency"),
        ({"shippingCost": usd("-5")}, "amount"),
        ({"autoAcceptAmount": usd("20")}, "acceptOffers"),
    ],
)
async def test_what_a_fixed_price_product_must_not_be(
    souk: Souk, market: Market, seller: Client, changes: dict[str, Any], path: str
) -> None:
    values = market.goods(**{"price": usd("25.00"), **changes})
    result = (await seller.run(CREATE_FIXED, input=values))["createFixedPriceProduct"]
    assert result["__typename"] == "InvalidInput", result
    assert result["path"][-1] == path
    assert await count(souk) == 0


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"endsAt": in_future(hours=-1)}, "endsAt"),
        ({"startsAt": in_future(hours=2), "endsAt": in_future(hours=1)}, "endsAt"),
        ({"startPrice": usd("0")}, "amount"),
        ({"reservePrice": usd("5.00")}, "reservePrice"),
        ({"buyNowPrice": usd("5.00")}, "buyNowPrice"),
        ({"reservePrice": usd("50"), "buyNowPrice": usd("40")}, "buyNowPrice"),
        ({"reservePrice": {"amount": "50", "currency": "EUR"}}, "currency"),
        ({"softCloseSeconds": -1}, "softCloseSeconds"),
        ({"softCloseSeconds": 3601}, "softCloseSeconds"),
    ],
)
async def test_what_an_auction_must_not_be(
    souk: Souk, market: Market, seller: Client, changes: dict[str, Any], path: str
) -> None:
    auction = {"startPrice": usd("10.00"), "endsAt": in_future(days=1), **changes}
    result = (await seller.run(CREATE_AUCTION, input=market.goods(**auction)))[
        "createAuctionProduct"
    ]
    assert result["__typename"] == "InvalidInput", result
    assert result["path"][-1] == path
    assert await count(souk) == 0


@pytest.mark.parametrize(
    "moment",
    [
        "2030-01-01T00:00:00",
        "tomorrow",
        "2030-13-01T00:00:00Z",
        "20301122T080000Z",
        "9999-12-31T23:59:59-23:00",
        "9999-12-31T23:59:59.999999Z",
        5,
    ],
)
async def test_a_moment_without_offset_or_sense_is_refused(
    market: Market, seller: Client, moment: object
) -> None:
    auction = {"startPrice": usd("10.00"), "endsAt": moment}
    refused = await seller.refused(CREATE_AUCTION, input=market.goods(**auction))
    assert refused["code"] == "BAD_USER_INPUT"


async def test_the_subcategory_belongs_to_the_category(
    souk: Souk, market: Market, seller: Client
) -> None:
    other = await Market.opened(souk)
    values = market.goods(price=usd("25"), subcategoryId=other.subcategory_id)
    result = (await seller.run(CREATE_FIXED, input=values))["createFixedPriceProduct"]
    assert (result["__typename"], result["path"]) == ("InvalidInput", ["input", "subcategoryId"])
    assert await count(souk) == 0


async def test_an_anonymous_viewer_lists_nothing(souk: Souk, market: Market) -> None:
    values = market.goods(price=usd("25"))
    assert (await souk.anonymous.refused(CREATE_FIXED, input=values))["code"] == "UNAUTHENTICATED"
    assert await count(souk) == 0


async def test_the_seller_and_admins_change_a_product_and_nobody_else(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.fixed(seller, quantity=3)
    change = {"productId": product["id"], "title": "Palm V", "price": usd("20"), "quantity": 5}
    assert (await alice.refused(UPDATE, input=change))["code"] == "FORBIDDEN"
    assert (await souk.anonymous.refused(UPDATE, input=change))["code"] == "UNAUTHENTICATED"
    assert await titles(alice) == ["Palm Vx"]
    changed = (await seller.run(UPDATE, input=change))["updateProduct"]["product"]
    assert (changed["title"], changed["price"]["amount"], changed["quantityAvailable"]) == (
        "Palm V",
        "20.00",
        5,
    )
    admin = await souk.member("Ada Admin", Role.ADMIN)
    change = {"productId": product["id"], "title": "Palm"}
    assert (await admin.run(UPDATE, input=change))["updateProduct"]["product"]["title"] == "Palm"


async def test_with_bids_only_additions_media_and_shipping_change(
    market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50")
    for locked in (
        {"title": "Palm V"},
        {"description": "Broken."},
        {"startPrice": usd("1")},
        {"endsAt": in_future(days=2)},
        {"proxyBidding": False},
    ):
        change = {"productId": product["id"], **locked}
        result = (await seller.run(UPDATE, input=change))["updateProduct"]
        assert result["code"] == "PRODUCT_LOCKED", locked
    change = {
        "productId": product["id"],
        "descriptionAddition": "Comes with its cradle.",
        "shippingCost": usd("4"),
    }
    changed = (await seller.run(UPDATE, input=change))["updateProduct"]["product"]
    assert changed["description"].endswith("\n\nComes with its cradle.")
    assert changed["shippingCost"]["amount"] == "4.00"


async def test_without_bids_an_auction_can_be_changed(market: Market, seller: Client) -> None:
    product = await market.auction(seller)
    change = {"productId": product["id"], "startPrice": usd("12"), "endsAt": in_future(days=3)}
    changed = (await seller.run(UPDATE, input=change))["updateProduct"]["product"]
    assert changed["startPrice"]["amount"] == "12.00"
    assert changed["endsAt"] > product["endsAt"]


async def test_the_kind_never_changes(market: Market, seller: Client) -> None:
    product = await market.fixed(seller)
    change = {"productId": product["id"], "startPrice": usd("1")}
    result = (await seller.run(UPDATE, input=change))["updateProduct"]
    assert result["__typename"] == "InvalidInput"


async def test_a_removed_product_is_out_of_sight_for_all_but_admins(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    remove = {"productId": product["id"]}
    assert (await alice.refused(DELETE, input=remove))["code"] == "FORBIDDEN"
    assert await titles(alice) == ["Palm Vx"]
    done = (await seller.run(DELETE, input=remove))["deleteProduct"]
    assert done["productId"] == product["id"]
    node = "query($id: ID!) { node(id: $id) { id } product(id: $id) { id } }"
    for viewer in (souk.anonymous, alice, seller):
        assert await viewer.run(node, id=product["id"]) == {"node": None, "product": None}
        assert await titles(viewer) == []
    admin = await souk.member("Ada Admin", Role.ADMIN)
    assert (await admin.run(node, id=product["id"]))["node"]["id"] == product["id"]
    assert (await seller.run(DELETE, input=remove))["deleteProduct"]["code"] == "NOT_FOUND"
    row = await souk.database.first(text("SELECT is_active, status, archived_at FROM product"))
    assert row is not None
    assert (row.is_active, row.status) == (False, "CANCELLED")
    assert row.archived_at is not None


async def test_an_auction_with_bids_is_not_removed(
    market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await market.bid(alice, product["id"], "50")
    result = (await seller.run(DELETE, input={"productId": product["id"]}))["deleteProduct"]
    assert result["code"] == "PRODUCT_LOCKED"
    assert await titles(alice) == ["Palm Vx"]


async def test_own_products_are_the_viewers(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    await market.fixed(seller, title="Sally's")
    await market.fixed(alice, title="Alice's")
    own = "{ myProducts { nodes { title } } }"
    assert (await alice.run(own))["myProducts"]["nodes"] == [{"title": "Alice's"}]
    assert (await souk.anonymous.refused(own))["code"] == "UNAUTHENTICATED"

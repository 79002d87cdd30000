"""Lists of products: filters, sorts, pages that do not jump (spec/01-api-conventions.md#lists)."""

import base64
from typing import Any

import orjson
import pytest

from core.database import recorded_statements
from tests.catalogue.test_products import LIST, titles
from tests.clients.client import Client, Souk
from tests.clients.market import Market, in_future, usd

UUID_0 = "00000000-0000-0000-0000-000000000000"


def made_up(*content: object) -> str:
    """A cursor as a client might forge it."""
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


async def test_filters_hold_together(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    await market.fixed(seller, title="Cheap new", price=usd("5"), condition="NEW")
    await market.fixed(seller, title="Dear used", price=usd("500"))
    await market.fixed(alice, title="In euros", price={"amount": "50", "currency": "EUR"})
    await market.auction(seller, title="Auctioned 100% wool")
    wanted: list[tuple[dict[str, Any], list[str]]] = [
        ({"kind": "AUCTION"}, ["Auctioned 100% wool"]),
        ({"condition": ["NEW", "BRAND_NEW"]}, ["Cheap new"]),
        ({"currency": "EUR"}, ["In euros"]),
        ({"currency": "USD", "priceMin": "10", "priceMax": "100"}, ["Auctioned 100% wool"]),
        ({"currency": "USD", "priceMin": "100.01"}, ["Dear used"]),
        ({"title": "DEAR"}, ["Dear used"]),
        ({"title": "  dear  "}, ["Dear used"]),
        ({"title": "100%"}, ["Auctioned 100% wool"]),
        ({"title": "_ear"}, []),
        ({"kind": "FIXED", "condition": ["USED"], "currency": "USD"}, ["Dear used"]),
        ({"categoryId": market.category_id, "title": "cheap"}, ["Cheap new"]),
        ({"subcategoryId": market.subcategory_id, "title": "cheap"}, ["Cheap new"]),
    ]
    for filter, expected in wanted:
        assert await titles(souk.anonymous, filter=filter) == expected, filter
    me = (await alice.run("{ currentUser { id } }"))["currentUser"]["id"]
    assert await titles(souk.anonymous, filter={"sellerId": me}) == ["In euros"]


@pytest.mark.parametrize(
    "filter",
    [
        {"priceMin": "5"},
        {"currency": "USD", "priceMax": "5.001"},
        {"categoryId": "prd_01HWJ8WH9X8WBK65EMGY9YKPBS"},
        {"kind": "RENTAL"},
        {"colour": "red"},
        {"title": "null \x00 character"},
        {"title": "x" * 101},
    ],
)
async def test_filters_that_cannot_be_are_refused(souk: Souk, filter: dict[str, Any]) -> None:
    refused = await souk.anonymous.refused(LIST, filter=filter)
    assert refused["code"] == "BAD_USER_INPUT"


async def test_sorts(souk: Souk, market: Market, seller: Client, alice: Client) -> None:
    await market.fixed(seller, title="B fixed", price=usd("30"))
    later = await market.auction(seller, title="C later", endsAt=in_future(days=3))
    await market.auction(seller, title="A soon", endsAt=in_future(days=2), startPrice=usd("50"))
    await market.bid(alice, later["id"], "20")
    viewer = souk.anonymous
    assert await titles(viewer) == ["A soon", "C later", "B fixed"]
    assert await titles(viewer, sort="PRICE_ASC") == ["C later", "B fixed", "A soon"]
    assert await titles(viewer, sort="PRICE_DESC") == ["A soon", "B fixed", "C later"]
    assert await titles(viewer, sort="ENDING_SOONEST") == ["A soon", "C later"]
    assert (await titles(viewer, sort="MOST_BIDS"))[0] == "C later"


@pytest.mark.parametrize("sort", ["NEWEST", "PRICE_ASC", "PRICE_DESC", "MOST_BIDS"])
async def test_pages_are_complete_and_do_not_jump(
    souk: Souk, market: Market, seller: Client, sort: str
) -> None:
    prices = [30, 10, 10, 20, 30, 10, 20]
    for number, price in enumerate(prices):
        await market.fixed(seller, title=f"Thing {number}", price=usd(str(price)))
    everything = await titles(souk.anonymous, sort=sort)
    seen: list[str] = []
    after = None
    while True:
        page = (await souk.anonymous.run(LIST, sort=sort, first=3, after=after))["products"]
        seen += [node["title"] for node in page["nodes"]]
        assert page["totalCount"] == len(prices) + (1 if after else 0)
        if after is None:
            # Comes first in every order but the rising price, where it comes last.
            await market.fixed(seller, title="New meanwhile", price=usd("99"))
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        assert page["edges"][-1]["cursor"] == after
    assert [title for title in seen if title != "New meanwhile"] == everything
    assert after is not None
    bounded = (await souk.anonymous.run(LIST, sort=sort, last=1, after=after))["products"]
    assert bounded["pageInfo"]["hasPreviousPage"] is True
    backwards = (await souk.anonymous.run(LIST, sort=sort, last=3, before=after))["products"]
    assert backwards["pageInfo"]["hasNextPage"] is True
    index = seen.index(backwards["nodes"][-1]["title"])
    assert [node["title"] for node in backwards["nodes"]] == seen[index - 2 : index + 1]


async def test_a_cursor_belongs_to_its_order(souk: Souk, market: Market, seller: Client) -> None:
    await market.fixed(seller)
    page = (await souk.anonymous.run(LIST, sort="NEWEST"))["products"]
    cursor = page["pageInfo"]["endCursor"]
    refused = await souk.anonymous.refused(LIST, sort="PRICE_ASC", after=cursor)
    assert (refused["code"], refused["extensions"]["argument"]) == ("BAD_USER_INPUT", "after")


@pytest.mark.parametrize(
    "page",
    [
        {"first": 101},
        {"first": -1},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "x"},
        {"after": "WyJwcm9kdWN0czpORVdFU1QiLFsicyIsIngiXV0"},
        {"before": "!!!"},
        {"after": made_up("products:NEWEST", ["s", "x"])},
        {
            "after": made_up(
                "products:NEWEST", ["u", "019fc000-0000-7000-8000-0000000000a1"], ["i", 1]
            )
        },
        {"after": made_up("products:NEWEST")},
        {"sort": "MOST_BIDS", "after": made_up("products:MOST_BIDS", ["i", 2**31], ["u", UUID_0])},
        {
            "sort": "PRICE_ASC",
            "after": made_up("products:PRICE_ASC", ["s", "\x00"], ["i", 1], ["u", UUID_0]),
        },
        {
            "sort": "ENDING_SOONEST",
            "after": made_up("products:ENDING_SOONEST", ["t", "2030-01-01"], ["u", UUID_0]),
        },
    ],
)
async def test_pages_that_cannot_be_are_refused(souk: Souk, page: dict[str, Any]) -> None:
    assert (await souk.anonymous.refused(LIST, **page))["code"] == "BAD_USER_INPUT"


PAGE = """query($first: Int) { products(first: $first) { nodes { id title
  seller { id fullname } subcategory { id name }
  category { id title subcategories(first: 2) { totalCount nodes { name } } }
  media { id url }
  ... on AuctionProduct { currentPrice { amount } highestBidder { fullname }
    bids(first: 3) { totalCount nodes { amount { amount } bidder { fullname } } } } } } }"""


async def test_a_page_of_a_hundred_costs_as_many_statements_as_a_page_of_one(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    for number in range(100):
        product = await market.auction(seller, title=f"Auction {number}")
        await market.bid(alice if number % 2 else bob, product["id"], "50")
    counted = {}
    for first in (1, 100):
        # The least of three: a background task may look into the database meanwhile.
        counts = []
        for _ in range(3):
            with recorded_statements() as statements:
                nodes = (await alice.run(PAGE, first=first))["products"]["nodes"]
            counts.append(len(statements))
        assert len(nodes) == first
        assert all(node["bids"]["totalCount"] == 1 for node in nodes)
        counted[first] = min(counts)
    # The page; seller, subcategory, category, media, leader, bids and their number; the category's
    # subcategories and their number. The bids' bidders are the leaders, loaded already.
    assert counted[1] == counted[100] == 10

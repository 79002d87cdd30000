"""Rules of docs/coverage.csv that the other tests of the catalogue leave out."""

from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from tests.catalogue.test_categories import DELETE_SUB, ERROR, TREE, UPDATE, UPDATE_SUB
from tests.catalogue.test_products import UPDATE as UPDATE_PRODUCT
from tests.catalogue.test_products import titles
from tests.clients.client import Client, Souk
from tests.clients.market import (
    CREATE_AUCTION,
    CREATE_CATEGORY,
    CREATE_FIXED,
    CREATE_SUBCATEGORY,
    Market,
    in_future,
    usd,
)
from tests.media import scenes

CATEGORIES = (
    """query($title: String) { categories(title: $title) { totalCount nodes { title } } }"""
)
SUBCATEGORIES = """query($filter: SubcategoryFilter) {
  subcategories(filter: $filter) { totalCount nodes { name } } }"""
DELETE_CATEGORY = f"""mutation($input: DeleteCategoryInput!) {{ deleteCategory(input: $input) {{
  ... on DeleteCategoryPayload {{ categoryId }} {ERROR} }} }}"""
MEDIA = """mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
  ... on UpdateProductPayload { product { media { id } } } ... on UserError { code path } } }"""


@pytest.fixture
async def admin(souk: Souk) -> Client:
    """Who runs the catalogue."""
    return await souk.member("Ada Admin", Role.ADMIN)


async def named(viewer: Client, **filter: Any) -> list[str]:
    """The names of the subcategories that a filter leaves."""
    page = (await viewer.run(SUBCATEGORIES, filter=filter))["subcategories"]
    found = [node["name"] for node in page["nodes"]]
    assert page["totalCount"] == len(found)
    return found


async def test_a_category_is_made_of_a_title_and_more_where_given(
    souk: Souk, admin: Client
) -> None:
    plain = (await admin.run(CREATE_CATEGORY, input={"title": " Toys "}))["createCategory"]
    assert plain["category"] == {**plain["category"], "title": "Toys", "subtitle": None}
    more = {"title": "Art", "subtitle": "On walls", "imageUrl": "https://pictures.example/a.png"}
    made = (await admin.run(CREATE_CATEGORY, input=more))["createCategory"]["category"]
    assert made == {**more, "id": made["id"]}
    untitled = await admin.refused(CREATE_CATEGORY, input={"subtitle": "On walls"})
    assert untitled["code"] == "BAD_USER_INPUT"
    rows = await souk.database.rows(text("SELECT title FROM category ORDER BY title"))
    assert [row.title for row in rows] == ["Art", "Toys"]


async def test_a_subcategory_is_made_under_a_category_in_one_of_two_groups(
    souk: Souk, market: Market, admin: Client
) -> None:
    made: dict[str, Any] = {}
    for name, group in (("Toys", {}), ("Watches", {"group": "MOST_POPULAR"})):
        values = {"categoryId": market.category_id, "name": name, **group}
        answer = (await admin.run(CREATE_SUBCATEGORY, input=values))["createSubcategory"]
        assert answer["subcategory"]["category"]["id"] == market.category_id
        made[name] = answer["subcategory"]["group"]
    assert made == {"Toys": "MORE", "Watches": "MOST_POPULAR"}
    other = {"categoryId": market.category_id, "name": "Odd", "group": "LEAST"}
    assert (await admin.refused(CREATE_SUBCATEGORY, input=other))["code"] == "BAD_USER_INPUT"
    nowhere = {"categoryId": "cat_01HWJ8WH9X8WBK65EMGY9YKPBS", "name": "Odd"}
    answer = (await admin.run(CREATE_SUBCATEGORY, input=nowhere))["createSubcategory"]
    assert answer["code"] == "NOT_FOUND"
    assert await souk.database.scalar(text("SELECT count(*) FROM subcategory")) == 3


async def test_a_deleted_subcategory_is_seen_by_admins_only(
    souk: Souk, market: Market, admin: Client
) -> None:
    done = await admin.run(DELETE_SUB, input={"subcategoryId": market.subcategory_id})
    assert done["deleteSubcategory"]["subcategoryId"] == market.subcategory_id
    one = "query($id: ID!) { subcategory(id: $id) { name } node(id: $id) { id } }"
    for viewer in (souk.anonymous, await souk.member("Some Member")):
        hidden = await viewer.run(one, id=market.subcategory_id)
        assert hidden == {"subcategory": None, "node": None}
        assert await named(viewer) == []
        tree = (await viewer.run(TREE))["categories"]["nodes"]
        assert tree[0]["subcategories"]["nodes"] == []
    seen = await admin.run(one, id=market.subcategory_id)
    assert seen["subcategory"]["name"] == "Handhelds"
    assert await named(admin) == ["Handhelds"]
    row = await souk.database.first(text("SELECT is_active, archived_at FROM subcategory"))
    assert row is not None
    assert row.is_active is False
    assert row.archived_at is not None


async def test_categories_are_found_by_title_and_deleted_ones_by_admins_only(
    souk: Souk, admin: Client
) -> None:
    ids = {}
    for title in ("Old toys", "Toy trains", "Watches"):
        made = await admin.run(CREATE_CATEGORY, input={"title": title})
        ids[title] = made["createCategory"]["category"]["id"]
    await admin.run(DELETE_CATEGORY, input={"categoryId": ids["Old toys"]})
    expected: tuple[tuple[Client, str | None, list[str]], ...] = (
        (souk.anonymous, None, ["Toy trains", "Watches"]),
        (souk.anonymous, "TOY", ["Toy trains"]),
        (admin, "toy", ["Old toys", "Toy trains"]),
    )
    for viewer, words, wanted in expected:
        page = (await viewer.run(CATEGORIES, title=words))["categories"]
        assert [node["title"] for node in page["nodes"]] == wanted
        assert page["totalCount"] == len(wanted)


async def test_subcategories_are_found_by_category_name_and_group(
    souk: Souk, market: Market, admin: Client
) -> None:
    other = (await admin.run(CREATE_CATEGORY, input={"title": "Toys"}))["createCategory"]
    toys = other["category"]["id"]
    for values in (
        {"categoryId": market.category_id, "name": "Handbooks", "group": "MOST_POPULAR"},
        {"categoryId": toys, "name": "Hand puppets"},
        {"categoryId": toys, "name": "Trains", "group": "MOST_POPULAR"},
    ):
        await admin.run(CREATE_SUBCATEGORY, input=values)
    viewer = souk.anonymous
    assert await named(viewer, categoryId=toys) == ["Hand puppets", "Trains"]
    assert await named(viewer, name="HAND") == ["Hand puppets", "Handbooks", "Handhelds"]
    assert await named(viewer, group="MOST_POPULAR") == ["Handbooks", "Trains"]
    assert await named(viewer, categoryId=toys, name="hand", group="MORE") == ["Hand puppets"]


async def test_title_subtitle_and_picture_of_a_category_change(
    souk: Souk, market: Market, admin: Client
) -> None:
    values = {"title": "Devices", "subtitle": "Small", "imageUrl": "https://pictures.example/d.png"}
    change = {"categoryId": market.category_id, **values}
    assert (await admin.run(UPDATE, input=change))["updateCategory"]["category"] == values
    row = await souk.database.first(text("SELECT title, subtitle, image_url FROM category"))
    assert row is not None
    assert tuple(row) == tuple(values.values())


async def test_a_subcategory_is_renamed_and_its_group_stays_one_of_two(
    souk: Souk, market: Market, admin: Client
) -> None:
    rename = {"subcategoryId": market.subcategory_id, "name": "Organizers"}
    changed = (await admin.run(UPDATE_SUB, input=rename))["updateSubcategory"]["subcategory"]
    assert (changed["name"], changed["group"]) == ("Organizers", "MORE")
    odd = {"subcategoryId": market.subcategory_id, "group": "LEAST"}
    assert (await admin.refused(UPDATE_SUB, input=odd))["code"] == "BAD_USER_INPUT"
    row = await souk.database.first(text("SELECT name, group_name FROM subcategory"))
    assert row is not None
    assert tuple(row) == ("Organizers", "MORE")


async def test_each_kind_needs_its_price_and_belongs_to_who_lists_it(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    for mutation, values in (
        (CREATE_FIXED, {}),
        (CREATE_AUCTION, {"endsAt": in_future(days=1)}),
        (CREATE_FIXED, {"price": usd("5"), "condition": "BROKEN"}),
        (CREATE_FIXED, {"price": usd("5"), "shippingMethod": "PIGEON"}),
        (CREATE_FIXED, {"price": usd("5"), "sellerId": "usr_01HWJ8WH9X8WBK65EMGY9YKPBS"}),
    ):
        refused = await seller.refused(mutation, input=market.goods(**values))
        assert refused["code"] == "BAD_USER_INPUT"
    assert await souk.database.scalar(text("SELECT count(*) FROM product")) == 0
    kinds = """query($id: ID!) { product(id: $id) { __typename seller { fullname } } }"""
    fixed, auction = await market.fixed(seller), await market.auction(alice)
    for product, kind, name in (
        (fixed, "FixedPriceProduct", "Sally Seller"),
        (auction, "AuctionProduct", "Alice Allison"),
    ):
        found = (await souk.anonymous.run(kinds, id=product["id"]))["product"]
        assert found == {"__typename": kind, "seller": {"fullname": name}}


async def test_a_product_shows_its_picture_category_subcategory_and_seller(
    souk: Souk, market: Market, seller: Client
) -> None:
    picture = await scenes.upload(seller)
    product = await market.fixed(seller, mediaIds=[picture])
    query = """query($id: ID!) { product(id: $id) {
      seller { fullname } category { id } subcategory { id } media { id mimeType } } }"""
    assert (await souk.anonymous.run(query, id=product["id"]))["product"] == {
        "seller": {"fullname": "Sally Seller"},
        "category": {"id": market.category_id},
        "subcategory": {"id": market.subcategory_id},
        "media": [{"id": picture, "mimeType": "image/png"}],
    }


async def test_pictures_are_set_added_and_removed_also_while_there_are_bids(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    first, second, third = [await scenes.upload(seller) for _ in range(3)]
    product = await market.auction(seller, mediaIds=[first])
    await market.bid(alice, product["id"], "50")
    for change, expected in (
        ({"addMediaIds": [second, third]}, [first, second, third]),
        ({"removeMediaIds": [second]}, [first, third]),
        ({"mediaIds": [third, second]}, [third, second]),
    ):
        answer = await seller.run(MEDIA, input={"productId": product["id"], **change})
        shown = [asset["id"] for asset in answer["updateProduct"]["product"]["media"]]
        assert shown == expected
        assert await scenes.shown(souk.anonymous, product["id"]) == expected


async def test_an_auction_does_not_become_a_fixed_price_product(
    market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    change = {"productId": product["id"], "price": usd("5")}
    result = (await seller.run(UPDATE_PRODUCT, input=change))["updateProduct"]
    assert result["__typename"] == "InvalidInput"
    kind = "query($id: ID!) { product(id: $id) { __typename } }"
    assert (await seller.run(kind, id=product["id"]))["product"]["__typename"] == "AuctionProduct"


async def test_a_list_without_order_is_newest_first(
    souk: Souk, market: Market, seller: Client
) -> None:
    await market.fixed(seller, title="Older")
    await market.fixed(seller, title="Newer")
    assert await titles(souk.anonymous, sort=None) == ["Newer", "Older"]

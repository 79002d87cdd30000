"""Categories: public to read, admins write (spec/03-auctions.md#catalogue)."""

from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.clients.market import CREATE_CATEGORY, CREATE_SUBCATEGORY, Market

ERROR = "... on UserError { __typename code message path }"
UPDATE = f"""mutation($input: UpdateCategoryInput!) {{ updateCategory(input: $input) {{
  ... on UpdateCategoryPayload {{ category {{ title subtitle imageUrl }} }} {ERROR} }} }}"""
DELETE = f"""mutation($input: DeleteCategoryInput!) {{ deleteCategory(input: $input) {{
  ... on DeleteCategoryPayload {{ categoryId }} ... on CategoryInUse {{ productCount }} {ERROR} }}
  }}"""
UPDATE_SUB = f"""mutation($input: UpdateSubcategoryInput!) {{ updateSubcategory(input: $input) {{
  ... on UpdateSubcategoryPayload {{ subcategory {{ name group category {{ id }} }} }} {ERROR} }}
  }}"""
DELETE_SUB = f"""mutation($input: DeleteSubcategoryInput!) {{ deleteSubcategory(input: $input) {{
  ... on DeleteSubcategoryPayload {{ subcategoryId }} {ERROR} }} }}"""
TREE = """{ categories { totalCount nodes { id title
  subcategories(first: 10) { totalCount nodes { id name group } pageInfo { hasNextPage } } } } }"""


async def test_everybody_reads_the_tree(souk: Souk, market: Market) -> None:
    tree = (await souk.anonymous.run(TREE))["categories"]
    assert tree["totalCount"] == 1
    assert tree["nodes"][0]["title"] == "Electronics"
    assert tree["nodes"][0]["subcategories"] == {
        "totalCount": 1,
        "nodes": [{"id": market.subcategory_id, "name": "Handhelds", "group": "MORE"}],
        "pageInfo": {"hasNextPage": False},
    }


@pytest.mark.parametrize("role", [None, Role.USER, Role.STAFF])
async def test_only_admins_write(souk: Souk, market: Market, role: Role | None) -> None:
    caller = souk.anonymous if role is None else await souk.member(f"Some {role}", role)
    expected = "UNAUTHENTICATED" if role is None else "FORBIDDEN"
    calls: list[tuple[str, dict[str, Any]]] = [
        (CREATE_CATEGORY, {"title": "Toys"}),
        (UPDATE, {"categoryId": market.category_id, "title": "Toys"}),
        (DELETE, {"categoryId": market.category_id}),
        (CREATE_SUBCATEGORY, {"categoryId": market.category_id, "name": "Toys"}),
        (UPDATE_SUB, {"subcategoryId": market.subcategory_id, "name": "Toys"}),
        (DELETE_SUB, {"subcategoryId": market.subcategory_id}),
    ]
    for mutation, input in calls:
        assert (await caller.refused(mutation, input=input))["code"] == expected, mutation
    rows = await souk.database.rows(text("SELECT title, is_active FROM category"))
    assert [tuple(row) for row in rows] == [("Electronics", True)]
    rows = await souk.database.rows(text("SELECT name, is_active FROM subcategory"))
    assert [tuple(row) for row in rows] == [("Handhelds", True)]


async def test_a_change_names_what_changes_and_null_removes(souk: Souk, market: Market) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    change = {"categoryId": market.category_id, "subtitle": "What runs on power"}
    changed = (await admin.run(UPDATE, input=change))["updateCategory"]["category"]
    assert changed == {"title": "Electronics", "subtitle": "What runs on power", "imageUrl": None}
    remove: dict[str, Any] = {"categoryId": market.category_id, "subtitle": None}
    changed = (await admin.run(UPDATE, input={**remove, "title": "Devices"}))["updateCategory"][
        "category"
    ]
    assert changed == {"title": "Devices", "subtitle": None, "imageUrl": None}


async def test_a_category_with_products_is_refused_saying_how_many(
    souk: Souk, market: Market, seller: Client
) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    await market.fixed(seller)
    await market.fixed(seller)
    refused = (await admin.run(DELETE, input={"categoryId": market.category_id}))["deleteCategory"]
    assert (refused["code"], refused["productCount"]) == ("CATEGORY_IN_USE", 2)
    sub = {"subcategoryId": market.subcategory_id}
    refused = (await admin.run(DELETE_SUB, input=sub))["deleteSubcategory"]
    assert refused["code"] == "CATEGORY_IN_USE"
    assert (await souk.anonymous.run(TREE))["categories"]["totalCount"] == 1


async def test_a_deleted_category_is_seen_by_admins_only(souk: Souk, market: Market) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    done = (await admin.run(DELETE, input={"categoryId": market.category_id}))["deleteCategory"]
    assert done["categoryId"] == market.category_id
    query = "query($id: ID!) { category(id: $id) { title } node(id: $id) { id } }"
    hidden = await souk.anonymous.run(query, id=market.category_id)
    assert hidden == {"category": None, "node": None}
    assert (await admin.run(query, id=market.category_id))["category"]["title"] == "Electronics"
    again = (await admin.run(DELETE, input={"categoryId": market.category_id}))["deleteCategory"]
    assert again["code"] == "NOT_FOUND"


async def test_a_subcategory_moves_with_its_products(
    souk: Souk, market: Market, seller: Client
) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    product = await market.fixed(seller)
    made = await admin.run(CREATE_CATEGORY, input={"title": "Computers"})
    target = made["createCategory"]["category"]["id"]
    move = {
        "subcategoryId": market.subcategory_id,
        "categoryId": target,
        "group": "MOST_POPULAR",
    }
    moved = (await admin.run(UPDATE_SUB, input=move))["updateSubcategory"]["subcategory"]
    assert moved == {"name": "Handhelds", "group": "MOST_POPULAR", "category": {"id": target}}
    query = "query($id: ID!) { product(id: $id) { category { id } } }"
    found = (await souk.anonymous.run(query, id=product["id"]))["product"]
    assert found["category"]["id"] == target


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"title": "Toys", "subtitle": "x" * 201}, "subtitle"),
        ({"title": "Toys", "imageUrl": "javascript:alert(1)"}, "imageUrl"),
    ],
)
async def test_what_a_category_must_not_be(souk: Souk, input: dict[str, Any], path: str) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    result = (await admin.run(CREATE_CATEGORY, input=input))["createCategory"]
    assert (result["__typename"], result["path"][-1]) == ("InvalidInput", path)
    assert await souk.database.scalar(text("SELECT count(*) FROM category")) == 0

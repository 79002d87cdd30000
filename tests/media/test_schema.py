"""MediaAsset in the schema: fields, node, the list for admins."""

import pytest
from asyncpg import IntegrityConstraintViolationError
from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Souk
from tests.media import files, scenes

ASSET = """query($id: ID!) {
  mediaAsset(id: $id) {
    __typename id url mimeType size width height
    small: thumbnailUrl large: thumbnailUrl(size: LARGE) product { id title }
  }
  node(id: $id) { __typename id ... on MediaAsset { url } }
}"""
LIST = """query($filter: MediaAssetFilter, $first: Int, $after: String) {
  mediaAssets(filter: $filter, first: $first, after: $after) {
    totalCount nodes { id } pageInfo { hasNextPage endCursor }
  }
}"""


async def test_anybody_reads_an_active_picture_with_its_addresses(souk: Souk) -> None:
    seller = await souk.member("Ana")
    content = files.picture("JPEG")
    asset_id = await scenes.upload(seller, content)
    found = await souk.anonymous.run(ASSET, id=asset_id)
    asset = found["mediaAsset"]
    assert (asset["__typename"], asset["id"], asset["product"]) == ("MediaAsset", asset_id, None)
    assert (asset["mimeType"], asset["size"]) == ("image/jpeg", len(content))
    assert (asset["width"], asset["height"]) == (64, 48)
    for name in ("url", "small", "large"):
        served = await souk.http.get(scenes.path_of(asset[name]))
        assert served.status_code == 200
    assert found["node"] == {"__typename": "MediaAsset", "id": asset_id, "url": asset["url"]}


async def test_a_picture_leads_to_its_product(souk: Souk) -> None:
    seller = await souk.member("Ana")
    asset_id = await scenes.upload(seller)
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [asset_id])
    found = await souk.anonymous.run(ASSET, id=asset_id)
    assert found["mediaAsset"]["product"] == {"id": answer["product"]["id"], "title": "A watch"}


async def test_a_deleted_picture_is_seen_by_admins_only(souk: Souk) -> None:
    owner = await souk.member("Ana")
    asset_id = await scenes.upload(owner)
    await owner.run(scenes.DELETE, id=asset_id)
    for client in (souk.anonymous, await souk.member("Ben"), owner):
        found = await client.run(ASSET, id=asset_id)
        assert found == {"mediaAsset": None, "node": None}
    admin = await souk.member("Admin", Role.ADMIN)
    found = await admin.run(ASSET, id=asset_id)
    assert found["mediaAsset"]["id"] == found["node"]["id"] == asset_id


async def test_admins_list_all_pictures_newest_first_and_find_orphans(souk: Souk) -> None:
    seller = await souk.member("Ana")
    ids = [await scenes.upload(seller) for _ in range(5)]
    await scenes.put_on_sale(seller, await scenes.place(souk), ids[:2])
    admin = await souk.member("Admin", Role.ADMIN)
    page = (await admin.run(LIST, first=2))["mediaAssets"]
    assert page["totalCount"] == 5
    assert [node["id"] for node in page["nodes"]] == [ids[4], ids[3]]
    assert page["pageInfo"]["hasNextPage"] is True
    rest = (await admin.run(LIST, first=9, after=page["pageInfo"]["endCursor"]))["mediaAssets"]
    assert [node["id"] for node in rest["nodes"]] == [ids[2], ids[1], ids[0]]
    alone = (await admin.run(LIST, filter={"orphans": True}))["mediaAssets"]
    assert [node["id"] for node in alone["nodes"]] == [ids[4], ids[3], ids[2]]
    assert alone["totalCount"] == 3
    used = (await admin.run(LIST, filter={"orphans": False}))["mediaAssets"]
    assert [node["id"] for node in used["nodes"]] == [ids[1], ids[0]]


async def test_others_cannot_list_pictures(souk: Souk) -> None:
    await scenes.upload(await souk.member("Ana"))
    for client, code in (
        (souk.anonymous, "UNAUTHENTICATED"),
        (await souk.member("Ben"), "FORBIDDEN"),
        (await souk.member("Staff", Role.STAFF), "FORBIDDEN"),
    ):
        assert (await client.refused(LIST))["code"] == code


async def test_the_database_refuses_what_the_rules_forbid(souk: Souk) -> None:
    await scenes.upload(await souk.member("Ana"))
    for change in (
        "size = 10485761",
        "size = 0",
        "position = 0",
        "unattached_since = NULL",
        "product_id = gen_random_uuid(), position = 0, unattached_since = NULL",
    ):
        with pytest.raises(IntegrityConstraintViolationError, match="media_asset"):
            await souk.database.rows(text(f"UPDATE media_asset SET {change} RETURNING id"))  # noqa: S608  the constants above

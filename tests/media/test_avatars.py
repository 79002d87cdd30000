"""Avatar files: own ones, shared by a key that cannot be guessed (spec/02-identity.md#user)."""

import asyncio
import re
from typing import Any

import httpx
from sqlalchemy import text

from auth.actor import Role
from core.database import recorded_statements
from gateways.storage import Storage
from resolvers.media.avatars import remove_deleted_avatars
from tests.clients.client import Client, Souk
from tests.identity.documents import ME, result
from tests.media import files, scenes

FILE = "id fileName mimeType fileSize accessKey ownerId metadata createdAt url owner { id }"
ONE = f"query($id: ID!) {{ avatarFile(id: $id) {{ {FILE} }} }}"
ALL = f"""query($filter: AvatarFileFilter) {{ avatarFiles(filter: $filter) {{
  totalCount nodes {{ {FILE} }} }} }}"""
DELETE = """mutation Delete($input: DeleteAvatarFileInput!) { deleteAvatarFile(input: $input) {
  __typename ... on DeleteAvatarFilePayload { avatarFileId }
  ... on UserError { code message path } } }"""
SHOW = """mutation Show($input: UpdateProfileInput!) { updateProfile(input: $input) {
  __typename ... on UserError { code message path } } }"""


async def sent(client: Client, kind: str = "PNG", **query: str) -> dict[str, Any]:
    """The answer to an avatar that was taken."""
    answer = await scenes.post(client, files.picture(kind), None, bucket="avatars", **query)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def own_id(client: Client) -> str:
    """The id of who asks."""
    found: str = (await client.run(ME))["currentUser"]["id"]
    return found


async def rows(souk: Souk) -> int:
    """How many avatars the database has."""
    return int(await souk.database.scalar(text("SELECT count(*) FROM avatar_file")))


async def test_an_avatar_is_taken_described_and_shown_by_its_key(souk: Souk) -> None:
    ana = await souk.member("Ana")
    response = await souk.http.post(
        "/media",
        files={"file": ("../../me at the\u202e sea.png", files.picture("PNG"), "image/png")},
        data={"bucket": "avatars", "metadata": '{"alt": "Ana by the sea"}'},
        headers=ana.headers,
    )
    assert response.status_code == 201, response.text
    answer = response.json()
    assert answer["id"].startswith("avf_")
    assert re.fullmatch(r"[A-Za-z0-9]{12}", answer["accessKey"])
    seen = (await ana.run(ONE, id=answer["id"]))["avatarFile"]
    me = await own_id(ana)
    assert seen["fileName"] == "me at the sea.png"
    assert (seen["mimeType"], seen["fileSize"]) == ("image/png", len(files.picture("PNG")))
    assert (seen["ownerId"], seen["owner"]["id"]) == (me, me)
    assert (seen["metadata"], seen["accessKey"]) == ({"alt": "Ana by the sea"}, answer["accessKey"])
    assert seen["url"] == answer["url"]
    shown = await souk.http.get(scenes.path_of(seen["url"]))
    assert (shown.status_code, shown.content) == (200, files.picture("PNG"))
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    etag = {"If-None-Match": shown.headers["etag"]}
    assert (await souk.http.get(scenes.path_of(seen["url"]), headers=etag)).status_code == 304
    small = await souk.http.get(scenes.path_of(seen["url"]) + "/small")
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    # It is no picture of goods, and of a profile only when its owner says so.
    assert await souk.database.scalar(text("SELECT count(*) FROM media_asset")) == 0
    assert await souk.database.scalar(text("SELECT count(avatar_url) FROM user_account")) == 0


async def test_the_key_and_nothing_else_opens_a_file(souk: Souk) -> None:
    answer = await sent(await souk.member("Ana"))
    key = answer["accessKey"]
    for wrong in (key[:-1], key.swapcase(), key + "a", answer["id"], "a" * 12, "%00" * 4):
        for size in ("", "/small", "/huge"):
            refused = await souk.http.get(f"/avatars/files/{wrong}{size}")
            assert refused.status_code == 404, (wrong, size)
    assert (await souk.http.get(f"/avatars/files/{key}/huge")).status_code == 404
    assert (await souk.http.get(f"/media/{answer['id']}")).status_code == 404


async def test_what_is_no_picture_is_refused_and_nothing_is_stored(souk: Souk) -> None:
    ana = await souk.member("Ana")
    for content in (files.SCRIPT, files.PAGE, files.SVG):
        refused = await scenes.post(ana, content, "image/png", bucket="avatars")
        assert (await scenes.refusal(refused, 415))["code"] == "invalid_mime"
    assert await rows(souk) == 0
    assert scenes.stored_files(souk) == []


async def test_metadata_of_the_picture_goes_and_bad_words_about_it_are_refused(
    souk: Souk,
) -> None:
    ana = await souk.member("Ana")
    for kind in files.TYPES:
        taken = await scenes.post(ana, files.with_metadata(kind), None, bucket="avatars")
        assert taken.status_code == 201
    assert not any(files.SECRET in path.read_bytes() for path in scenes.stored_files(souk))
    before = await rows(souk)
    for metadata in ("[1]", "{", '{"a": "' + "x" * 1000 + '"}', '{"a": "\\u0000"}'):
        bad = await scenes.post(
            ana, files.picture(), None, bucket="avatars", metadata=metadata, fileName="a.png"
        )
        assert (await scenes.refusal(bad, 400))["code"] == "BAD_USER_INPUT"
    large = await scenes.post(ana, b"x" * 10_485_761, None, bucket="avatars")
    assert (await scenes.refusal(large, 413))["code"] == "too_large"
    anonymous = await scenes.post(souk.anonymous, files.picture(), None, bucket="avatars")
    assert anonymous.status_code == 401
    both = await souk.http.post(
        "/media",
        params={"bucket": "products"},
        files={"file": ("a.png", files.picture(), "image/png")},
        data={"bucket": "avatars"},
        headers=ana.headers,
    )
    assert both.status_code == 400
    assert await rows(souk) == before


async def test_an_account_has_at_most_twenty_files_also_at_once(souk: Souk) -> None:
    ana = await souk.member("Ana")
    first = await sent(ana)
    fill = text(
        "INSERT INTO avatar_file (id, owner_id, file_name, mime_type, file_size, access_key, "
        "sha256, created_at) SELECT gen_random_uuid(), owner_id, 'x', mime_type, 1, "
        "lpad(n::text, 12, '0'), sha256, now() - interval '1 hour' "
        "FROM avatar_file, generate_series(1, 17) n"
    )
    await souk.database.run(lambda work: work.execute(fill))
    answers: list[httpx.Response] = await asyncio.gather(
        *[scenes.post(ana, files.picture(), None, bucket="avatars") for _ in range(4)]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    assert await rows(souk) == 20
    assert (await scenes.post(ana, files.picture(), None, bucket="avatars")).status_code == 409
    await result(ana, DELETE, avatarFileId=first["id"])
    await sent(ana)


async def test_files_are_their_owners_and_admins_business(souk: Souk) -> None:
    ana, bob = await souk.member("Ana"), await souk.member("Bob")
    admin = await souk.member("Ada", Role.ADMIN)
    mine, his = await sent(ana, fileName="mine.png"), await sent(bob, "GIF")
    assert (await ana.run(ALL))["avatarFiles"]["nodes"][0]["fileName"] == "mine.png"
    assert (await ana.run(ALL))["avatarFiles"]["totalCount"] == 1
    assert (await ana.run(ONE, id=his["id"]))["avatarFile"] is None
    assert (await souk.anonymous.run(ONE, id=his["id"]))["avatarFile"] is None
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert (await ana.run(node, id=his["id"]))["node"] is None
    assert (await souk.anonymous.refused(ALL))["code"] == "UNAUTHENTICATED"
    assert (await result(ana, DELETE, avatarFileId=his["id"]))["code"] == "NOT_FOUND"
    input = {"avatarFileId": his["id"]}
    assert (await souk.anonymous.refused(DELETE, input=input))["code"] == "UNAUTHENTICATED"
    assert (await souk.http.get(scenes.path_of(his["url"]))).status_code == 200
    assert (await admin.run(ALL))["avatarFiles"]["totalCount"] == 2
    cases = [({"mimeType": "GIF"}, his), ({"ownerId": await own_id(ana)}, mine)]
    cases.append(({"userId": await own_id(bob), "mimeType": "image/"}, his))
    for wishes, expected in cases:
        [found] = (await admin.run(ALL, filter=wishes))["avatarFiles"]["nodes"]
        assert found["id"] == expected["id"]
    assert (await result(admin, DELETE, avatarFileId=his["id"]))["avatarFileId"] == his["id"]
    assert (await bob.run(ALL))["avatarFiles"]["totalCount"] == 0
    logged = "SELECT count(*) FROM audit_entry WHERE action = 'avatar.delete'"
    assert await souk.database.scalar(text(logged)) == 1


async def test_a_deleted_file_is_shown_nowhere_and_gone_after_a_day(souk: Souk) -> None:
    ana = await souk.member("Ana")
    answer, kept = await sent(ana), await sent(ana)
    shown = await result(ana, SHOW, avatarUrl=answer["url"])
    assert "Payload" in shown["__typename"], shown
    assert (await ana.run("{ currentUser { avatarUrl } }"))["currentUser"]["avatarUrl"] == (
        answer["url"]
    )
    for _ in range(2):
        await result(ana, DELETE, avatarFileId=answer["id"])
    assert (await souk.http.get(scenes.path_of(answer["url"]))).status_code == 404
    assert (await souk.http.get(scenes.path_of(kept["url"]))).status_code == 200
    me = (await ana.run("{ currentUser { avatarUrl } }"))["currentUser"]
    assert me["avatarUrl"].endswith(".svg")
    storage = Storage(souk.settings)
    assert await remove_deleted_avatars(souk.database, storage) == 0
    assert len(scenes.stored_files(souk)) == 6
    later = text(
        "UPDATE avatar_file SET archived_at = now() - interval '25 hours' WHERE NOT is_active"
    )
    await souk.database.run(lambda work: work.execute(later))
    assert await remove_deleted_avatars(souk.database, storage) == 1
    assert (await rows(souk), len(scenes.stored_files(souk))) == (1, 3)


async def test_a_page_of_files_costs_as_many_statements_as_one(souk: Souk) -> None:
    ana = await souk.member("Ana")
    counts = []
    for _ in range(3):
        await sent(ana)
        with recorded_statements() as seen:
            await ana.run(ALL)
        counts.append(len([one for one in seen if "> now() -" not in one]))
    assert len(set(counts)) == 1

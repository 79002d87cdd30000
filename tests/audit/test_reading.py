"""Who reads the audit log, and what it can be asked (spec/10-admin-compliance.md#audit-log)."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from auth.actor import Role
from core.database import recorded_statements
from core.ids import encode_id
from resolvers.identity.events import IdentityAction
from resolvers.media.events import MediaAction
from tests.audit.entries import ENTRY, LOG, VERIFY, entries, write
from tests.clients.client import Client, Souk

NODE = "query($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }"


@pytest.fixture
async def admin(souk: Souk) -> Client:
    """Who reads the log."""
    return await souk.member("Ada Admin", Role.ADMIN)


async def test_only_admins_read_it_on_every_path(souk: Souk, admin: Client) -> None:
    await write(souk, admin, IdentityAction.USER_UPDATE)
    [entry] = await entries(admin)
    for role in (None, Role.USER, Role.STAFF):
        caller = souk.anonymous if role is None else await souk.member(f"Some {role}", role)
        expected = "UNAUTHENTICATED" if role is None else "FORBIDDEN"
        for document, variables in ((LOG, {}), (ENTRY, {"id": entry["id"]}), (VERIFY, {})):
            assert (await caller.refused(document, **variables))["code"] == expected
        found = await caller.run(NODE, id=entry["id"], ids=[entry["id"]])
        assert found == {"node": None, "nodes": [None]}


async def test_admins_read_one_entry_by_its_id(souk: Souk, admin: Client) -> None:
    details = {"after": {"role": "STAFF"}}
    await write(souk, admin, IdentityAction.USER_SET_ROLE, details=details)
    for reader in (admin, await souk.member("Owner", Role.SUPER_ADMIN)):
        [entry] = await entries(reader)
        assert entry["details"] == details
        assert (await reader.run(ENTRY, id=entry["id"]))["auditLogEntry"] == entry
        found = await reader.run(NODE, id=entry["id"], ids=[entry["id"]])
        assert found == {"node": {"id": entry["id"]}, "nodes": [{"id": entry["id"]}]}
    unknown = encode_id("aud", UUID(int=5))
    assert (await admin.run(ENTRY, id=unknown))["auditLogEntry"] is None


async def test_nobody_writes_it_by_the_schema(souk: Souk) -> None:
    document = "{ __schema { mutationType { fields { name } } } }"
    found = await souk.anonymous.run(document)
    names = [field["name"].lower() for field in found["__schema"]["mutationType"]["fields"]]
    assert names
    assert [name for name in names if "audit" in name] == []


async def _five(souk: Souk, admin: Client, bob: Client) -> None:
    await write(souk, admin, IdentityAction.USER_UPDATE, object_id="usr_1")
    await write(souk, admin, IdentityAction.USER_SET_ROLE, object_id="usr_2")
    await write(souk, bob, MediaAction.AVATAR_DELETE, object_type="Avatar", object_id="usr_1")
    await write(souk, bob, IdentityAction.GROUP_CREATE, object_type="UserGroup")
    await write(souk, None, IdentityAction.LOGIN_LOCKED_OUT)


async def test_every_filter_narrows_the_list(souk: Souk, admin: Client, bob: Client) -> None:
    await _five(souk, admin, bob)
    assert bob.account is not None
    times = {entry["sequence"]: entry["occurredAt"] for entry in await entries(admin)}
    wanted: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [5, 4, 3, 2, 1]),
        ({"performedBy": encode_id("usr", bob.account.id)}, [4, 3]),
        ({"objectId": "usr_1"}, [3, 1]),
        ({"actionObject": "user"}, [5, 4, 2, 1]),
        ({"actionObject": "Avatar"}, [3]),
        ({"actionType": "USER."}, [2, 1]),
        ({"actionType": "set_role"}, [2]),
        ({"actionType": "set%role"}, []),
        ({"actionType": "  "}, [5, 4, 3, 2, 1]),
        ({"occurredAt": {"from": times[3]}}, [5, 4, 3]),
        ({"occurredAt": {"to": times[3]}}, [2, 1]),
        ({"occurredAt": {"from": times[2], "to": times[4]}}, [3, 2]),
        ({"occurredAt": {}}, [5, 4, 3, 2, 1]),
        ({"objectId": "usr_1", "actionType": "avatar"}, [3]),
    ]
    for filter, expected in wanted:
        found = (await admin.run(LOG, filter=filter))["auditLog"]
        assert [entry["sequence"] for entry in found["nodes"]] == expected, filter
        assert found["totalCount"] == len(expected), filter


async def test_bad_filters_are_named(souk: Souk, admin: Client) -> None:
    for filter, argument in (
        ({"performedBy": "cat_01HWJ8WH9X8WBK65EMGY9YKPBS"}, "filter.performedBy"),
        ({"actionType": "x" * 101}, "filter.actionType"),
        ({"actionObject": "a\u0000b"}, "filter.actionObject"),
        ({"objectId": "a\u202eb"}, "filter.objectId"),
    ):
        refused = await admin.refused(LOG, filter=filter)
        assert refused["code"] == "BAD_USER_INPUT"
        assert refused["extensions"]["argument"] == argument


async def test_pages_stay_right_while_entries_are_added(
    souk: Souk, admin: Client, bob: Client
) -> None:
    await _five(souk, admin, bob)
    page = (await admin.run(LOG, first=2))["auditLog"]
    assert [entry["sequence"] for entry in page["nodes"]] == [5, 4]
    await write(souk, bob, IdentityAction.GROUP_DELETE)
    after = page["pageInfo"]["endCursor"]
    page = (await admin.run(LOG, first=2, after=after))["auditLog"]
    assert [entry["sequence"] for entry in page["nodes"]] == [3, 2]
    assert page["pageInfo"]["hasNextPage"]
    refused = await admin.refused(LOG, after="bm8")
    assert refused["code"] == "BAD_USER_INPUT"


async def test_a_long_page_costs_as_many_statements_as_a_short_one(
    souk: Souk, admin: Client, bob: Client
) -> None:
    await _five(souk, admin, bob)
    counts = []
    for first in (1, 100):
        with recorded_statements() as statements:
            await admin.run(LOG, first=first)
        counts.append(len(statements))
    # The page, the people of the page, the count.
    assert counts == [2, 3]  # the newest was done by nobody
    for _ in range(40):
        await write(souk, bob, IdentityAction.GROUP_UPDATE)
    with recorded_statements() as statements:
        await admin.run(LOG, first=100)
    assert len(statements) == 3


async def test_who_was_archived_is_still_named(souk: Souk, admin: Client, bob: Client) -> None:
    await write(souk, bob, IdentityAction.GROUP_UPDATE)
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE user_account SET is_active = false WHERE fullname = 'Bob Benson'")
        )
    )
    [entry] = await entries(admin)
    assert entry["performedBy"]["fullname"] == "Bob Benson"

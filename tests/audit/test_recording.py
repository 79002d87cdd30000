"""What an entry holds and how it comes about (spec/10-admin-compliance.md#audit-log)."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from auth.actor import Actor, Role
from core.database import UnitOfWork
from core.ids import encode_id
from resolvers.audit import record
from resolvers.audit.chain import GENESIS
from resolvers.identity.events import IdentityAction
from resolvers.media.events import MediaAction
from tests.audit.entries import actor_of, entries, first_broken, write
from tests.clients.client import Souk
from tests.clients.market import CREATE_CATEGORY

UPDATE = """mutation($input: UpdateCategoryInput!) { updateCategory(input: $input) { __typename
  ... on UpdateCategoryPayload { category { title } } } }"""
DELETE = (
    """mutation($input: DeleteCategoryInput!) { deleteCategory(input: $input) { __typename } }"""
)
CREATE_SUB = """mutation($input: CreateSubcategoryInput!) { createSubcategory(input: $input) {
  __typename ... on CreateSubcategoryPayload { subcategory { id } } } }"""
UPDATE_SUB = """mutation($input: UpdateSubcategoryInput!) { updateSubcategory(input: $input) {
  __typename } }"""
DELETE_SUB = """mutation($input: DeleteSubcategoryInput!) { deleteSubcategory(input: $input) {
  __typename } }"""


async def test_each_change_of_a_category_makes_one_entry_with_before_and_after(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    assert admin.account is not None
    made = await admin.run(CREATE_CATEGORY, input={"title": "Books"})
    category_id = made["createCategory"]["category"]["id"]
    await admin.run(UPDATE, input={"categoryId": category_id, "title": "Old books"})
    sub = await admin.run(CREATE_SUB, input={"categoryId": category_id, "name": "Atlases"})
    sub_id = sub["createSubcategory"]["subcategory"]["id"]
    await admin.run(UPDATE_SUB, input={"subcategoryId": sub_id, "name": "Maps"})
    await admin.run(DELETE_SUB, input={"subcategoryId": sub_id})
    await admin.run(DELETE, input={"categoryId": category_id})
    log = list(reversed(await entries(admin)))
    assert [(e["actionType"], e["actionObject"], e["objectId"]) for e in log] == [
        ("category.create", "Category", category_id),
        ("category.update", "Category", category_id),
        ("subcategory.create", "Subcategory", sub_id),
        ("subcategory.update", "Subcategory", sub_id),
        ("subcategory.delete", "Subcategory", sub_id),
        ("category.delete", "Category", category_id),
    ]
    assert log[1]["details"] == {"before": {"title": "Books"}, "after": {"title": "Old books"}}
    assert log[2]["details"]["after"]["category_id"] == category_id
    assert {entry["performedBy"]["fullname"] for entry in log} == {"Ada Admin"}
    assert {entry["actorKind"] for entry in log} == {"USER"}
    assert await first_broken(admin) is None


async def test_a_call_that_changes_nothing_writes_no_entry(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    made = await admin.run(CREATE_CATEGORY, input={"title": "Books"})
    category_id = made["createCategory"]["category"]["id"]
    for _ in range(2):
        changed = await admin.run(UPDATE, input={"categoryId": category_id, "title": "Books"})
        assert changed["updateCategory"]["category"] == {"title": "Books"}
    assert [entry["actionType"] for entry in await entries(admin)] == ["category.create"]


async def test_an_entry_names_the_request_the_address_and_the_databases_time(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    body = {"query": CREATE_CATEGORY, "variables": {"input": {"title": "Books"}}}
    response = await souk.http.post("/graphql", json=body, headers=admin.headers)
    [entry] = await entries(admin)
    assert entry["requestId"] == response.headers["x-request-id"]
    assert entry["ipAddress"] == "127.0.0.1"
    age = datetime.now(UTC) - datetime.fromisoformat(entry["occurredAt"])
    assert timedelta() <= age < timedelta(minutes=1)
    assert entry["sequence"] == 1
    assert entry["previousHash"] == GENESIS


async def test_souk_itself_is_nobody_and_a_key_is_its_owner(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    await write(souk, None, IdentityAction.LOGIN_LOCKED_OUT)
    assert admin.account is not None
    key = Actor(admin.account.id, role=Role.ADMIN, key_id=UUID(int=9))
    await souk.database.run(
        lambda work: record(
            work, key, MediaAction.AVATAR_DELETE, object_type="Avatar", object_id=None
        )
    )
    by_key, by_souk = await entries(admin)
    assert (by_souk["actorKind"], by_souk["performedBy"]) == ("SYSTEM", None)
    assert by_key["actorKind"] == "API_KEY"
    assert by_key["details"] == {"apiKey": encode_id("key", UUID(int=9))}
    assert by_key["performedBy"]["fullname"] == "Ada Admin"


async def test_no_entry_no_effect_and_no_effect_no_entry(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)

    async def fails_afterwards(work: UnitOfWork) -> None:
        await record(
            work, actor_of(admin), IdentityAction.USER_DELETE, object_type="User", object_id=None
        )
        raise LookupError

    with pytest.raises(LookupError):
        await souk.database.run(fails_afterwards)
    assert await entries(admin) == []
    # The log cannot be written: the category is not made either.
    await souk.database.run(
        lambda work: work.execute(text("ALTER TABLE audit_entry RENAME TO elsewhere"))
    )
    refused = await admin.refused(CREATE_CATEGORY, input={"title": "Books"})
    assert refused["code"] == "INTERNAL"
    assert await souk.database.scalar(text("SELECT count(*) FROM category")) == 0


async def test_twenty_entries_at_once_are_numbered_without_a_gap(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)

    async def one(number: int) -> bool:
        async def work_on(work: UnitOfWork) -> None:
            await record(
                work,
                actor_of(admin),
                IdentityAction.USER_UPDATE,
                object_type="User",
                object_id=None,
                details={"number": number},
            )
            if number % 4 == 0:
                raise LookupError

        try:
            await souk.database.run(work_on)
        except LookupError:
            return False
        return True

    done = await asyncio.gather(*[one(number) for number in range(27)])
    assert done.count(True) == 20
    log = await entries(admin, first=100)
    assert [entry["sequence"] for entry in log] == list(range(20, 0, -1))
    assert sorted(entry["details"]["number"] for entry in log) == [
        number for number in range(27) if number % 4
    ]
    times = [entry["occurredAt"] for entry in log]
    assert times == sorted(times, reverse=True)
    assert await first_broken(admin) is None


async def test_details_that_name_a_secret_are_refused(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    for secret in (
        {"password": "x"},
        {"after": {"password_hash": "x"}},
        {"tokens": ["x"]},
        {"list": [{"clientSecret": "x"}]},
        {"card_number": "x"},
    ):
        with pytest.raises(ValueError, match="must not hold"):
            await write(souk, admin, IdentityAction.USER_UPDATE, details=secret)
    assert await entries(admin) == []


async def test_long_details_are_shortened_to_what_an_entry_may_hold(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    await write(souk, admin, IdentityAction.USER_UPDATE, details={"bio": "ä" * 20_000, "n": 7})
    many = {f"field{n}": "x" * 150 for n in range(200)}
    await write(souk, admin, IdentityAction.USER_UPDATE, details=many, reason="Many at once")
    fitting = {"bio": "x" * 15_000}
    await write(souk, admin, IdentityAction.USER_UPDATE, details=fitting)
    last, second, first = await entries(admin)
    assert first["details"] == {"bio": "ä" * 200 + "…", "n": 7}
    assert second["details"] == {"tooLongFor": sorted(many)[:50]}
    assert second["reason"] == "Many at once"
    assert last["details"] == fitting
    longest = await souk.database.scalar(
        text("SELECT max(octet_length(content)) FROM audit_detail")
    )
    assert longest <= 16_384
    assert await first_broken(admin) is None

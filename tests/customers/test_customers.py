"""Adding, seeing and changing customers (spec/02-identity.md#customers-seed-002)."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from auth.actor import Role
from core.database import ConstraintViolated
from core.ids import encode_id
from tests.audit.entries import entries
from tests.clients.client import Client, Souk
from tests.customers.people import (
    CREATE,
    CYNTHIA,
    DELETE,
    LIST,
    MINE,
    NODES,
    ONE,
    REQUEST,
    UPDATE,
    UPDATE_MY,
    customer_of,
    result,
    stored,
)

NOBODY = encode_id("cus", UUID(int=7))


@pytest.fixture
async def staff(souk: Souk) -> Client:
    """Who helps customers."""
    return await souk.member("Stan Staff", Role.STAFF)


def _user_id(client: Client) -> str:
    assert client.account is not None
    return encode_id("usr", client.account.id)


async def test_a_person_adds_themselves_and_reads_what_was_stored(
    souk: Souk, alice: Client
) -> None:
    assert (await alice.run(MINE))["myCustomer"] is None
    made = await customer_of(alice)
    assert made == {
        **CYNTHIA,
        "id": made["id"],
        "user": {"id": _user_id(alice), "fullname": "Alice Allison"},
    }
    assert made["id"].startswith("cus_")
    assert (await alice.run(MINE))["myCustomer"] == made
    assert (await alice.run(ONE, id=made["id"]))["customer"] == made
    [row] = await stored(souk)
    assert (row["first_name"], row["date_of_birth"]) == ("Cynthia", date(1912, 9, 6))
    assert alice.account is not None
    assert row["user_id"] == alice.account.id
    assert await entries(await souk.member("Ada Admin", Role.ADMIN)) == []  # one's own data


async def test_what_is_given_is_brought_into_one_form(alice: Client) -> None:
    made = await customer_of(
        alice,
        firstName="  Zoë ",
        middleName="  ",
        nationality="ls",
        email="Aaron@EXAMPLE.org",
        phoneNumber="+254 246 515 866",
    )
    assert (made["firstName"], made["middleName"], made["nationality"]) == ("Zoë", None, "LS")
    assert (made["email"], made["phoneNumber"]) == ("Aaron@example.org", "+254246515866")


async def test_an_account_has_one_customer_at_most_also_when_asked_at_once(
    souk: Souk, alice: Client, staff: Client
) -> None:
    tries = [result(alice, CREATE, **CYNTHIA) for _ in range(5)]
    tries.append(result(staff, CREATE, **CYNTHIA, userId=_user_id(alice)))
    answers = await asyncio.gather(*tries)
    made = [answer for answer in answers if answer["__typename"] == "CreateCustomerPayload"]
    refused = [answer for answer in answers if answer["__typename"] == "Conflict"]
    assert (len(made), len(refused)) == (1, 5)
    assert refused[0]["code"] == "CONFLICT"
    assert refused[0]["path"] == ["input", "userId"]
    assert len(await stored(souk)) == 1
    second = text(
        "INSERT INTO customer SELECT (jsonb_populate_record(c, jsonb_build_object('id', "
        "gen_random_uuid()))).* FROM customer c"
    )
    with pytest.raises(ConstraintViolated, match="uq_customer_user_id"):
        await souk.database.run(lambda work: work.execute(second))


async def test_staff_adds_a_customer_for_anybody_or_for_nobody(
    souk: Souk, alice: Client, staff: Client
) -> None:
    for_alice = await customer_of(staff, userId=_user_id(alice))
    assert for_alice["user"]["fullname"] == "Alice Allison"
    assert (await alice.run(MINE))["myCustomer"] == for_alice
    for_nobody = await customer_of(staff, lastName="Nemo")
    assert for_nobody["user"] is None
    assert (await staff.run(MINE))["myCustomer"] is None
    for_staff = await customer_of(staff, userId=_user_id(staff))
    assert (await staff.run(MINE))["myCustomer"] == for_staff
    log = list(reversed(await entries(await souk.member("Ada Admin", Role.ADMIN))))
    assert [(e["actionType"], e["objectId"]) for e in log] == [
        ("customer.create", for_alice["id"]),
        ("customer.create", for_nobody["id"]),
    ]
    assert log[0]["details"]["after"]["user"] == _user_id(alice)
    assert log[0]["details"]["after"]["date_of_birth"] == "1912-09-06"
    unknown = await result(staff, CREATE, **CYNTHIA, userId=encode_id("usr", UUID(int=3)))
    assert (unknown["__typename"], unknown["path"]) == ("NotFound", ["input", "userId"])


async def test_a_person_adds_nobody_else(souk: Souk, alice: Client, bob: Client) -> None:
    refused = await bob.refused(CREATE, input={**CYNTHIA, "userId": _user_id(alice)})
    assert refused["code"] == "FORBIDDEN"
    assert await stored(souk) == []
    own = await customer_of(bob, userId=_user_id(bob))
    assert own["user"]["id"] == _user_id(bob)


BAD: list[tuple[str, Any]] = [
    ("firstName", " "),
    ("firstName", "x" * 101),
    ("lastName", ""),
    ("lastName", "Nor\u202eris"),
    ("middleName", "x" * 101),
    ("nationality", "Lesotho"),
    ("nationality", "XX"),
    ("nationality", "EU"),
    ("nationality", ""),
    ("email", "nobody"),
    ("email", "x" * 250 + "@example.org"),
    ("phoneNumber", "254246515866"),
    ("phoneNumber", "+12"),
    ("phoneNumber", " "),
    ("dateOfBirth", (date.today() + timedelta(days=2)).isoformat()),  # noqa: DTZ011  far enough
    ("dateOfBirth", "1870-01-01"),
]


async def test_what_cannot_be_is_named_and_nothing_is_stored(souk: Souk, alice: Client) -> None:
    for field, value in BAD:
        answer = await result(alice, CREATE, **{**CYNTHIA, field: value})
        assert answer["__typename"] == "InvalidInput", (field, value)
        assert answer["path"] == ["input", field], (field, value)
    assert await stored(souk) == []
    before = await customer_of(alice)
    for field, value in BAD:
        answer = await result(alice, UPDATE_MY, **{field: value})
        if (field, value) == ("middleName", "x" * 101) or field != "middleName":
            assert answer["__typename"] == "InvalidInput", (field, value)
            assert answer["path"] == ["input", field], (field, value)
    for field in CYNTHIA.keys() - {"middleName"}:
        answer = await result(alice, UPDATE_MY, **{field: None})
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", field])
    assert (await alice.run(MINE))["myCustomer"] == before


async def test_a_date_is_a_day_of_the_calendar(alice: Client) -> None:
    wrong = ("1912-9-6", "19120906", "1912-W36-5", "2023-02-29", "1912-09-06T00:00:00Z", 19120906)
    for day in wrong:
        refused = await alice.refused(CREATE, input={**CYNTHIA, "dateOfBirth": day})
        assert refused["code"] == "BAD_USER_INPUT", day


async def test_a_person_changes_what_they_name_and_nothing_else(
    souk: Souk, alice: Client, bob: Client
) -> None:
    answer = await result(alice, UPDATE_MY, lastName="Akama")
    assert answer["__typename"] == "NotFound"
    made = await customer_of(alice)
    other = await customer_of(bob)
    answer = await result(alice, UPDATE_MY, lastName="Akama", middleName=None)
    assert answer["customer"] == {**made, "lastName": "Akama", "middleName": None}
    answer = await result(alice, UPDATE_MY)
    assert answer["customer"]["lastName"] == "Akama"
    assert (await bob.run(MINE))["myCustomer"] == other
    mine, others = await stored(souk)
    assert mine["updated_at"] > mine["created_at"]
    assert others["last_name"] == "Norris"


async def test_staff_changes_anybody_and_the_log_says_before_and_after(
    souk: Souk, alice: Client, staff: Client
) -> None:
    made = await customer_of(alice)
    answer = await result(staff, UPDATE, customerId=made["id"], lastName="Akama", nationality="KE")
    assert answer["customer"] == {**made, "lastName": "Akama", "nationality": "KE"}
    # Again the same: nothing is done, and nothing is logged.
    await result(staff, UPDATE, customerId=made["id"], lastName="Akama")
    [entry] = await entries(await souk.member("Ada Admin", Role.ADMIN))
    assert (entry["actionType"], entry["objectId"]) == ("customer.update", made["id"])
    assert entry["performedBy"]["fullname"] == "Stan Staff"
    assert entry["details"] == {
        "before": {"last_name": "Norris", "nationality": "LS"},
        "after": {"last_name": "Akama", "nationality": "KE"},
    }
    unknown = await result(staff, UPDATE, customerId=NOBODY, lastName="Akama")
    assert (unknown["__typename"], unknown["path"]) == ("NotFound", ["input", "customerId"])


async def test_another_persons_customer_is_invisible_on_every_path(
    souk: Souk, alice: Client, bob: Client
) -> None:
    made = await customer_of(alice)
    await customer_of(bob)
    for client in (bob, souk.anonymous):
        for id_ in (made["id"], NOBODY):
            assert (await client.run(ONE, id=id_))["customer"] is None
            found = await client.run(NODES, id=id_, ids=[id_, id_])
            assert found == {"node": None, "nodes": [None, None]}
    asked = await result(bob, REQUEST, customerId=made["id"])
    missing = await result(bob, REQUEST, customerId=NOBODY)
    assert asked["__typename"] == "NotFound"
    assert asked == missing
    own = await alice.run(NODES, id=made["id"], ids=[made["id"]])
    assert own == {"node": {"id": made["id"]}, "nodes": [{"id": made["id"]}]}


async def test_staff_sees_every_customer(souk: Souk, alice: Client) -> None:
    made = await customer_of(alice)
    for role in (Role.STAFF, Role.ADMIN, Role.SUPER_ADMIN):
        viewer = await souk.member(f"Some {role}", role)
        assert (await viewer.run(ONE, id=made["id"]))["customer"] == made
        found = await viewer.run(NODES, id=made["id"], ids=[made["id"]])
        assert found == {"node": {"id": made["id"]}, "nodes": [{"id": made["id"]}]}


@pytest.mark.parametrize("role", [None, Role.USER])
async def test_only_staff_lists_changes_and_deletes_others(
    souk: Souk, alice: Client, role: Role | None
) -> None:
    made = await customer_of(alice)
    before = await stored(souk)
    caller = souk.anonymous if role is None else await souk.member("Some user", role)
    expected = "UNAUTHENTICATED" if role is None else "FORBIDDEN"
    calls: list[tuple[str, dict[str, Any]]] = [
        (LIST, {}),
        (UPDATE, {"input": {"customerId": made["id"], "lastName": "Akama"}}),
        (UPDATE, {"input": {"customerId": NOBODY, "lastName": "Akama"}}),
        (DELETE, {"input": {"customerId": made["id"]}}),
        (DELETE, {"input": {"customerId": NOBODY}}),
    ]
    if role is None:
        calls += [
            (MINE, {}),
            (CREATE, {"input": CYNTHIA}),
            (UPDATE_MY, {"input": {"lastName": "Akama"}}),
            (REQUEST, {"input": {}}),
            (REQUEST, {"input": {"customerId": made["id"]}}),
        ]
    for document, variables in calls:
        assert (await caller.refused(document, **variables))["code"] == expected, document
    assert await stored(souk) == before
    jobs = text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'send_mail'")
    assert await souk.database.scalar(jobs) == 0


async def test_ids_of_another_type_are_refused(alice: Client, staff: Client) -> None:
    product = "prd_01HWJ8WH9X8WBK65EMGY9YKPBS"
    for client, document, variables in (
        (alice, ONE, {"id": product}),
        (staff, UPDATE, {"input": {"customerId": product}}),
        (staff, DELETE, {"input": {"customerId": "1"}}),
        (alice, REQUEST, {"input": {"customerId": product}}),
        (staff, CREATE, {"input": {**CYNTHIA, "userId": product}}),
    ):
        assert (await client.refused(document, **variables))["code"] == "BAD_USER_INPUT"

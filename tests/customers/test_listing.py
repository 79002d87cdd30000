"""The list of customers for staff: filters, orders, pages, what it costs."""

from typing import Any

import pytest

from auth.actor import Role
from core.database import recorded_statements
from core.ids import encode_id
from tests.clients.client import Client, Souk
from tests.customers.people import DELETE, LIST, customer_of, result

PEOPLE = [
    ("Joseph", "Bauer", "Lori", "ME", "edixon@example.org", "+254483255111"),
    ("Danielle", "Compton", "Bill", "LR", "stewart@example.com", "+231770123456"),
    ("Tricia", "Ryan", "Karen", "KG", "emily@example.net", "+254001327911"),
    ("Anna", "Bauer", None, "ME", "anna_b@example.org", "+38267123456"),
]


@pytest.fixture
async def staff(souk: Souk) -> Client:
    """Who helps customers; four are there, the last with an account."""
    staff = await souk.member("Stan Staff", Role.STAFF)
    for first, last, middle, nationality, email, phone in PEOPLE[:-1]:
        await customer_of(
            staff,
            firstName=first,
            lastName=last,
            middleName=middle,
            nationality=nationality,
            email=email,
            phoneNumber=phone,
        )
    first, last, middle, nationality, email, phone = PEOPLE[-1]
    anna = await souk.member("Anna Bauer")
    await customer_of(
        anna,
        firstName=first,
        lastName=last,
        middleName=middle,
        nationality=nationality,
        email=email,
        phoneNumber=phone,
    )
    return staff


async def _names(staff: Client, **variables: Any) -> list[str]:
    found = (await staff.run(LIST, **variables))["customers"]
    return [node["firstName"] for node in found["nodes"]]


async def test_every_order_and_its_cursors(staff: Client) -> None:
    for sort, expected in (
        (None, ["Anna", "Tricia", "Danielle", "Joseph"]),
        ("NEWEST", ["Anna", "Tricia", "Danielle", "Joseph"]),
        ("OLDEST", ["Joseph", "Danielle", "Tricia", "Anna"]),
        ("NAME", ["Anna", "Joseph", "Danielle", "Tricia"]),
    ):
        assert await _names(staff, sort=sort) == expected
        seen: list[str] = []
        after = None
        while True:
            page = (await staff.run(LIST, sort=sort, first=1, after=after))["customers"]
            assert page["totalCount"] == 4
            seen += [node["firstName"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert seen == expected
        assert await _names(staff, sort=sort, last=2) == expected[2:]
        start = page["pageInfo"]["startCursor"]
        assert await _names(staff, sort=sort, last=2, before=start) == expected[1:3]
    by_name = (await staff.run(LIST, sort="NAME", first=1))["customers"]["pageInfo"]["endCursor"]
    refused = await staff.refused(LIST, sort="NEWEST", after=by_name)
    assert refused["code"] == "BAD_USER_INPUT"


async def test_every_filter_narrows_the_list(souk: Souk, staff: Client) -> None:
    anna = await souk.member("Anna Bauer")
    assert anna.account is not None
    wanted: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": "bauer"}, ["Anna", "Joseph"]),
        ({"name": "bauer jos"}, ["Joseph"]),
        ({"name": "KAREN"}, ["Tricia"]),
        ({"name": "%"}, []),
        ({"name": " "}, ["Anna", "Tricia", "Danielle", "Joseph"]),
        ({"email": "EXAMPLE.ORG"}, ["Anna", "Joseph"]),
        ({"email": "anna_"}, ["Anna"]),
        ({"email": "a_n"}, []),
        ({"phoneNumber": "+254"}, ["Tricia", "Joseph"]),
        ({"nationality": ["lr", "KG"]}, ["Tricia", "Danielle"]),
        ({"nationality": []}, ["Anna", "Tricia", "Danielle", "Joseph"]),
        ({"userId": encode_id("usr", anna.account.id)}, ["Anna"]),
        ({"nationality": ["ME"], "name": "anna"}, ["Anna"]),
    ]
    for filter, expected in wanted:
        found = (await staff.run(LIST, filter=filter))["customers"]
        assert [node["firstName"] for node in found["nodes"]] == expected, filter
        assert found["totalCount"] == len(expected), filter
    for bad in ({"nationality": ["Lesotho"]}, {"name": "x" * 101}, {"userId": "usr_1"}):
        assert (await staff.refused(LIST, filter=bad))["code"] == "BAD_USER_INPUT"


async def test_who_was_deleted_is_on_no_list(staff: Client) -> None:
    found = (await staff.run(LIST, filter={"name": "tricia"}))["customers"]["nodes"]
    await result(staff, DELETE, customerId=found[0]["id"])
    assert await _names(staff, sort="OLDEST") == ["Joseph", "Danielle", "Anna"]
    assert (await staff.run(LIST))["customers"]["totalCount"] == 3


async def test_a_long_page_costs_as_many_statements_as_a_short_one(
    souk: Souk, staff: Client
) -> None:
    counts = []
    for size in (1, 100):
        for number in range(size // 4):
            person = await souk.member(f"Person {number}")
            await customer_of(person)
        with recorded_statements() as statements:
            assert len(await _names(staff, first=size)) == min(size, 29)
        counts.append(len(statements))
    # The page, the accounts of the page, the count.
    assert counts == [3, 3]

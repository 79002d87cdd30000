"""The own profile: what of it changes, and what never does (spec/02-identity.md#user)."""

import asyncio
from typing import Any

from sqlalchemy import text

from core.database import recorded_statements
from tests.clients.client import Client, Souk
from tests.identity.documents import result

PROFILE = """id email fullname firstname lastname gender city username phone phoneVerified
  emailVerified avatarUrl bio preferredLanguage role createdAt archivedAt
  address { line1 line2 city region postalCode country }"""
UPDATE = f"""mutation Update($input: UpdateProfileInput!) {{ updateProfile(input: $input) {{
  __typename ... on UpdateProfilePayload {{ user {{ {PROFILE} }} }}
  ... on UserError {{ code message path }} }} }}"""
ME = f"{{ currentUser {{ {PROFILE} }} }}"

FULL = {
    "fullname": "Ada King",
    "firstname": "Ada",
    "lastname": "King",
    "gender": "female",
    "city": "London",
    "username": "Ada.L_1",
    "phone": "+44 20 7946 0958",
    "avatarUrl": "https://pictures.example/ada.png",
    "bio": "Countess.\nCounts.",
    "preferredLanguage": "EN-gb",
    "address": {"line1": "12 St James's Square", "city": "London", "country": "gb"},
}


async def stored(client: Client, souk: Souk) -> Any:
    """The row of a person."""
    assert client.account is not None
    rows = await souk.database.rows(
        text("SELECT * FROM user_account WHERE id = :id").bindparams(id=client.account.id)
    )
    return rows[0]


async def test_a_profile_is_changed_kept_and_shown(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    answer = await result(ada, UPDATE, **FULL)
    user = answer["user"]
    assert {name: user[name] for name in FULL} == {
        **FULL,
        "username": "ada.l_1",
        "phone": "+442079460958",
        "preferredLanguage": "en-GB",
        "address": {
            "line1": "12 St James's Square",
            "line2": None,
            "city": "London",
            "region": None,
            "postalCode": None,
            "country": "GB",
        },
    }
    assert (await ada.run(ME))["currentUser"] == user
    row = await stored(ada, souk)
    assert (row.username, row.phone, row.preferred_language) == (
        "ada.l_1",
        "+442079460958",
        "en-GB",
    )


async def test_what_is_left_out_stays_and_what_is_null_is_emptied(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    await result(ada, UPDATE, **FULL)
    kept = (await result(ada, UPDATE, bio="Short."))["user"]
    assert (kept["bio"], kept["city"], kept["username"]) == ("Short.", "London", "ada.l_1")
    emptied = dict.fromkeys(FULL) | {"fullname": "Ada Lovelace", "firstname": "  "}
    user = (await result(ada, UPDATE, **emptied))["user"]
    nothing = {name: user[name] for name in FULL if name not in ("fullname", "avatarUrl")}
    assert set(nothing.values()) == {None}
    assert user["avatarUrl"] == f"{souk.settings.base_url}/avatars/{user['id']}.svg"
    assert (await stored(ada, souk)).address is None


async def test_another_phone_number_is_not_verified_and_the_same_one_stays_so(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    await result(ada, UPDATE, phone="+442079460958")
    await souk.database.run(
        lambda work: work.execute(text("UPDATE user_account SET phone_verified = true"))
    )
    same = (await result(ada, UPDATE, phone="+44 (0)20 7946 0958", bio="x"))["user"]
    assert same["phoneVerified"] is True
    other = (await result(ada, UPDATE, phone="+442079460959"))["user"]
    assert other["phoneVerified"] is False
    assert (await stored(ada, souk)).phone_verified is False


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"fullname": None}, ["input", "fullname"]),
    ({"fullname": "   "}, ["input", "fullname"]),
    ({"fullname": "x" * 101}, ["input", "fullname"]),
    ({"fullname": "Ada \u202eecalevoL"}, ["input", "fullname"]),
    ({"firstname": "x" * 101}, ["input", "firstname"]),
    ({"gender": "x" * 31}, ["input", "gender"]),
    ({"bio": "x" * 2001}, ["input", "bio"]),
    ({"username": "ab"}, ["input", "username"]),
    ({"username": "x" * 31}, ["input", "username"]),
    ({"username": "a@example.com"}, ["input", "username"]),
    ({"username": "аda"}, ["input", "username"]),
    ({"phone": "12345"}, ["input", "phone"]),
    ({"avatarUrl": "javascript:alert(1)"}, ["input", "avatarUrl"]),
    ({"avatarUrl": "http://pictures.example/ada.png"}, ["input", "avatarUrl"]),
    ({"avatarUrl": "https://ada:secret@pictures.example/"}, ["input", "avatarUrl"]),
    ({"avatarUrl": 'https://x.example/"><script>'}, ["input", "avatarUrl"]),
    ({"avatarUrl": "https://[/"}, ["input", "avatarUrl"]),
    ({"avatarUrl": "https://x.example/" + "x" * 500}, ["input", "avatarUrl"]),
    ({"preferredLanguage": "English"}, ["input", "preferredLanguage"]),
    ({"preferredLanguage": "xx"}, ["input", "preferredLanguage"]),
    ({"address": {"country": "XX"}}, ["input", "address", "country"]),
    ({"address": {"country": "EU"}}, ["input", "address", "country"]),
    ({"address": {"postalCode": "x" * 21}}, ["input", "address", "postalCode"]),
]


async def test_what_no_profile_can_hold_is_refused_and_named(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    for wrong, path in WRONG:
        answer = await result(ada, UPDATE, city="Elsewhere", **wrong)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", path), wrong
    row = await stored(ada, souk)
    assert (row.fullname, row.city) == ("Ada Lovelace", None)


async def test_address_role_and_proofs_are_no_part_of_the_profile(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    for field in ("email", "role", "emailVerified", "phoneVerified", "id", "passwordHash"):
        refused = await ada.refused(UPDATE, input={field: "x", "bio": "x"})
        assert refused["code"] == "BAD_USER_INPUT", field
    assert (await stored(ada, souk)).bio is None


async def test_a_user_name_is_one_persons_whatever_its_case(souk: Souk) -> None:
    ada, eve = await souk.member("Ada Lovelace"), await souk.member("Eve")
    await result(ada, UPDATE, username="ada")
    answer = await result(eve, UPDATE, username="ADA", bio="I am Ada.")
    assert (answer["__typename"], answer["path"]) == ("Conflict", ["input", "username"])
    assert (await stored(eve, souk)).bio is None, "nothing of a refused change is kept"
    assert (await result(ada, UPDATE, username="ADA"))["user"]["username"] == "ada"


async def test_of_many_who_want_a_user_name_at_once_one_gets_it(souk: Souk) -> None:
    people = [await souk.member(f"Person {number}") for number in range(6)]
    answers = await asyncio.gather(*[result(one, UPDATE, username="first") for one in people])
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["Conflict"] * 5 + ["UpdateProfilePayload"]


async def test_nobody_changes_a_profile_without_signing_in(souk: Souk) -> None:
    refused = await souk.anonymous.refused(UPDATE, input={"bio": "x"})
    assert refused["code"] == "UNAUTHENTICATED"


async def test_a_change_of_nothing_writes_nothing(souk: Souk) -> None:
    ada = await souk.member("Ada Lovelace")
    await result(ada, UPDATE, city="London")
    before = await stored(ada, souk)
    with recorded_statements() as sent:
        await result(ada, UPDATE, city=" London ", fullname="Ada Lovelace")
    assert not any(statement.startswith("UPDATE") for statement in sent)
    assert (await stored(ada, souk)) == before

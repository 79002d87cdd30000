"""Whose account it is when a provider vouches for somebody, and unlinking
(spec/02-identity.md#one-time-codes)."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from core.settings import Settings
from tests.identity.documents import LOGIN, PASSWORD, REGISTER, result, verified
from tests.identity.oidc_shop import COMPLETE, EMAIL, IDENTITIES, UNLINK, Shop, opened


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    async with opened(settings) as shop:
        yield shop


async def test_a_new_person_logs_in_and_comes_back_to_the_same_account(shop: Shop) -> None:
    anonymous = shop.souk.anonymous
    found = await anonymous.run("{ oidcProviders { name label } }")
    assert found["oidcProviders"] == [{"name": "shop", "label": "Shop account"}]
    started = await shop.start()
    asked = parse_qs(urlsplit(started["authorizationUrl"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid email profile"]
    assert started["handle"] not in started["authorizationUrl"]
    first = await shop.complete(started)
    assert first["__typename"] == "LoginPayload", first
    assert first["user"] | {"id": ""} == {
        "id": "",
        "email": EMAIL,
        "fullname": "Ada Lovelace",
        "role": "USER",
        "emailVerified": True,
    }
    # The address may change at the provider: its own name for the person is what counts.
    again = await shop.log_in(email="lovelace@else.example", email_verified=False)
    assert again["user"]["id"] == first["user"]["id"]
    listed = (await shop.client(again).run(IDENTITIES))["linkedIdentities"]
    assert (listed["totalCount"], listed["nodes"][0]["provider"]) == (1, "shop")
    assert await shop.count("user_account WHERE role = 'USER'") == 1


async def test_a_browser_may_take_the_tokens_as_cookies(shop: Shop) -> None:
    started = await shop.start()
    input = {**await shop.returned(started), "provider": "shop", "handle": started["handle"]}
    body = {"query": COMPLETE, "variables": {"input": {**input, "useCookies": True}}}
    foreign = await shop.souk.http.post("/graphql", json=body)
    assert foreign.json()["data"]["completeOidcLogin"]["__typename"] == "InvalidInput"
    own = {"Origin": shop.souk.url}
    answer = await shop.souk.http.post("/graphql", json=body, headers=own)
    payload = answer.json()["data"]["completeOidcLogin"]
    assert (payload["accessToken"], payload["user"]["email"]) == ("", EMAIL)
    set_cookies = answer.headers.get_list("set-cookie")
    assert len(set_cookies) == 2
    assert all("HttpOnly" in cookie for cookie in set_cookies)


async def test_an_address_that_is_not_verified_links_and_makes_nothing(shop: Shop) -> None:
    await verified(shop.souk, EMAIL)
    for lie in ({"email_verified": False}, {"email_verified": "true"}, {"email": None}):
        refused = await shop.log_in(**lie)
        assert refused["reason"] == "EMAIL_NOT_VERIFIED", lie
    assert await shop.count("linked_identity") == 0
    assert await shop.count("session") == 0


async def test_a_verified_account_is_linked_and_keeps_its_password(shop: Shop) -> None:
    await verified(shop.souk, EMAIL)
    entered = await shop.log_in(email=EMAIL.upper(), name="Somebody else")
    assert (entered["user"]["email"], entered["user"]["fullname"]) == (EMAIL, "Ada Lovelace")
    by_password = await result(shop.souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
    assert by_password["user"]["id"] == entered["user"]["id"]


async def test_an_account_lying_in_wait_for_its_owner_opens_to_nobody_else(shop: Shop) -> None:
    anonymous = shop.souk.anonymous
    await result(
        anonymous, REGISTER, email=EMAIL, password=PASSWORD, fullname="Mal", phone="+12025550123"
    )
    await shop.do("UPDATE user_account SET phone_verified = true, username = 'mallory'")
    entered = await shop.log_in()
    assert entered["__typename"] == "LoginPayload", entered
    for name in ({"email": EMAIL}, {"username": "mallory"}):
        refused = await result(anonymous, LOGIN, password=PASSWORD, **name)
        assert refused["__typename"] == "InvalidCredentials"
    row = await shop.souk.database.first(
        text("SELECT * FROM user_account WHERE email = :email").bindparams(email=EMAIL)
    )
    assert row is not None
    assert (row.password_hash, row.phone, row.username) == (None, None, None)
    assert (row.phone_verified, row.email_verified) == (False, True)
    assert await shop.count("one_time_code") == 0


async def test_another_subject_with_the_address_of_a_linked_account_is_refused(shop: Shop) -> None:
    await shop.log_in()
    refused = await shop.log_in(sub="the-next-holder-of-the-address")
    assert refused["reason"] == "OTHER_IDENTITY"
    assert await shop.count("linked_identity") == 1
    assert await shop.count("session") == 1


async def test_one_new_person_at_once_makes_one_account(shop: Shop) -> None:
    started = [await shop.start() for _ in range(4)]
    answers = await asyncio.gather(*[shop.complete(one) for one in started])
    assert {answer["__typename"] for answer in answers} == {"LoginPayload"}
    assert len({answer["user"]["id"] for answer in answers}) == 1
    assert await shop.count("user_account WHERE role = 'USER'") == 1
    assert await shop.count("linked_identity") == 1


async def test_an_archived_account_is_restored_within_30_days_and_not_after(shop: Shop) -> None:
    first = await shop.log_in()
    archive = "UPDATE user_account SET is_active = false, rights_changed_at = now(), archived_at = "
    await shop.do(f"{archive} now() - interval '29 days' WHERE role = 'USER'")
    restored = await shop.log_in()
    assert restored["user"]["id"] == first["user"]["id"]
    me = await shop.client(restored).run("{ currentUser { email } }")
    assert me["currentUser"] == {"email": EMAIL}
    await shop.do(f"{archive} now() - interval '31 days' WHERE role = 'USER'")
    anew = await shop.log_in()
    assert anew["__typename"] == "LoginPayload", anew
    assert anew["user"]["id"] != first["user"]["id"]


async def test_an_account_closed_by_an_admin_stays_closed(shop: Shop) -> None:
    await shop.log_in()
    admin = await shop.souk.member("Ada Admin")
    assert admin.account is not None
    await shop.do(
        "UPDATE user_account SET is_active = false, archived_at = now(), closed_by = :admin "
        "WHERE email = :email",
        email=EMAIL,
        admin=admin.account.id,
    )
    refused = await shop.log_in()
    assert (refused["__typename"], refused["reason"]) == ("OidcLoginFailed", "REFUSED")


async def test_a_second_factor_that_is_on_is_asked_for_before_anything_is_linked(
    shop: Shop,
) -> None:
    await verified(shop.souk, EMAIL)
    await shop.do(
        "INSERT INTO second_factor (user_id, channel, target, enabled_at) "
        "SELECT id, 'EMAIL', email, now() FROM user_account WHERE email = :email",
        email=EMAIL,
    )
    due = await shop.log_in()
    assert (due["__typename"], len(due["challenge"]) >= 43) == ("TwoFactorNeeded", True)
    assert await shop.count("session") == 0
    assert await shop.count("linked_identity") == 0
    await shop.do("DELETE FROM second_factor")
    assert (await shop.log_in())["__typename"] == "LoginPayload"
    assert await shop.count("linked_identity") == 1


async def test_the_last_way_to_log_in_cannot_be_unlinked(shop: Shop) -> None:
    me = shop.client(await shop.log_in())
    [identity] = (await me.run(IDENTITIES))["linkedIdentities"]["nodes"]
    stranger = await shop.souk.member("Mallory")
    found = await stranger.run("query($id: ID!) { node(id: $id) { id } }", id=identity["id"])
    assert found["node"] is None
    assert (await result(stranger, UNLINK, identityId=identity["id"]))["code"] == "NOT_FOUND"
    refused = await result(me, UNLINK, identityId=identity["id"])
    assert refused["__typename"] == "LastWayToLogIn"
    assert await shop.count("linked_identity") == 1
    await shop.do("UPDATE user_account SET password_hash = 'set' WHERE email = :e", e=EMAIL)
    assert (await result(me, UNLINK, identityId=identity["id"]))["identityId"] == identity["id"]
    assert await shop.count("linked_identity") == 0
    assert (await shop.souk.anonymous.refused(IDENTITIES))["code"] == "UNAUTHENTICATED"

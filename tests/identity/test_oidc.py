"""Logging in at a provider, against a real one that can be told to lie
(spec/02-identity.md#one-time-codes)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from core.settings import OidcProvider, Settings
from tests.identity.documents import result
from tests.identity.oidc_shop import APP, COMPLETE, EMAIL, PAGE, Shop, opened


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    async with opened(settings) as shop:
        yield shop


async def test_what_is_stored_of_a_log_in_is_of_no_use_to_a_reader(shop: Shop) -> None:
    started = await shop.start()
    asked = parse_qs(urlsplit(started["authorizationUrl"]).query)
    await shop.complete(started)
    [verifier] = shop.provider.verifiers
    row = await shop.souk.database.first(text("SELECT * FROM oidc_login"))
    assert row is not None
    for secret in (started["handle"], asked["state"][0], asked["nonce"][0], verifier):
        assert len(secret) >= 43
        assert secret not in str(row)


async def test_the_callback_takes_the_code_to_an_allowed_address_only(shop: Shop) -> None:
    for allowed in (PAGE, APP):
        started = await shop.start(redirectUri=allowed)
        path = await shop.at_provider(started["authorizationUrl"])
        back = await shop.souk.http.get(path)
        assert back.headers["location"].startswith(allowed)
        assert back.headers["referrer-policy"] == "no-referrer"
        assert back.headers["cache-control"] == "no-store"
    for evil in ("https://evil.example/", f"{PAGE}&x=1", "https://shop.example@evil.example/"):
        refused = await shop.start(redirectUri=evil)
        assert (refused["__typename"], refused["path"]) == (
            "InvalidInput",
            ["input", "redirectUri"],
        )
    assert await shop.count("oidc_login") == 2
    for bad in (
        "/oidc/shop/callback?state=made-up&code=x",
        "/oidc/shop/callback?code=x",
        "/oidc/other/callback?state=x&code=x",
        f"{path}&state=twice",
    ):
        assert (await shop.souk.http.get(bad)).status_code == 400, bad


async def test_who_refuses_at_the_provider_comes_back_with_the_error(shop: Shop) -> None:
    shop.provider.lie = "denied"
    assert (await shop.returned(await shop.start()))["error"] == "access_denied"


async def test_only_the_client_that_started_completes_and_only_once(shop: Shop) -> None:
    mine, other = await shop.start(), await shop.start()
    back = await shop.returned(mine)
    input = {**back, "provider": "shop"}

    async def attempt(**changes: Any) -> dict[str, Any]:
        return await result(shop.souk.anonymous, COMPLETE, **{**input, **changes})

    for handle in (other["handle"], "made up"):
        refused = await attempt(handle=handle)
        assert refused["reason"] == "NOT_STARTED", refused
    wrong_state = parse_qs(urlsplit(other["authorizationUrl"]).query)["state"][0]
    for state in (wrong_state, "made up"):
        assert (await attempt(handle=mine["handle"], state=state))["reason"] == "NOT_STARTED"
    # A code under another log in of the same client: nonce and verifier do not fit.
    crossed = await attempt(handle=other["handle"], state=wrong_state)
    assert crossed["reason"] == "REFUSED", crossed
    assert await shop.count("session") == 0
    answers = await asyncio.gather(*[attempt(handle=mine["handle"]) for _ in range(5)])
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["LoginPayload", *["OidcLoginFailed"] * 4]
    assert (await attempt(handle=mine["handle"]))["reason"] == "NOT_STARTED"
    assert await shop.count("session") == 1


async def test_a_log_in_ends_after_ten_minutes(shop: Shop) -> None:
    started = await shop.start()
    back = await shop.returned(started)
    await shop.do("UPDATE oidc_login SET expires_at = now() - interval '1 second'")
    input = {**back, "provider": "shop", "handle": started["handle"]}
    refused = await result(shop.souk.anonymous, COMPLETE, **input)
    assert refused["reason"] == "NOT_STARTED"
    assert shop.provider.asked.get("/token") is None


async def test_a_code_is_worth_nothing_twice(shop: Shop) -> None:
    started = await shop.start()
    back = await shop.returned(started)
    first = await result(
        shop.souk.anonymous, COMPLETE, **back, provider="shop", handle=started["handle"]
    )
    assert first["__typename"] == "LoginPayload"
    again = await shop.complete(await shop.start(), code=back["code"])
    assert again["reason"] == "REFUSED"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # for Ed25519, the same by its own name
async def test_signatures_by_a_private_key_are_taken(shop: Shop) -> None:
    for algorithm in ("RS256", "ES256", "EdDSA"):
        shop.provider.algorithm = algorithm
        assert (await shop.log_in())["__typename"] == "LoginPayload", algorithm


LIES = [
    "wrong nonce",
    "no nonce",
    "wrong aud",
    "more aud without azp",
    "wrong azp",
    "wrong iss",
    "expired",
    "issued tomorrow",
    "issued yesterday",
    "no exp",
    "wrong at_hash",
    "no sub",
    "number as sub",
    "alg none",
    "HS256 with the public key",
    "RS384",
    "another's key",
    "unknown key",
    "changed after signing",
]


async def test_a_provider_that_lies_is_refused_and_nothing_is_made(shop: Shop) -> None:
    for lie in LIES:
        shop.provider.lie = lie
        refused = await shop.log_in()
        assert (refused["__typename"], refused.get("reason")) == ("OidcLoginFailed", "REFUSED"), lie
    # A token of an unknown key has the keys be read anew, but not each time.
    assert shop.provider.asked["/jwks"] <= 2
    assert await shop.count("session") == 0
    assert await shop.count("linked_identity") == 0
    assert await shop.count("user_account WHERE role = 'USER'") == 0
    shop.provider.lie = ""
    assert (await shop.log_in())["__typename"] == "LoginPayload"


@pytest.mark.parametrize(
    "lie", ["discovery of another", "inner token endpoint", "moved", "no json", "too long"]
)
async def test_a_provider_cannot_lead_us_elsewhere(shop: Shop, lie: str) -> None:
    shop.provider.lie = lie
    started = await shop.start()
    if started["__typename"] == "OidcLoginStarted":
        shop.provider.asked.clear()
        started = await shop.complete(started)
    assert started["__typename"] == "OidcLoginFailed"
    assert started["reason"] == ("REFUSED" if lie == "moved" else "UNAVAILABLE")
    assert shop.provider.asked.get("/token") is None
    assert await shop.count("session") == 0


async def test_fifty_failures_from_a_network_are_enough(shop: Shop) -> None:
    await shop.do(
        "INSERT INTO failed_attempt (id, kind, subject, occurred_at) SELECT gen_random_uuid(), "
        "'oidc from address', '127.0.0.1', now() FROM generate_series(1, 50)"
    )
    input = {"provider": "shop", "handle": "x", "state": "x", "code": "x"}
    refused = await shop.souk.anonymous.refused(COMPLETE, input=input)
    assert refused["code"] == "RATE_LIMITED"


async def test_what_the_id_token_lacks_comes_from_the_user_info_of_the_same_person(
    shop: Shop,
) -> None:
    shop.provider.person = {
        "sub": "ada-at-home",
        "later_email": EMAIL,
        "later_email_verified": True,
        "later_name": "Ada",
    }
    shop.provider.lie = "userinfo"
    assert (await shop.complete(await shop.start()))["reason"] == "REFUSED"
    shop.provider.lie = ""
    assert (await shop.complete(await shop.start()))["user"]["email"] == EMAIL


async def test_a_provider_needs_https_unless_it_is_this_machine() -> None:
    for issuer in ("http://id.example", "ftp://id.example", "id.example", ""):
        with pytest.raises(ValueError, match="https"):
            OidcProvider(name="id", issuer=issuer, client_id="x")
    assert OidcProvider(name="google", client_id="x").issuer == "https://accounts.google.com"

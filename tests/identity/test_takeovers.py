"""Ways into somebody else's account that were tried and must stay closed
(spec/02-identity.md, design/reliability.md#attacks-tried)."""

from contextlib import suppress
from typing import Any

import pytest
import structlog.testing
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.settings import Environment, Settings
from resolvers.identity.oidc import OidcLogins
from rest.middleware import RequestScope
from tests.clients.client import Souk
from tests.identity.code_documents import (
    COMPLETE_MOBILE,
    NEW_PASSWORD,
    PHONE,
    START_MOBILE,
    START_RESET,
    execute,
    new_password,
    pause,
    registered,
    stored,
)
from tests.identity.documents import LOGIN, REGISTER, result
from tests.identity.mailbox import newest_code, newest_sms_code, texts
from tests.identity.test_api_keys import keyed

ADA = "ada@example.com"
CHANGE_PHONE = """mutation Change($input: UpdateProfileInput!) { updateProfile(input: $input) {
  __typename ... on UserError { code message } } }"""


async def test_a_phone_of_whoever_registered_the_address_first_does_not_outlive_its_proof(
    souk: Souk,
) -> None:
    # A stranger registers the address with a phone of their own, and proves the phone.
    await registered(souk, phone=PHONE)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    code = await newest_sms_code(souk, PHONE)
    proven = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert proven["__typename"] == "MobileVerified"
    # The owner of the address chooses a password by mail, which proves the address.
    await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    await new_password(souk, await newest_code(souk, ADA), email=ADA)
    owner = await stored(souk)
    assert (owner.email_verified, owner.phone, owner.phone_verified) == (True, None, False)
    # The stranger's phone sets no other one.
    before = len(await texts(souk))
    await pause(souk)
    for who in ({"phone": PHONE}, {"email": ADA}):
        await result(souk.anonymous, START_RESET, channel="MOBILE", **who)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    assert len(await texts(souk)) == before
    entered = await result(souk.anonymous, LOGIN, email=ADA, password=NEW_PASSWORD)
    assert entered["__typename"] == "LoginPayload"


async def test_a_key_changes_no_phone_number_because_a_phone_sets_passwords(souk: Souk) -> None:
    ada = await souk.member("Ada")
    key = await keyed(ada, "READ", "WRITE")
    refused = await key.post(CHANGE_PHONE, input={"phone": PHONE})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    phones = text("SELECT count(*) FROM user_account WHERE phone IS NOT NULL")
    assert await souk.database.scalar(phones) == 0
    kept = await result(key, CHANGE_PHONE, bio="by a key")
    assert kept["__typename"] == "UpdateProfilePayload"
    changed = await result(ada, CHANGE_PHONE, phone=PHONE)
    assert changed["__typename"] == "UpdateProfilePayload"


async def test_a_letter_that_becomes_anothers_in_small_letters_is_in_no_address(
    souk: Souk,
) -> None:
    address = {"password": NEW_PASSWORD, "fullname": "Ada"}
    refused = await result(souk.anonymous, REGISTER, email="\u0130nfo@example.com", **address)
    assert refused["__typename"] == "InvalidInput"
    await registered(souk, "info@example.com")
    assert await souk.database.scalar(text("SELECT count(*) FROM user_account")) == 1


async def test_one_number_is_rung_so_often_in_an_hour_whatever_accounts_name_it(
    souk: Souk,
) -> None:
    for number in range(12):
        email = f"caller-{number}@example.com"
        await registered(souk, email, phone=PHONE)
        answer = await result(souk.anonymous, START_MOBILE, email=email)
        assert answer["__typename"] == "VerificationStarted", "the answer tells nothing"
    assert len(await texts(souk)) == 10
    await execute(souk, "UPDATE failed_attempt SET occurred_at = occurred_at - interval '61 min'")
    await result(souk.anonymous, START_MOBILE, email="caller-0@example.com")
    assert len(await texts(souk)) == 11


async def test_an_input_that_does_not_fit_is_not_repeated_with_its_password(souk: Souk) -> None:
    person: dict[str, Any] = {"email": ADA, "fullname": "Ada", "password": NEW_PASSWORD}
    answer = await souk.anonymous.post(REGISTER, input={**person, "role": "ADMIN"})
    assert "unknown field 'role'" in answer["errors"][0]["message"], "what is wrong is told"
    assert NEW_PASSWORD not in str(answer)
    written = f'{{ password: "{NEW_PASSWORD}", role: "ADMIN" }}'
    answer = await souk.anonymous.post(f"mutation {{ login(input: {written}) {{ __typename }} }}")
    assert "unknown field 'role'" in str(answer)
    assert NEW_PASSWORD not in str(answer)


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example\\@localhost/back",
        "http://evil.example\\.localhost@localhost/",
        "http://me@localhost/",
        "http://localhost@evil.example/",
        "http://localhost.evil.example/",
        "https://localhost/",
    ],
)
def test_in_development_only_this_machine_is_returned_to(address: str) -> None:
    logins = OidcLogins(Settings(env=Environment.DEVELOPMENT))
    assert logins.return_address("http://localhost:3000/back") == "http://localhost:3000/back"
    with pytest.raises(Exception, match="redirectUri"):
        logins.return_address(address)


async def test_a_bug_on_the_way_of_a_link_does_not_log_its_token() -> None:
    async def fails(_: Request) -> Response:
        raise ZeroDivisionError

    app = RequestScope(Starlette(routes=[Route("/reset-password/{token}", fails)]))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/reset-password/aToken"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
    # Starlette answers the error itself, and raises it all the same.
    with structlog.testing.capture_logs() as lines, suppress(ZeroDivisionError):
        await app({**scope, "headers": [], "query_string": b""}, receive, send)
    [line] = [line for line in lines if line["event"] == "bug"]
    assert line["path"] == "/reset-password/…"

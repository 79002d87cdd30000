"""From registering to logging out, by the schema."""

import asyncio
import re
from datetime import datetime

import pytest
from sqlalchemy import text

from core.settings import Environment, Settings
from gateways.mail import OUTBOX, LogMail
from tests.clients.client import Souk, running_souk
from tests.identity.documents import (
    COMPLETE,
    LOGIN,
    LOGOUT,
    PASSWORD,
    REFRESH,
    REGISTER,
    START,
    logged_in,
    post_with,
    result,
    verified,
)
from tests.identity.mailbox import mails, newest_code


async def test_a_person_registers_verifies_logs_in_refreshes_and_logs_out(souk: Souk) -> None:
    anonymous = souk.anonymous
    email = "ada@example.com"
    made = await result(
        anonymous, REGISTER, email=email, password=PASSWORD, fullname="  Ada Lovelace "
    )
    assert made == {
        "__typename": "RegisterUserPayload",
        "emailVerificationNeeded": True,
        "mobileVerificationNeeded": False,
    }
    early = await result(anonymous, LOGIN, email=email, password=PASSWORD)
    assert early["__typename"] == "EmailVerificationNeeded"
    code = await newest_code(souk, email)
    proven = await result(anonymous, COMPLETE, email="ADA@example.com", secretCode=code)
    assert proven == {"__typename": "EmailVerified", "email": email, "isVerified": True}
    session = await logged_in(souk, "Ada@Example.com")
    assert session["user"]["fullname"] == "Ada Lovelace"
    assert session["user"]["role"] == "USER"
    status, body = await post_with(souk, session["accessToken"])
    assert status == 200
    assert body["data"]["currentUser"] == session["user"]
    fresh = await result(anonymous, REFRESH, refreshToken=session["refreshToken"])
    assert fresh["__typename"] == "RefreshSessionPayload"
    status, body = await post_with(souk, fresh["accessToken"], LOGOUT)
    assert body["data"]["logout"]["loggedOut"] is True
    for token in (session["accessToken"], fresh["accessToken"]):
        status, body = await post_with(souk, token)
        assert status == 401
        assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    ended = await result(anonymous, REFRESH, refreshToken=fresh["refreshToken"])
    assert ended["__typename"] == "SessionInvalid"


async def test_a_password_is_stored_as_argon2id_and_a_code_and_refresh_token_as_hashes(
    souk: Souk,
) -> None:
    await verified(souk, "ada@example.com")
    session = await logged_in(souk, "ada@example.com")
    code = await newest_code(souk, "ada@example.com")
    stored = await souk.database.scalar(text("SELECT password_hash FROM user_account"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    everything = await souk.database.rows(
        text(
            "SELECT row_to_json(t)::text FROM one_time_code t UNION ALL "
            "SELECT row_to_json(t)::text FROM refresh_token t UNION ALL "
            "SELECT row_to_json(t)::text FROM signing_key t UNION ALL "
            "SELECT convert_from(payload, 'UTF8') FROM pgqueuer"
        )
    )
    for row in everything:
        assert session["refreshToken"] not in row[0]
        assert f'"{code}"' not in row[0]
        assert "PRIVATE KEY" not in row[0]


async def test_registering_a_taken_address_answers_alike_and_mails_its_owner(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    person = {"password": "another long password", "fullname": "Eve"}
    taken = await result(souk.anonymous, REGISTER, email="ADA@example.com", **person)
    free = await result(souk.anonymous, REGISTER, email="eve@example.com", **person)
    assert taken == free
    to_owner = [mail for mail in await mails(souk) if mail.to == "ada@example.com"]
    assert "already" in to_owner[-1].subject
    rows = await souk.database.rows(text("SELECT fullname FROM user_account ORDER BY email"))
    assert [row.fullname for row in rows] == ["Ada Lovelace", "Eve"]
    await logged_in(souk, "ada@example.com")


async def test_registrations_of_one_address_at_once_make_one_account(souk: Souk) -> None:
    answers = await asyncio.gather(
        *[
            result(
                souk.anonymous,
                REGISTER,
                email=email,
                password=PASSWORD,
                fullname="Ada",
            )
            for email in ["ada@example.com", "ADA@example.com"] * 5
        ]
    )
    assert {answer["__typename"] for answer in answers} == {"RegisterUserPayload"}
    assert await souk.database.scalar(text("SELECT count(*) FROM user_account")) == 1
    assert await souk.database.scalar(text("SELECT count(*) FROM one_time_code")) == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": "ada@localhost"}, "email"),
        ({"email": "ada@@example.com"}, "email"),
        ({"email": "a\n@example.com"}, "email"),
        ({"email": "   "}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"fullname": " \t "}, "fullname"),
        ({"fullname": "a" * 101}, "fullname"),
        ({"fullname": "a\u0000b"}, "fullname"),
        ({"phone": "12345"}, "phone"),
        ({"phone": "+1"}, "phone"),
        ({"password": "x" * 2000}, "password"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_stored(
    souk: Souk, change: dict[str, str], path: str
) -> None:
    input = {"email": "ada@example.com", "password": PASSWORD, "fullname": "Ada", **change}
    answer = await result(souk.anonymous, REGISTER, **input)
    assert answer["__typename"] == "InvalidInput", answer
    assert answer["path"] == ["input", path]
    assert await souk.database.scalar(text("SELECT count(*) FROM user_account")) == 0
    assert await mails(souk) == []


@pytest.mark.parametrize(
    "password", ["short12", "x" * 129, "Password123", "aaaaaaaaaaaa", "Ada.Long@example.com"]
)
async def test_a_weak_password_is_refused_and_nothing_is_stored(souk: Souk, password: str) -> None:
    answer = await result(
        souk.anonymous,
        REGISTER,
        email="ada.long@example.com",
        password=password,
        fullname="Ada",
    )
    assert answer["__typename"] == "WeakPassword"
    assert answer["code"] == "WEAK_PASSWORD"
    assert answer["path"] == ["input", "password"]
    assert await souk.database.scalar(text("SELECT count(*) FROM user_account")) == 0


async def test_a_phone_number_is_kept_in_its_international_form(souk: Souk) -> None:
    await result(
        souk.anonymous,
        REGISTER,
        email="ada@example.com",
        password=PASSWORD,
        fullname="Ada",
        phone=" +44 20 7946 0958 ",
    )
    stored = await souk.database.scalar(text("SELECT phone FROM user_account"))
    assert stored == "+442079460958"


async def test_asking_for_a_code_answers_alike_for_known_and_unknown_addresses(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    await result(
        souk.anonymous, REGISTER, email="new@example.com", password=PASSWORD, fullname="New"
    )
    for email in ("ada@example.com", "new@example.com", "nobody@example.com"):
        first = await result(souk.anonymous, START, email=email)
        assert first["__typename"] == "VerificationStarted"
        assert 10 <= first["codeIndex"] <= 99
        assert datetime.fromisoformat(first["expiresAt"]).tzinfo is not None
        assert first["secretCode"] is None
        second = await result(souk.anonymous, START, email=email.upper())
        assert second["__typename"] == "ResendTooSoon"
        assert 50 <= second["retryAfter"] <= 60
    addresses = [mail.to for mail in await mails(souk)]
    assert addresses == ["ada@example.com", "new@example.com", "new@example.com"]


async def test_a_new_code_ends_the_last_one(souk: Souk) -> None:
    email = "ada@example.com"
    await result(souk.anonymous, REGISTER, email=email, password=PASSWORD, fullname="Ada")
    first = await newest_code(souk, email)
    await result(souk.anonymous, START, email=email)
    second = await newest_code(souk, email)
    if first != second:
        refused = await result(souk.anonymous, COMPLETE, email=email, secretCode=first)
        assert refused["__typename"] == "CodeInvalid"
    taken = await result(souk.anonymous, COMPLETE, email=email, secretCode=second)
    assert taken["__typename"] == "EmailVerified"
    again = await result(souk.anonymous, COMPLETE, email=email, secretCode=second)
    assert again["__typename"] == "CodeInvalid"


async def test_five_wrong_guesses_end_a_code_also_when_made_at_once(souk: Souk) -> None:
    email = "ada@example.com"
    await result(souk.anonymous, REGISTER, email=email, password=PASSWORD, fullname="Ada")
    code = await newest_code(souk, email)
    guesses = [f"{(int(code) + step) % 1_000_000:06d}" for step in range(1, 6)]
    answers = await asyncio.gather(
        *[result(souk.anonymous, COMPLETE, email=email, secretCode=guess) for guess in guesses]
    )
    assert {answer["__typename"] for answer in answers} == {"CodeInvalid"}
    right = await result(souk.anonymous, COMPLETE, email=email, secretCode=code)
    assert right["__typename"] == "CodeInvalid"
    unknown = await result(souk.anonymous, COMPLETE, email="x@example.com", secretCode=code)
    assert unknown == right


async def test_an_expired_code_is_refused(souk: Souk) -> None:
    email = "ada@example.com"
    await result(souk.anonymous, REGISTER, email=email, password=PASSWORD, fullname="Ada")
    code = await newest_code(souk, email)
    await souk.database.run(
        lambda work: work.execute(text("UPDATE one_time_code SET expires_at = now()"))
    )
    answer = await result(souk.anonymous, COMPLETE, email=email, secretCode=code)
    assert answer["__typename"] == "CodeInvalid"


@pytest.mark.parametrize(
    ("env", "shown"), [(Environment.DEVELOPMENT, True), (Environment.PRODUCTION, False)]
)
async def test_the_code_is_in_the_answer_only_in_development(
    settings: Settings, env: Environment, shown: bool
) -> None:
    there = settings.model_copy(update={"env": env, "log_json": True})
    async with running_souk(there) as souk:
        await result(
            souk.anonymous, REGISTER, email="ada@example.com", password=PASSWORD, fullname="Ada"
        )
        answer = await result(souk.anonymous, START, email="ada@example.com")
        assert (answer["secretCode"] is not None) is shown
        code = answer["secretCode"] or await newest_code(souk, "ada@example.com")
        proven = await result(souk.anonymous, COMPLETE, email="ada@example.com", secretCode=code)
        assert proven["__typename"] == "EmailVerified"


async def test_an_archived_account_is_restored_by_logging_in_within_thirty_days(
    souk: Souk,
) -> None:
    async def archive(days: int) -> None:
        statement = text(
            "UPDATE user_account SET is_active = false, rights_changed_at = now(), "
            "archived_at = now() - make_interval(days => :days) WHERE email LIKE 'ada@%'"
        ).bindparams(days=days)
        await souk.database.run(lambda work: work.execute(statement))

    person = {"email": "ada@example.com", "password": PASSWORD, "fullname": "Ada"}
    await verified(souk, "ada@example.com")
    await archive(29)
    answer = await result(souk.anonymous, REGISTER, **person)
    assert answer["__typename"] == "AccountArchived"
    assert "Log in" in answer["message"]
    session = await logged_in(souk, "ada@example.com")
    status, body = await post_with(souk, session["accessToken"])
    assert (status, body["data"]["currentUser"]["email"]) == (200, "ada@example.com")
    await archive(31)
    refused = await result(souk.anonymous, LOGIN, email="ada@example.com", password=PASSWORD)
    assert refused["__typename"] == "InvalidCredentials"
    again = await result(souk.anonymous, REGISTER, **person)
    assert again["__typename"] == "RegisterUserPayload"
    assert await souk.database.scalar(text("SELECT count(*) FROM user_account")) == 2


async def test_the_worker_sends_the_mail_and_the_log_never_holds_its_code(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    OUTBOX.messages.clear()
    async with running_souk(settings.model_copy(update={"worker": True})) as souk:
        await result(
            souk.anonymous, REGISTER, email="ada@example.com", password=PASSWORD, fullname="Ada"
        )
        for _ in range(100):
            if OUTBOX.messages:
                break
            await asyncio.sleep(0.1)
    [mail] = OUTBOX.messages
    assert mail.to == "ada@example.com"
    code = re.search(r"\d{6}", mail.text)
    assert code
    await LogMail(with_text=False).send(mail, "key")
    assert code[0] not in capsys.readouterr().err

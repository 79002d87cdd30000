"""Logging in: what comes only after the right password, and logging in as staff."""

import asyncio

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from auth.actor import Role
from core.ids import encode_id
from core.settings import Settings
from tests.clients.client import Souk, running_souk
from tests.identity.documents import PASSWORD, logged_in, post_with, result
from tests.identity.factor_documents import (
    COMPLETE,
    LOGIN,
    LOGIN_AS_ADMIN,
    account,
    count,
    execute,
    give,
    person_with_app,
)
from tests.identity.test_sessions import live_sessions

EMAIL = "ada@example.com"
STAFF = [Role.STAFF, Role.ADMIN, Role.SUPER_ADMIN]


async def failures(souk: Souk) -> int:
    """How many wrong passwords are counted."""
    return await count(souk, "failed_attempt WHERE kind = 'login' AND NOT pending")


async def test_staff_and_above_log_in_as_staff(souk: Souk) -> None:
    for role in STAFF:
        email = f"{role.value.lower()}@example.com"
        await account(souk, email, role)
        answer = await result(souk.anonymous, LOGIN_AS_ADMIN, username=email, password=PASSWORD)
        assert answer["__typename"] == "LoginPayload"
        assert answer["user"]["role"] == role.value
        status, body = await post_with(souk, answer["accessToken"])
        assert (status, body["data"]["currentUser"]["email"]) == (200, email)
    assert await failures(souk) == 0


async def test_everybody_else_is_refused_as_for_a_wrong_password_and_counted_so(
    souk: Souk,
) -> None:
    await account(souk, EMAIL)
    right = await result(souk.anonymous, LOGIN_AS_ADMIN, email=EMAIL, password=PASSWORD)
    wrong = await result(souk.anonymous, LOGIN_AS_ADMIN, email=EMAIL, password="wrong one")
    unknown = await result(souk.anonymous, LOGIN_AS_ADMIN, email="x@example.com", password=PASSWORD)
    usual = await result(souk.anonymous, LOGIN, email=EMAIL, password="wrong one")
    assert right == wrong == unknown == usual
    assert right["__typename"] == "InvalidCredentials"
    assert await live_sessions(souk) == 0
    assert await failures(souk) == 4
    for _ in range(2):
        await result(souk.anonymous, LOGIN_AS_ADMIN, email=EMAIL, password=PASSWORD)
    refused = await souk.anonymous.refused(LOGIN, input={"email": EMAIL, "password": PASSWORD})
    assert refused["code"] == "RATE_LIMITED", "or the right password would show by not counting"


async def test_a_right_password_is_not_told_to_who_is_no_staff_by_what_is_due(souk: Souk) -> None:
    ada = await person_with_app(souk, EMAIL)
    refused = await result(souk.anonymous, LOGIN_AS_ADMIN, email=ada.email, password=PASSWORD)
    assert refused["__typename"] == "InvalidCredentials"
    await execute(souk, "UPDATE user_account SET email_verified = false")
    refused = await result(souk.anonymous, LOGIN_AS_ADMIN, email=ada.email, password=PASSWORD)
    assert refused["__typename"] == "InvalidCredentials"
    assert await count(souk, "login_challenge") == 0


async def test_staff_give_their_second_factor_too_and_must_still_be_staff(souk: Souk) -> None:
    ada = await person_with_app(souk, EMAIL, Role.STAFF)
    first, second = [await ada.challenge(LOGIN_AS_ADMIN) for _ in range(2)]
    entered = await give(souk, first["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    await execute(souk, "UPDATE user_account SET role = 'USER', rights_changed_at = now()")
    refused = await give(souk, second["challenge"], "TOTP", await ada.code())
    assert refused["__typename"] == "ChallengeInvalid"
    assert await live_sessions(souk) == 2


async def test_an_unverified_address_is_told_only_after_the_right_password(souk: Souk) -> None:
    await account(souk, EMAIL)
    await execute(souk, "UPDATE user_account SET email_verified = false")
    wrong = await result(souk.anonymous, LOGIN, email=EMAIL, password="wrong one")
    assert wrong["__typename"] == "InvalidCredentials"
    right = await result(souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
    assert right["__typename"] == "EmailVerificationNeeded"
    assert right["code"] == "EMAIL_VERIFICATION_NEEDED"
    assert await failures(souk) == 1
    assert await live_sessions(souk) == 0


async def test_an_unverified_phone_is_told_only_after_the_right_password_where_it_is_demanded(
    settings: Settings,
) -> None:
    demanding = settings.model_copy(update={"mobile_verification": True})
    async with running_souk(demanding) as souk:
        await account(souk, EMAIL)
        await execute(souk, "UPDATE user_account SET phone = '+442079460958'")
        wrong = await result(souk.anonymous, LOGIN, email=EMAIL, password="wrong one")
        assert wrong["__typename"] == "InvalidCredentials"
        right = await result(souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
        assert right["__typename"] == "MobileVerificationNeeded"
        assert right["code"] == "MOBILE_VERIFICATION_NEEDED"
        assert await live_sessions(souk) == 0
        await execute(souk, "UPDATE user_account SET phone_verified = true")
        await logged_in(souk, EMAIL)


async def test_verification_comes_before_the_second_factor(souk: Souk) -> None:
    ada = await person_with_app(souk, EMAIL)
    due = await ada.challenge()
    await execute(souk, "UPDATE user_account SET email_verified = false")
    answer = await result(souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
    assert answer["__typename"] == "EmailVerificationNeeded"
    late = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert late["__typename"] == "ChallengeInvalid"
    assert await live_sessions(souk) == 1


@pytest.mark.parametrize(
    "closing",
    [
        "UPDATE user_account SET is_active = false, archived_at = now() - interval '31 days' "
        "WHERE email LIKE 'ada%'",
        "UPDATE user_account SET is_active = false, archived_at = now(), closed_by = "
        "(SELECT id FROM user_account WHERE email LIKE 'root%') WHERE email LIKE 'ada%'",
        "UPDATE user_account SET is_active = false WHERE email LIKE 'ada%'",
    ],
    ids=["long ago", "by an admin", "without a date"],
)
async def test_an_account_closed_for_good_is_like_none(souk: Souk, closing: str) -> None:
    await account(souk, EMAIL)
    await account(souk, "root@example.com", Role.ADMIN)
    await execute(souk, closing)
    right = await result(souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
    unknown = await result(souk.anonymous, LOGIN, email="x@example.com", password=PASSWORD)
    assert right == unknown
    assert right["__typename"] == "InvalidCredentials"
    assert await failures(souk) == 2
    assert await count(souk, "user_account WHERE is_active") == 1


async def test_an_account_that_its_owner_closed_is_restored_and_no_longer_closed_by_anybody(
    souk: Souk,
) -> None:
    await account(souk, EMAIL)
    await execute(
        souk,
        "UPDATE user_account SET is_active = false, archived_at = now() - interval '29 days', "
        "closed_by = id, rights_changed_at = now()",
    )
    session = await logged_in(souk, EMAIL)
    status, _ = await post_with(souk, session["accessToken"])
    assert status == 200
    open_again = "is_active AND archived_at IS NULL AND closed_by IS NULL"
    assert await count(souk, f"user_account WHERE {open_again}") == 1


async def test_an_account_without_a_password_is_not_entered_by_any(souk: Souk) -> None:
    await account(souk, EMAIL)
    await execute(souk, "UPDATE user_account SET password_hash = NULL")
    answer = await result(souk.anonymous, LOGIN, email=EMAIL, password=PASSWORD)
    assert answer["__typename"] == "InvalidCredentials"


async def test_an_old_hash_is_made_anew_by_logging_in_also_before_the_second_factor(
    souk: Souk,
) -> None:
    ada = await person_with_app(souk, EMAIL)
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await execute(souk, "UPDATE user_account SET password_hash = :old", old=cheap)
    due = await ada.challenge()
    stored = await souk.database.scalar(text("SELECT password_hash FROM user_account"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"


async def test_guesses_as_staff_and_as_anybody_share_one_count_also_at_once(souk: Souk) -> None:
    await account(souk, EMAIL, Role.ADMIN)
    answers = await asyncio.gather(
        *[
            souk.anonymous.post(document, input={"email": EMAIL, "password": f"guess {number}"})
            for number in range(10)
            for document in (LOGIN, LOGIN_AS_ADMIN)
        ]
    )
    assert len([answer for answer in answers if "errors" not in answer]) == 5
    assert await failures(souk) == 5


async def locked_out(souk: Souk) -> list[str | None]:
    """Whose lock-outs stand in the audit log, oldest first."""
    rows = await souk.database.rows(
        text(
            "SELECT object_id FROM audit_entry WHERE action = 'login.locked_out' "
            "AND performed_by IS NULL ORDER BY sequence"
        )
    )
    return [row[0] for row in rows]


async def test_a_refusal_after_the_lock_out_is_noted_in_the_audit_log_once(souk: Souk) -> None:
    ada = await person_with_app(souk, EMAIL)
    assert ada.client.account is not None
    user_id = encode_id("usr", ada.client.account.id)
    due = await ada.challenge()
    for email, noted in ((EMAIL, user_id), ("nobody@example.com", None)):
        for _ in range(5):
            await result(souk.anonymous, LOGIN, email=email, password="wrong one")
        before = await locked_out(souk)
        await asyncio.gather(
            *[
                souk.anonymous.refused(LOGIN, input={"email": email, "password": "wrong one"})
                for _ in range(4)
            ]
        )
        assert await locked_out(souk) == [*before, noted]
    for _ in range(5):
        await give(souk, due["challenge"], "RECOVERY", "0000000000")
    assert len(await locked_out(souk)) == 2
    input = {"challenge": due["challenge"], "channel": "TOTP", "code": await ada.code()}
    for _ in range(2):
        assert (await souk.anonymous.refused(COMPLETE, input=input))["code"] == "RATE_LIMITED"
    assert await locked_out(souk) == [user_id, None, user_id]

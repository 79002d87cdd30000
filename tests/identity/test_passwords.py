"""Choosing a new password: forgotten, by mail and by phone; and one's own, knowing the old one."""

import asyncio
import time
from statistics import median
from typing import Any

import pytest
from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.code_documents import (
    COMPLETE_RESET,
    NEW_PASSWORD,
    PHONE,
    START_RESET,
    code_row,
    execute,
    new_password,
    other_than,
    pause,
    registered,
    stored,
    with_phone,
)
from tests.identity.documents import (
    LOGIN,
    PASSWORD,
    REFRESH,
    START,
    logged_in,
    post_with,
    result,
    verified,
)
from tests.identity.factor_documents import give, person_with_app
from tests.identity.mailbox import (
    jobs,
    link_in,
    mails,
    newest_code,
    newest_mail,
    newest_sms_code,
    newest_text,
    texts,
)

ADA = "ada@example.com"


async def enters(souk: Souk, password: str, email: str = ADA) -> str:
    """The kind of answer that logging in gets."""
    answer = await result(souk.anonymous, LOGIN, email=email, password=password)
    return str(answer["__typename"])


async def code_by(souk: Souk, channel: str, **who: str) -> str:
    """Asks for a code to set a new password, and reads it."""
    started = await result(souk.anonymous, START_RESET, channel=channel, **who)
    assert started["__typename"] == "PasswordResetStarted", started
    return await (newest_code(souk, ADA) if channel == "EMAIL" else newest_sms_code(souk, PHONE))


async def test_a_forgotten_password_is_set_by_the_mailed_code(souk: Souk) -> None:
    await registered(souk)
    code = await code_by(souk, "EMAIL", email="ADA@example.com")
    done = await new_password(souk, code, email=ADA)
    assert done == {"__typename": "CompletePasswordResetPayload", "email": ADA, "isReset": True}
    assert (await stored(souk)).email_verified is True, "the code proved the address"
    assert await enters(souk, PASSWORD) == "InvalidCredentials"
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"
    assert (await newest_mail(souk, ADA)).subject == "Your Souk password was changed"
    again = await new_password(souk, code, email=ADA)
    assert again["__typename"] == "CodeInvalid"


async def test_a_reset_ends_every_session_and_opens_none(souk: Souk) -> None:
    await verified(souk, ADA)
    sessions = [await logged_in(souk, ADA) for _ in range(2)]
    await new_password(souk, await code_by(souk, "EMAIL", email=ADA), email=ADA)
    for session in sessions:
        assert (await post_with(souk, session["accessToken"]))[0] == 401
        ended = await result(souk.anonymous, REFRESH, refreshToken=session["refreshToken"])
        assert ended["__typename"] == "SessionInvalid"
    live = "SELECT count(*) FROM session WHERE revoked_at IS NULL"
    assert await souk.database.scalar(text(live)) == 0


@pytest.mark.parametrize(
    ("asked", "given"),
    [({"phone": "+44 20 7946 0958"}, {"email": ADA}), ({"email": ADA}, {"phone": PHONE})],
)
async def test_a_forgotten_password_is_set_by_the_code_sent_to_the_proven_phone(
    souk: Souk, asked: dict[str, str], given: dict[str, str]
) -> None:
    await with_phone(souk, proven=True)
    await execute(souk, "UPDATE user_account SET email_verified = false")
    code = await code_by(souk, "MOBILE", **asked)
    done = await new_password(souk, code, channel="MOBILE", **given)
    assert done["__typename"] == "CompletePasswordResetPayload"
    assert (await stored(souk)).email_verified is False, "a phone proves no address"
    await execute(souk, "UPDATE user_account SET email_verified = true")
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"


async def test_a_phone_that_was_not_proven_or_is_shared_resets_nothing(souk: Souk) -> None:
    await with_phone(souk)
    for who in ({"phone": PHONE}, {"email": ADA}):
        await result(souk.anonymous, START_RESET, channel="MOBILE", **who)
    assert await texts(souk) == []
    await execute(souk, "UPDATE user_account SET phone_verified = true")
    await with_phone(souk, "bob@example.com", proven=True)
    await pause(souk)
    await result(souk.anonymous, START_RESET, channel="MOBILE", phone=PHONE)
    assert await texts(souk) == [], "the number alone names nobody"
    await pause(souk)
    both = {"phone": PHONE, "email": ADA}
    code = await code_by(souk, "MOBILE", **both)
    assert (await new_password(souk, code, channel="MOBILE", **both))["isReset"] is True
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"
    assert await enters(souk, PASSWORD, "bob@example.com") == "LoginPayload"


async def test_asking_answers_alike_for_known_and_unknown(souk: Souk) -> None:
    await with_phone(souk, proven=True)
    for channel, known, unknown, sent_to in (
        ("EMAIL", {"email": ADA}, {"email": "abc@example.com"}, "a…@example.com"),
        ("MOBILE", {"phone": PHONE}, {"phone": "+442079460158"}, "+442…58"),
        ("MOBILE", {"email": ADA}, {"email": "abc@example.com"}, None),
    ):
        for who in (known, unknown):
            first = await result(souk.anonymous, START_RESET, channel=channel, **who)
            assert first["__typename"] == "PasswordResetStarted"
            assert first["sentTo"] == sent_to
            assert first["secretCode"] is None
            second = await result(souk.anonymous, START_RESET, channel=channel, **who)
            assert second["__typename"] == "ResendTooSoon"
            wrong = await new_password(souk, "000000", channel=channel, **who)
            assert wrong["__typename"] == "CodeInvalid"
    assert {mail.to for mail in await mails(souk)} == {ADA}
    assert {sms.to for sms in await texts(souk)} == {PHONE}


async def _seconds(souk: Souk, document: str, input: dict[str, Any]) -> float:
    began = time.perf_counter()
    await result(souk.anonymous, document, **input)
    return time.perf_counter() - began


async def test_known_and_unknown_accounts_do_the_same_work(souk: Souk) -> None:
    await verified(souk, ADA)
    taken: dict[str, list[float]] = {ADA: [], "nobody@example.com": []}
    before = len(await jobs(souk, "send_mail"))
    for _ in range(9):
        for email, seconds in taken.items():
            await pause(souk)
            seconds.append(await _seconds(souk, START_RESET, {"channel": "EMAIL", "email": email}))
    known, unknown = (median(seconds) for seconds in taken.values())
    assert known / 2 < unknown < known * 2
    assert len(await jobs(souk, "send_mail")) == before + 18, "a job each, also for nobody"
    sizes = {len(job["sealed"]) for job in (await jobs(souk, "send_mail"))[before:]}
    assert max(sizes) - min(sizes) < 60


async def test_asking_says_what_is_missing(souk: Souk) -> None:
    for input, path in (
        ({"channel": "EMAIL"}, "email"),
        ({"channel": "EMAIL", "phone": PHONE}, "email"),
        ({"channel": "MOBILE"}, "phone"),
        ({"channel": "MOBILE", "phone": "12"}, "phone"),
        ({"channel": "EMAIL", "email": "no address"}, "email"),
    ):
        answer = await result(souk.anonymous, START_RESET, **input)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["input", path])


async def test_a_new_password_is_checked_and_the_code_stays_good(souk: Souk) -> None:
    await verified(souk, ADA)
    code = await code_by(souk, "EMAIL", email=ADA)
    for change, kind, path in (
        ({"confirmation": "another password"}, "InvalidInput", "confirmation"),
        ({"newPassword": "short", "confirmation": "short"}, "WeakPassword", "newPassword"),
        ({"newPassword": ADA, "confirmation": ADA}, "WeakPassword", "newPassword"),
        ({"secretCode": " "}, "InvalidInput", "secretCode"),
    ):
        refused = await new_password(souk, code, **{"email": ADA, **change})
        assert (refused["__typename"], refused["path"]) == (kind, ["input", path])
    assert (await new_password(souk, code, email=ADA))["isReset"] is True


async def test_the_address_is_no_password_also_where_only_the_phone_was_given(souk: Souk) -> None:
    await with_phone(souk, proven=True)
    code = await code_by(souk, "MOBILE", phone=PHONE)
    who = {"channel": "MOBILE", "phone": PHONE}
    weak = await new_password(souk, code, newPassword=ADA, confirmation=ADA, **who)
    assert weak["__typename"] == "WeakPassword"
    assert (await new_password(souk, code, **who))["isReset"] is True
    failures = "SELECT count(*) FROM failed_attempt WHERE kind LIKE 'code%address'"
    assert await souk.database.scalar(text(failures)) == 0


async def test_five_wrong_tries_end_a_reset_also_when_made_at_once(souk: Souk) -> None:
    await verified(souk, ADA)
    code = await code_by(souk, "EMAIL", email=ADA)
    answers = await asyncio.gather(
        *[new_password(souk, other_than(code, step), email=ADA) for step in range(1, 6)]
    )
    assert {answer["__typename"] for answer in answers} == {"CodeInvalid"}
    assert (await new_password(souk, code, email=ADA))["__typename"] == "CodeInvalid"
    assert await enters(souk, PASSWORD) == "LoginPayload"


async def test_two_resets_with_one_code_at_once_set_one_password(souk: Souk) -> None:
    await verified(souk, ADA)
    code = await code_by(souk, "EMAIL", email=ADA)
    wishes = [f"the wish of number {n}" for n in range(4)]
    answers = await asyncio.gather(
        *[
            new_password(souk, code, email=ADA, newPassword=wish, confirmation=wish)
            for wish in wishes
        ]
    )
    won = [w for w, a in zip(wishes, answers, strict=True) if a.get("isReset")]
    assert len(won) == 1
    assert await enters(souk, won[0]) == "LoginPayload"


async def test_a_reset_by_one_channel_ends_the_code_of_the_other(souk: Souk) -> None:
    await with_phone(souk, proven=True)
    mailed = await code_by(souk, "EMAIL", email=ADA)
    sent = await code_by(souk, "MOBILE", email=ADA)
    assert (await new_password(souk, sent, channel="MOBILE", email=ADA))["isReset"] is True
    stale = await new_password(souk, mailed, email=ADA)
    assert stale["__typename"] == "CodeInvalid"


async def test_the_token_of_the_link_is_enough(souk: Souk) -> None:
    await with_phone(souk, proven=True)
    await code_by(souk, "MOBILE", phone=PHONE)
    token = link_in(await newest_text(souk, PHONE)).rpartition("/")[2]
    assert (await code_row(souk, "PASSWORD_RESET_MOBILE")).used_at is None
    input = {"token": token, "newPassword": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    done = await result(souk.anonymous, COMPLETE_RESET, **input)
    assert (done["isReset"], done["email"]) == (True, ADA)
    again = await result(souk.anonymous, COMPLETE_RESET, **input)
    assert (again["__typename"], again["path"]) == ("CodeInvalid", ["input", "token"])
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"


async def test_a_login_that_is_locked_out_can_be_reset_and_is_free_again(souk: Souk) -> None:
    await verified(souk, ADA)
    for _ in range(5):
        assert await enters(souk, "wrong one") == "InvalidCredentials"
    locked = await souk.anonymous.refused(LOGIN, input={"email": ADA, "password": PASSWORD})
    assert locked["code"] == "RATE_LIMITED"
    await new_password(souk, await code_by(souk, "EMAIL", email=ADA), email=ADA)
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"


async def test_a_reset_does_not_replace_the_second_factor(souk: Souk) -> None:
    someone = await person_with_app(souk, ADA)
    await new_password(souk, await code_by(souk, "EMAIL", email=ADA), email=ADA)
    due = await result(souk.anonymous, LOGIN, email=ADA, password=NEW_PASSWORD)
    assert due["__typename"] == "TwoFactorNeeded"
    factors = await souk.database.scalar(text("SELECT count(*) FROM second_factor"))
    assert factors == 1
    guess = await give(souk, "made up", "TOTP", await someone.code())
    assert guess["__typename"] != "LoginPayload"


async def test_an_account_that_its_owner_closed_can_be_reset_and_restored(souk: Souk) -> None:
    await verified(souk, ADA)
    closed = (
        "UPDATE user_account SET is_active = false, closed_by = {by}, "
        "archived_at = now() - interval '{days} days', rights_changed_at = now()"
    )
    await execute(souk, closed.format(by="id", days=3))
    await new_password(souk, await code_by(souk, "EMAIL", email=ADA), email=ADA)
    assert (await stored(souk)).is_active is False
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"
    await execute(souk, closed.format(by="id", days=31))
    before = len(await mails(souk))
    await pause(souk)
    answer = await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    assert answer["__typename"] == "PasswordResetStarted"
    assert len(await mails(souk)) == before, "nobody is there any more"


async def test_an_address_that_is_verified_gets_no_code_to_verify_it(souk: Souk) -> None:
    await verified(souk, ADA)
    before = len(await mails(souk))
    await result(souk.anonymous, START, email=ADA)
    assert len(await mails(souk)) == before

"""The second factor by mail and to the phone: who can have it, what a code is good for."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from core.settings import Environment, Settings
from models.identity.accounts import change_account
from tests.clients.client import Souk, running_souk
from tests.identity.documents import PASSWORD, result
from tests.identity.factor_documents import (
    COMPLETE,
    ENABLE,
    START,
    STATUS,
    Person,
    app_code,
    count,
    execute,
    give,
    person,
    person_with_app,
    wrong,
)
from tests.identity.mailbox import mails, newest_code, newest_sms_code, texts
from tests.identity.test_sessions import live_sessions

PHONE = "+442079460958"


async def with_channel(souk: Souk, channel: str, email: str = "ada@example.com") -> Person:
    """Somebody with the second factor by this channel on."""
    ada = await person(souk, email)
    await execute(
        souk,
        "UPDATE user_account SET phone = :phone, phone_verified = true WHERE email = :email",
        phone=PHONE,
        email=email,
    )
    answer = await result(ada.client, ENABLE, password=PASSWORD, channel=channel)
    assert answer["__typename"] == "EnableTwoFactorPayload", answer
    ada.recovery_codes = tuple(answer["recoveryCodes"])
    return ada


async def sent_code(souk: Souk, ada: Person, channel: str) -> str:
    """The newest code that was sent."""
    if channel == "EMAIL":
        return await newest_code(souk, ada.email)
    return await newest_sms_code(souk, PHONE)


async def changed(souk: Souk, **values: Any) -> None:
    """Changes the only account, below the schema."""
    [user_id] = await souk.database.rows(text("SELECT id FROM user_account"))
    await souk.database.run(lambda work: work.execute(change_account(user_id[0], **values)))


async def pause_over(souk: Souk) -> None:
    """Sixty seconds later."""
    await execute(souk, "UPDATE failed_attempt SET occurred_at = occurred_at - interval '60 s'")


@pytest.mark.parametrize(("channel", "seconds"), [("EMAIL", 600), ("MOBILE", 300)])
async def test_a_code_that_was_sent_logs_in_once(souk: Souk, channel: str, seconds: int) -> None:
    ada = await with_channel(souk, channel)
    assert len(set(ada.recovery_codes)) == 10
    due = await ada.challenge()
    assert due["channels"] == [channel, "RECOVERY"]
    early = await give(souk, due["challenge"], channel, "000000")
    assert early["__typename"] == "CodeInvalid", "no code was sent yet"
    started = await result(souk.anonymous, START, challenge=due["challenge"], channel=channel)
    assert started["__typename"] == "VerificationStarted"
    assert 10 <= started["codeIndex"] <= 99
    assert started["secretCode"] is None, "only in development"
    until = datetime.fromisoformat(started["expiresAt"])
    stored = await souk.database.first(
        text("SELECT created_at, expires_at, code_hash, flow FROM one_time_code")
    )
    assert stored is not None
    assert (stored.expires_at - stored.created_at).total_seconds() == seconds
    assert abs((until - stored.expires_at).total_seconds()) < 10
    code = await sent_code(souk, ada, channel)
    assert code not in stored.code_hash
    assert stored.flow == f"{channel}_TWO_FACTOR"
    entered = await give(souk, due["challenge"], channel, code)
    assert entered["__typename"] == "LoginPayload"
    due = await ada.challenge()
    again = await give(souk, due["challenge"], channel, code)
    assert again["__typename"] == "CodeInvalid"
    assert await live_sessions(souk) == 2


@pytest.mark.parametrize("channel", ["EMAIL", "MOBILE"])
async def test_a_code_is_asked_for_once_in_sixty_seconds_and_ends_the_last(
    souk: Souk, channel: str
) -> None:
    ada = await with_channel(souk, channel)
    due, other = await ada.challenge(), await ada.challenge()
    input = {"challenge": due["challenge"], "channel": channel}
    answers = await asyncio.gather(
        *[result(souk.anonymous, START, **input) for _ in range(5)],
        result(souk.anonymous, START, challenge=other["challenge"], channel=channel),
    )
    types = sorted(answer["__typename"] for answer in answers)
    assert types == ["ResendTooSoon"] * 5 + ["VerificationStarted"]
    waits = [answer["retryAfter"] for answer in answers if "retryAfter" in answer]
    assert all(50 <= seconds <= 60 for seconds in waits)
    messages = await (mails(souk) if channel == "EMAIL" else texts(souk))
    assert len(messages) == 1
    first = await sent_code(souk, ada, channel)
    await pause_over(souk)
    assert (await result(souk.anonymous, START, **input))["__typename"] == "VerificationStarted"
    second = await sent_code(souk, ada, channel)
    if first != second:
        ended = await give(souk, due["challenge"], channel, first)
        assert ended["__typename"] == "CodeInvalid"
    entered = await give(souk, due["challenge"], channel, second)
    assert entered["__typename"] == "LoginPayload"


async def test_a_code_is_good_for_its_challenge_only(souk: Souk) -> None:
    ada = await with_channel(souk, "EMAIL")
    mine, other = await ada.challenge(), await ada.challenge()
    await result(souk.anonymous, START, challenge=mine["challenge"], channel="EMAIL")
    code = await newest_code(souk, ada.email)
    elsewhere = await give(souk, other["challenge"], "EMAIL", code)
    assert elsewhere["__typename"] == "CodeInvalid"
    entered = await give(souk, mine["challenge"], "EMAIL", code)
    assert entered["__typename"] == "LoginPayload"
    assert await live_sessions(souk) == 2


async def test_a_code_of_another_account_is_refused(souk: Souk) -> None:
    ada = await with_channel(souk, "EMAIL")
    eve = await with_channel(souk, "EMAIL", "eve@example.com")
    hers, own = await ada.challenge(), await eve.challenge()
    await result(souk.anonymous, START, challenge=own["challenge"], channel="EMAIL")
    code = await newest_code(souk, eve.email)
    refused = await give(souk, hers["challenge"], "EMAIL", code)
    assert refused["__typename"] == "CodeInvalid"
    assert await live_sessions(souk) == 2


@pytest.mark.parametrize("channel", ["EMAIL", "MOBILE"])
async def test_an_expired_code_is_refused(souk: Souk, channel: str) -> None:
    ada = await with_channel(souk, channel)
    due = await ada.challenge()
    await result(souk.anonymous, START, challenge=due["challenge"], channel=channel)
    await execute(souk, "UPDATE one_time_code SET expires_at = now()")
    answer = await give(souk, due["challenge"], channel, await sent_code(souk, ada, channel))
    assert answer["__typename"] == "CodeInvalid"
    assert await live_sessions(souk) == 1


async def test_six_digits_cannot_be_guessed_by_asking_for_new_codes(souk: Souk) -> None:
    ada = await with_channel(souk, "EMAIL")
    outcomes = []
    for step in range(7):
        due = await ada.challenge()
        input = {"challenge": due["challenge"], "channel": "EMAIL"}
        await execute(souk, "DELETE FROM failed_attempt WHERE kind = 'code asked for'")
        assert (await result(souk.anonymous, START, **input))["__typename"] == (
            "VerificationStarted"
        )
        guess = wrong(await newest_code(souk, ada.email), step + 1)
        answer = await souk.anonymous.post(COMPLETE, input={**input, "code": guess})
        outcomes.append(
            answer["errors"][0]["extensions"]["code"]
            if "errors" in answer
            else answer["data"]["completeTwoFactor"]["__typename"]
        )
    assert outcomes == ["CodeInvalid"] * 5 + ["RATE_LIMITED"] * 2
    assert await live_sessions(souk) == 1


async def test_only_what_is_on_can_be_asked_for_and_only_with_a_live_challenge(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    for channel in ("EMAIL", "MOBILE", "TOTP", "RECOVERY"):
        answer = await result(souk.anonymous, START, challenge=due["challenge"], channel=channel)
        assert answer["__typename"] == "InvalidInput"
        assert answer["path"] == ["input", "channel"]
    unknown = await result(souk.anonymous, START, challenge="made up", channel="EMAIL")
    assert unknown["__typename"] == "ChallengeInvalid"
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    used = await result(souk.anonymous, START, challenge=due["challenge"], channel="EMAIL")
    assert used == unknown
    assert await mails(souk) == []
    assert await texts(souk) == []
    assert await count(souk, "one_time_code") == 0


async def test_a_channel_that_is_not_proven_is_not_turned_on(souk: Souk) -> None:
    ada = await person(souk)
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"phone": PHONE}, "MOBILE", "MobileVerificationNeeded"),
        ({"phone": None}, "MOBILE", "MobileVerificationNeeded"),
        ({}, "TOTP", "InvalidInput"),
        ({}, "RECOVERY", "InvalidInput"),
        ({"email_verified": False}, "EMAIL", "EmailVerificationNeeded"),
    ]
    for change, channel, answer in cases:
        if change:
            await changed(souk, **change)
        refused = await result(ada.client, ENABLE, password=PASSWORD, channel=channel)
        assert refused["__typename"] == answer
        assert refused["path"] == ["input", "channel"]
        assert await count(souk, "second_factor") + await count(souk, "recovery_code") == 0


@pytest.mark.parametrize(
    ("channel", "change", "back"),
    [
        ("MOBILE", {"phone": "+442079460959"}, {"phone": PHONE}),
        ("MOBILE", {"phone_verified": False}, {"phone_verified": True}),
        ("EMAIL", {"email": "thief@example.com"}, {"email": "ada@example.com"}),
    ],
)
async def test_whoever_changes_the_phone_or_address_does_not_get_the_codes(
    souk: Souk, channel: str, change: dict[str, Any], back: dict[str, Any]
) -> None:
    ada = await with_channel(souk, channel)
    due = await ada.challenge()
    await result(souk.anonymous, START, challenge=due["challenge"], channel=channel)
    code = await sent_code(souk, ada, channel)
    await changed(souk, **change)
    late = await give(souk, due["challenge"], channel, code)
    assert late["__typename"] == "CodeInvalid", "nor is the code good that was sent before"
    await pause_over(souk)
    refused = await result(souk.anonymous, START, challenge=due["challenge"], channel=channel)
    assert refused["__typename"] == "InvalidInput"
    assert len(await mails(souk)) + len(await texts(souk)) == 1
    status = (await ada.client.run(STATUS))["secondFactor"]
    assert [(c["channel"], c["usable"]) for c in status["channels"]] == [(channel, False)]
    if "email" not in change:
        assert (await ada.challenge())["channels"] == ["RECOVERY"], "it is due all the same"
    entered = await give(souk, due["challenge"], "RECOVERY", ada.recovery_codes[0])
    assert entered["__typename"] == "LoginPayload"
    await changed(souk, **back)
    assert (await ada.challenge())["channels"] == [channel, "RECOVERY"]


async def test_any_of_several_factors_will_do(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await result(ada.client, ENABLE, password=PASSWORD, channel="EMAIL")
    assert due["__typename"] == "TwoFactorNeeded"
    factor = {"challenge": due["challenge"], "channel": "TOTP", "code": await ada.code()}
    answer = await result(ada.client, ENABLE, password=PASSWORD, channel="EMAIL", factor=factor)
    assert answer["recoveryCodes"] is None, "those that are left stay good"
    assert answer["secondFactor"]["recoveryCodesLeft"] == 10
    login = await ada.challenge()
    assert login["channels"] == ["EMAIL", "TOTP", "RECOVERY"]
    await result(souk.anonymous, START, challenge=login["challenge"], channel="EMAIL")
    entered = await give(souk, login["challenge"], "EMAIL", await newest_code(souk, ada.email))
    assert entered["__typename"] == "LoginPayload"
    login = await ada.challenge()
    await execute(souk, "UPDATE second_factor SET last_step = NULL")
    entered = await give(souk, login["challenge"], "TOTP", await app_code(ada.secret))
    assert entered["__typename"] == "LoginPayload"


async def test_the_code_is_in_the_answer_in_development(settings: Settings) -> None:
    there = settings.model_copy(update={"env": Environment.DEVELOPMENT})
    async with running_souk(there) as souk:
        ada = await with_channel(souk, "MOBILE")
        due = await ada.challenge()
        started = await result(souk.anonymous, START, challenge=due["challenge"], channel="MOBILE")
        entered = await give(souk, due["challenge"], "MOBILE", started["secretCode"])
        assert entered["__typename"] == "LoginPayload"

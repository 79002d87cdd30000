"""One-time codes, whatever they are for: how they are made, stored, taken; how guessing ends."""

import asyncio
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from auth.secrets import digest
from core.settings import Environment, Settings
from resolvers.identity.housekeeping import keep_identity
from tests.clients.client import Souk, running_souk
from tests.identity.code_documents import (
    COMPLETE_EMAIL,
    COMPLETE_MOBILE,
    PHONE,
    START_MOBILE,
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
from tests.identity.documents import COMPLETE, LOGIN, PASSWORD, REGISTER, START, result
from tests.identity.mailbox import (
    link_in,
    mails,
    newest_code,
    newest_mail,
    newest_sms_code,
    newest_text,
    texts,
)

ADA = "ada@example.com"


async def test_a_code_and_its_link_are_stored_as_hashes_only(souk: Souk) -> None:
    code = await registered(souk)
    token = link_in(await newest_mail(souk, ADA)).rpartition("/")[2]
    row = await code_row(souk, "EMAIL_VERIFICATION")
    assert len(token) == 43
    assert row.link_hash == digest(token)
    values = [str(value) for value in row]
    assert not any(code == value or token in value for value in values)
    assert len({row.code_hash, row.link_hash, row.bound_hash}) == 3
    everything = await souk.database.rows(
        text("SELECT convert_from(payload, 'UTF8') FROM pgqueuer")
    )
    for job in everything:
        assert token not in job[0]
        assert ADA not in job[0]


async def test_a_phone_is_proven_by_the_code_sent_to_it(souk: Souk) -> None:
    await with_phone(souk)
    started = await result(souk.anonymous, START_MOBILE, email="ADA@example.com")
    assert started["__typename"] == "VerificationStarted"
    assert started["secretCode"] is None
    left = datetime.fromisoformat(started["expiresAt"]) - datetime.now(UTC)
    assert 290 < left.total_seconds() <= 301
    [sms] = await texts(souk)
    assert sms.to == PHONE
    assert f"number {started['codeIndex']} " in sms.text
    code = await newest_sms_code(souk, PHONE)
    proven = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert proven == {"__typename": "MobileVerified", "email": ADA, "isVerified": True}
    assert (await stored(souk)).phone_verified is True
    again = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert again["__typename"] == "CodeInvalid"


async def test_asking_for_a_code_by_phone_answers_alike_and_writes_only_who_waits_for_one(
    souk: Souk,
) -> None:
    await with_phone(souk)
    await with_phone(souk, "proven@example.com", "+442079460001", proven=True)
    await registered(souk, "phoneless@example.com")
    for email in (ADA, "proven@example.com", "phoneless@example.com", "nobody@example.com"):
        first = await result(souk.anonymous, START_MOBILE, email=email)
        assert first["__typename"] == "VerificationStarted"
        assert 10 <= first["codeIndex"] <= 99
        second = await result(souk.anonymous, START_MOBILE, email=email)
        assert second["__typename"] == "ResendTooSoon"
        assert 50 <= second["retryAfter"] <= 60
        wrong = await result(souk.anonymous, COMPLETE_MOBILE, email=email, secretCode="000000")
        assert wrong["__typename"] == "CodeInvalid"
    assert [sms.to for sms in await texts(souk)] == [PHONE]


async def test_after_a_minute_a_new_code_ends_the_last_one_and_its_link(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    first = await newest_text(souk, PHONE)
    await pause(souk)
    again = await result(souk.anonymous, START_MOBILE, email=ADA)
    assert again["__typename"] == "VerificationStarted"
    assert await souk.database.scalar(text("SELECT count(*) FROM one_time_code")) == 2
    old_link = link_in(first).rpartition("/")[2]
    refused = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=old_link)
    assert refused["__typename"] == "CodeInvalid"
    code = await newest_sms_code(souk, PHONE)
    taken = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert taken["__typename"] == "MobileVerified"


async def test_only_so_many_codes_are_sent_in_an_hour(souk: Souk) -> None:
    for email in (ADA, "nobody@example.com"):
        for _ in range(10):
            answer = await result(souk.anonymous, START_MOBILE, email=email)
            assert answer["__typename"] == "VerificationStarted"
            await pause(souk)
        enough = await result(souk.anonymous, START_MOBILE, email=email)
        assert enough["__typename"] == "ResendTooSoon"
        assert 2_900 < enough["retryAfter"] <= 3_600 - 610
    await execute(souk, "UPDATE failed_attempt SET occurred_at = occurred_at - interval '50 min'")
    again = await result(souk.anonymous, START_MOBILE, email=ADA)
    assert again["__typename"] == "VerificationStarted"


async def test_the_token_of_the_link_is_taken_where_the_code_is(souk: Souk) -> None:
    await registered(souk)
    token = link_in(await newest_mail(souk, ADA)).rpartition("/")[2]
    other = await result(souk.anonymous, COMPLETE, email="x@example.com", secretCode=token)
    assert other["__typename"] == "CodeInvalid"
    proven = await result(souk.anonymous, COMPLETE, email=ADA, secretCode=token)
    assert proven["__typename"] == "EmailVerified"
    code = await newest_code(souk, ADA)
    used = await result(souk.anonymous, COMPLETE, email=ADA, secretCode=code)
    assert used["__typename"] == "CodeInvalid"


async def test_a_code_proves_only_what_it_was_sent_to(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    sms = await newest_text(souk, PHONE)
    await execute(souk, "UPDATE user_account SET phone = '+442079460002'")
    for given in (await newest_sms_code(souk, PHONE), link_in(sms).rpartition("/")[2]):
        answer = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=given)
        assert answer["__typename"] == "CodeInvalid"
    assert (await stored(souk)).phone_verified is False


async def test_a_code_of_one_flow_is_worth_nothing_in_another(souk: Souk) -> None:
    await with_phone(souk, proven=True)
    await execute(souk, "UPDATE user_account SET email_verified = false")
    await result(souk.anonymous, START, email=ADA)
    code = await newest_code(souk, ADA)
    token = link_in(await newest_mail(souk, ADA)).rpartition("/")[2]
    await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    for given in (code, token):
        if given != await newest_code(souk, ADA):
            answer = await new_password(souk, given, email=ADA)
            assert answer["__typename"] == "CodeInvalid"
    by_token = await new_password(souk, "", token=token)
    assert by_token["__typename"] == "CodeInvalid"


async def test_codes_live_as_long_as_the_specification_says(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    await execute(souk, "UPDATE user_account SET phone_verified = true")
    for channel in ("EMAIL", "MOBILE"):
        await result(souk.anonymous, START_RESET, channel=channel, email=ADA)
    rows = await souk.database.rows(text("SELECT * FROM one_time_code"))
    lifetimes = {row.flow: (row.expires_at - row.created_at).total_seconds() for row in rows}
    assert lifetimes == {
        "EMAIL_VERIFICATION": 86_400,
        "MOBILE_VERIFICATION": 300,
        "PASSWORD_RESET_EMAIL": 86_400,
        "PASSWORD_RESET_MOBILE": 300,
    }


async def test_an_expired_code_by_phone_is_refused(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    code = await newest_sms_code(souk, PHONE)
    await execute(
        souk,
        "UPDATE one_time_code SET expires_at = expires_at - interval '300 s' "
        "WHERE flow = 'MOBILE_VERIFICATION'",
    )
    answer = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert answer["__typename"] == "CodeInvalid"


async def test_five_wrong_tries_end_a_code_also_by_aliases_and_not_its_link(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    code = await newest_sms_code(souk, PHONE)
    fields = " ".join(
        f"a{n}: completeMobileVerification(input: "
        f'{{email: "{ADA}", secretCode: "{other_than(code, n)}"}}) {{ __typename }}'
        for n in range(1, 6)
    )
    answers = await souk.anonymous.run(f"mutation {{ {fields} }}")
    assert {answer["__typename"] for answer in answers.values()} == {"CodeInvalid"}
    assert (await code_row(souk, "MOBILE_VERIFICATION")).wrong_tries == 5
    right = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
    assert right["__typename"] == "CodeInvalid"
    token = link_in(await newest_text(souk, PHONE)).rpartition("/")[2]
    linked = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=token)
    assert linked["__typename"] == "MobileVerified", "guessers must not lock the owner out"


async def test_guessing_on_over_new_codes_stops_for_known_and_unknown_alike(souk: Souk) -> None:
    await registered(souk)
    for email in (ADA, "nobody@example.com"):
        answers = await asyncio.gather(
            *[
                souk.anonymous.post(COMPLETE, input={"email": email, "secretCode": f"{n:06d}"})
                for n in range(25)
            ]
        )
        refused = [answer for answer in answers if "errors" in answer]
        assert len(refused) == 5
        assert {a["errors"][0]["extensions"]["code"] for a in refused} == {"RATE_LIMITED"}
    counted = "SELECT count(*) FROM failed_attempt WHERE kind = 'code from address'"
    assert await souk.database.scalar(text(counted)) == 40


async def test_one_network_that_guesses_many_accounts_is_stopped(souk: Souk) -> None:
    await execute(
        souk,
        "INSERT INTO failed_attempt (id, kind, subject) SELECT gen_random_uuid(), "
        "'code from address', '127.0.0.1' FROM generate_series(1, 50)",
    )
    refused = await souk.anonymous.refused(
        COMPLETE, input={"email": "any@example.com", "secretCode": "123456"}
    )
    assert refused["code"] == "RATE_LIMITED"


async def test_two_completions_at_once_have_one_effect(souk: Souk) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    code = await newest_sms_code(souk, PHONE)
    answers = await asyncio.gather(
        *[result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code) for _ in range(6)]
    )
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["CodeInvalid"] * 5 + ["MobileVerified"]


async def test_codes_asked_for_at_once_are_one_code(souk: Souk) -> None:
    await with_phone(souk)
    answers = await asyncio.gather(
        *[result(souk.anonymous, START_MOBILE, email=ADA) for _ in range(6)]
    )
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["ResendTooSoon"] * 5 + ["VerificationStarted"]
    assert len(await texts(souk)) == 1


async def test_where_phones_must_be_proven_registering_and_proving_the_address_say_so(
    settings: Settings,
) -> None:
    async with running_souk(settings.model_copy(update={"mobile_verification": True})) as souk:
        person = {"password": PASSWORD, "fullname": "Ada"}
        made = await result(souk.anonymous, REGISTER, email=ADA, phone=PHONE, **person)
        assert made["mobileVerificationNeeded"] is True
        taken = await result(souk.anonymous, REGISTER, email=ADA, phone=PHONE, **person)
        assert taken == made
        without = await result(souk.anonymous, REGISTER, email="b@example.com", **person)
        assert without["mobileVerificationNeeded"] is False
        code = re.search(r"\b\d{6}\b", (await mails(souk))[0].text)
        assert code
        proven = await result(souk.anonymous, COMPLETE_EMAIL, email=ADA, secretCode=code[0])
        assert proven["mobileVerificationNeeded"] is True
        early = await result(souk.anonymous, LOGIN, email=ADA, password=PASSWORD)
        assert early["__typename"] == "MobileVerificationNeeded"
        await result(souk.anonymous, START_MOBILE, email=ADA)
        sms = await newest_sms_code(souk, PHONE)
        await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=sms)
        entered = await result(souk.anonymous, LOGIN, email=ADA, password=PASSWORD)
        assert entered["__typename"] == "LoginPayload"


async def test_what_is_optional_when_registering_is_kept(souk: Souk) -> None:
    code = await registered(
        souk,
        username="Ada_L",
        avatarUrl="https://example.com/ada.png",
        preferredLanguage="de-at",
        bio="Counts.",
    )
    row = await stored(souk)
    assert (row.avatar_url, row.bio) == ("https://example.com/ada.png", "Counts.")
    assert row.preferred_language == "de-AT"
    assert row.username is None
    await result(souk.anonymous, COMPLETE, email=ADA, secretCode=code)
    row = await stored(souk)
    assert (row.username, row.wished_username) == ("ada_l", None)


async def test_a_user_name_is_given_to_the_first_who_proves_an_address(souk: Souk) -> None:
    first = await registered(souk, username="ada")
    second = await registered(souk, "eve@example.com", username="ada")
    late = await result(souk.anonymous, COMPLETE, email="eve@example.com", secretCode=second)
    assert late["__typename"] == "EmailVerified"
    proven = await result(souk.anonymous, COMPLETE, email=ADA, secretCode=first)
    assert proven["__typename"] == "EmailVerified"
    assert (await stored(souk, "eve@example.com")).username == "ada"
    assert (await stored(souk)).username is None
    taken = await result(
        souk.anonymous,
        REGISTER,
        email="c@example.com",
        password=PASSWORD,
        fullname="C",
        username="ADA",
    )
    assert taken["__typename"] == "InvalidInput"
    assert taken["path"] == ["input", "username"]
    assert await stored(souk, "c@example.com") is None


@pytest.mark.parametrize(
    ("env", "shown"), [(Environment.DEVELOPMENT, True), (Environment.PRODUCTION, False)]
)
async def test_codes_by_phone_and_to_reset_are_in_the_answer_only_in_development(
    settings: Settings, env: Environment, shown: bool
) -> None:
    there = settings.model_copy(update={"env": env, "log_json": True})
    async with running_souk(there) as souk:
        await with_phone(souk)
        mobile = await result(souk.anonymous, START_MOBILE, email=ADA)
        reset = await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
        codes = [mobile["secretCode"], reset["secretCode"]]
        sent = [await newest_sms_code(souk, PHONE), await newest_code(souk, ADA)]
        assert codes == (sent if shown else [None, None])


async def test_a_code_is_forgotten_a_day_after_it_expired(souk: Souk) -> None:
    await registered(souk)
    hours = "UPDATE one_time_code SET expires_at = now() - interval '{} hours'"
    for passed, left in ((23, 1), (25, 0)):
        await execute(souk, hours.format(passed))
        await keep_identity(souk.database, souk.settings)
        kept = await souk.database.scalar(text("SELECT count(*) FROM one_time_code"))
        assert kept == left

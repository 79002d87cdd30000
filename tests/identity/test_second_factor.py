"""Logging in with a second factor: by an app, by a recovery code; guesses, replays, challenges."""

import asyncio

import pyotp
import pytest
from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.documents import LOGIN_FIELDS, PASSWORD, post_with, result
from tests.identity.factor_documents import (
    COMPLETE,
    DISABLE,
    LOGIN,
    STATUS,
    app_code,
    count,
    execute,
    give,
    person,
    person_with_app,
    wrong,
)
from tests.identity.test_sessions import live_sessions


async def test_a_person_turns_on_an_app_logs_in_with_it_loses_it_and_comes_back_by_a_recovery_code(
    souk: Souk,
) -> None:
    ada = await person_with_app(souk)
    status = (await ada.client.run(STATUS))["secondFactor"]
    assert [one["channel"] for one in status["channels"]] == ["TOTP"]
    assert status["recoveryCodesLeft"] == len(set(ada.recovery_codes)) == 10
    due = await ada.challenge()
    assert due["code"] == "TWO_FACTOR_NEEDED"
    assert due["channels"] == ["TOTP", "RECOVERY"]
    assert await live_sessions(souk) == 1, "a password alone opens nothing"
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    assert entered["user"]["email"] == ada.email
    status_code, body = await post_with(souk, entered["accessToken"])
    assert (status_code, body["data"]["currentUser"]["email"]) == (200, ada.email)
    # The phone is lost: a code from paper, copied by hand.
    due = await ada.challenge()
    from_paper = ada.recovery_codes[3].lower().replace("-", " ")
    entered = await give(souk, due["challenge"], "RECOVERY", from_paper)
    assert entered["__typename"] == "LoginPayload"
    _, body = await post_with(souk, entered["accessToken"], STATUS)
    assert body["data"]["secondFactor"]["recoveryCodesLeft"] == 9
    due = await ada.challenge()
    again = await give(souk, due["challenge"], "RECOVERY", ada.recovery_codes[3])
    assert again["__typename"] == "CodeInvalid"


async def test_a_secret_is_stored_sealed_and_recovery_codes_and_challenges_hashed(
    souk: Souk,
) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    rows = await souk.database.rows(
        text(
            "SELECT row_to_json(t)::text FROM second_factor t UNION ALL "
            "SELECT row_to_json(t)::text FROM recovery_code t UNION ALL "
            "SELECT row_to_json(t)::text FROM login_challenge t"
        )
    )
    stored = " ".join(row[0] for row in rows)
    shown = [ada.secret, due["challenge"], *ada.recovery_codes]
    shown += [code.replace("-", "") for code in ada.recovery_codes]
    assert not [word for word in shown if word in stored]
    assert souk.services.authenticator.secrets.seal.open(
        await souk.database.scalar(text("SELECT secret FROM second_factor"))
    ) == (ada.secret)
    hashes = await souk.database.rows(text("SELECT code_hash FROM recovery_code"))
    assert {len(row[0]) for row in hashes} == {64}
    assert len(due["challenge"]) >= 43, "256 bits"


async def test_a_code_of_the_app_is_taken_once_also_by_another_challenge(souk: Souk) -> None:
    ada = await person_with_app(souk)
    first, second = await ada.challenge(), await ada.challenge()
    code = await ada.code()
    assert (await give(souk, first["challenge"], "TOTP", code))["__typename"] == "LoginPayload"
    replayed = await give(souk, second["challenge"], "TOTP", code)
    assert replayed["__typename"] == "CodeInvalid"
    assert replayed["path"] == ["input", "code"]
    older = await give(souk, second["challenge"], "TOTP", await app_code(ada.secret, -1))
    assert older["__typename"] == "CodeInvalid", "what is older than a used code is used up too"
    newer = await give(souk, second["challenge"], "TOTP", await app_code(ada.secret, 1))
    assert newer["__typename"] == "LoginPayload"
    assert await live_sessions(souk) == 3


async def test_the_code_that_confirmed_the_app_does_not_log_in(souk: Souk) -> None:
    ada = await person_with_app(souk)
    step = await souk.database.scalar(text("SELECT last_step FROM second_factor"))
    confirmed_with = pyotp.TOTP(ada.secret).generate_otp(step)
    due = await ada.challenge()
    answer = await give(souk, due["challenge"], "TOTP", confirmed_with)
    assert answer["__typename"] == "CodeInvalid"


async def test_a_clock_may_be_one_step_off_and_no_more(souk: Souk) -> None:
    ada = await person_with_app(souk)
    expected = {-1: "LoginPayload", 1: "LoginPayload", -2: "CodeInvalid", 3: "CodeInvalid"}
    for steps, answer in expected.items():
        due = await ada.challenge()
        await execute(souk, "UPDATE second_factor SET last_step = NULL")
        given = await give(souk, due["challenge"], "TOTP", await app_code(ada.secret, steps))
        assert given["__typename"] == answer, steps


async def test_five_wrong_codes_end_the_challenge_for_good(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    code = await ada.code()
    for step in range(1, 6):
        answer = await give(souk, due["challenge"], "TOTP", wrong(code, step))
        assert answer["__typename"] == "CodeInvalid"
    await execute(souk, "UPDATE failed_attempt SET occurred_at = now() - interval '16 minutes'")
    ended = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert ended["__typename"] == "ChallengeInvalid"
    assert ended["code"] == "CHALLENGE_INVALID"
    assert await live_sessions(souk) == 1
    fresh = await ada.challenge()
    entered = await give(souk, fresh["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"


async def test_new_challenges_and_other_channels_give_no_new_tries(souk: Souk) -> None:
    ada = await person_with_app(souk)
    code = await ada.code()
    guesses = ["TOTP", "RECOVERY", "TOTP", "RECOVERY", "TOTP"]
    for step, channel in enumerate(guesses, 1):
        due = await ada.challenge()
        answer = await give(souk, due["challenge"], channel, wrong(code, step))
        assert answer["__typename"] == "CodeInvalid"
    due = await ada.challenge()
    input = {"challenge": due["challenge"], "channel": "TOTP", "code": code}
    refused = await souk.anonymous.refused(COMPLETE, input=input)
    assert refused["code"] == "RATE_LIMITED"
    assert 800 < refused["extensions"]["retryAfter"] <= 900
    factor = {"challenge": due["challenge"], "channel": "TOTP", "code": code}
    refused = await ada.client.refused(DISABLE, input={"password": PASSWORD, "factor": factor})
    assert refused["code"] == "RATE_LIMITED", "nor do changes of settings"
    assert await live_sessions(souk) == 1


@pytest.mark.parametrize("channel", ["TOTP", "RECOVERY"])
async def test_guesses_at_once_and_under_aliases_never_exceed_five(
    souk: Souk, channel: str
) -> None:
    ada = await person_with_app(souk)
    challenges = [(await ada.challenge())["challenge"] for _ in range(4)]
    code = await ada.code()

    async def guess(number: int) -> None:
        fields = " ".join(
            f'a{alias}: completeTwoFactor(input: {{challenge: "{challenges[number % 4]}", '
            f'channel: {channel}, code: "{wrong(code, number * 3 + alias + 1)}"}}) '
            f"{{ {LOGIN_FIELDS} }}"
            for alias in range(3)
        )
        await souk.anonymous.post(f"mutation {{ {fields} }}")

    await asyncio.gather(*[guess(number) for number in range(8)])
    tried = await souk.database.scalar(text("SELECT sum(wrong_tries) FROM login_challenge"))
    assert tried == 5
    assert await live_sessions(souk) == 1
    failed = "failed_attempt WHERE kind = 'second factor' AND NOT pending"
    assert await count(souk, failed) == 5


async def test_one_address_that_guesses_for_many_accounts_is_stopped(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    await execute(
        souk,
        "INSERT INTO failed_attempt (id, kind, subject) SELECT gen_random_uuid(), "
        "'second factor from address', '127.0.0.1' FROM generate_series(1, 50)",
    )
    input = {"challenge": due["challenge"], "channel": "TOTP", "code": await ada.code()}
    assert (await souk.anonymous.refused(COMPLETE, input=input))["code"] == "RATE_LIMITED"


async def test_a_recovery_code_given_at_once_for_many_challenges_lets_in_once(souk: Souk) -> None:
    ada = await person_with_app(souk)
    challenges = [(await ada.challenge())["challenge"] for _ in range(8)]
    input = {"channel": "RECOVERY", "code": ada.recovery_codes[0]}
    answers = await asyncio.gather(
        *[souk.anonymous.post(COMPLETE, input={"challenge": c, **input}) for c in challenges]
    )
    data = [answer["data"] for answer in answers if answer.get("data")]
    types = [found["completeTwoFactor"]["__typename"] for found in data]
    assert types.count("LoginPayload") == 1
    assert set(types) <= {"LoginPayload", "CodeInvalid"}
    assert await live_sessions(souk) == 2
    assert await count(souk, "recovery_code WHERE used_at IS NOT NULL") == 1


async def test_a_right_answer_given_ten_times_at_once_opens_one_session(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    input = {"challenge": due["challenge"], "channel": "TOTP", "code": await ada.code()}
    answers = await asyncio.gather(*[souk.anonymous.post(COMPLETE, input=input) for _ in range(10)])
    types = [answer["data"]["completeTwoFactor"]["__typename"] for answer in answers]
    assert sorted(types) == ["ChallengeInvalid"] * 9 + ["LoginPayload"]
    assert await live_sessions(souk) == 2
    assert await count(souk, "failed_attempt WHERE kind LIKE 'second%'") == 0


async def test_an_unknown_an_expired_and_a_used_challenge_get_the_same_answer(souk: Souk) -> None:
    ada = await person_with_app(souk)
    used, expired = await ada.challenge(), await ada.challenge()
    entered = await give(souk, used["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    lives = "SELECT extract(epoch FROM expires_at - created_at) FROM login_challenge LIMIT 1"
    assert await souk.database.scalar(text(lives)) == 600
    await execute(
        souk,
        "UPDATE login_challenge SET created_at = now() - interval '10 minutes', expires_at = now()",
    )
    code = await ada.code()
    answers = [
        await give(souk, challenge, "TOTP", code)
        for challenge in (used["challenge"], expired["challenge"], "made up", "x" * 100)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["__typename"] == "ChallengeInvalid"
    assert await live_sessions(souk) == 2


async def test_a_factor_answers_no_challenge_of_another_account(souk: Souk) -> None:
    ada = await person_with_app(souk)
    eve = await person_with_app(souk, "eve@example.com")
    for channel, code in (("TOTP", await eve.code()), ("RECOVERY", eve.recovery_codes[0])):
        due = await ada.challenge()
        answer = await give(souk, due["challenge"], channel, code)
        assert answer["__typename"] == "CodeInvalid"
    assert await count(souk, "recovery_code WHERE used_at IS NOT NULL") == 0
    assert await live_sessions(souk) == 2


async def test_another_password_voids_the_challenge(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await ada.challenge()
    same = await souk.services.authenticator.passwords.hash(PASSWORD)
    await execute(souk, "UPDATE user_account SET password_hash = :new", new=same)
    answer = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert answer["__typename"] == "ChallengeInvalid", "set anew, be it to the same words"
    assert await live_sessions(souk) == 1
    due = await ada.challenge()
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"


async def test_an_archived_account_is_restored_only_after_the_second_factor(souk: Souk) -> None:
    ada = await person_with_app(souk)
    await execute(
        souk,
        "UPDATE user_account SET is_active = false, rights_changed_at = now(), "
        "archived_at = now() - interval '29 days'",
    )
    due = await ada.challenge()
    assert await count(souk, "user_account WHERE is_active") == 0
    answer = await give(souk, due["challenge"], "TOTP", wrong(await ada.code()))
    assert answer["__typename"] == "CodeInvalid"
    assert await count(souk, "user_account WHERE is_active") == 0
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    assert await count(souk, "user_account WHERE is_active AND archived_at IS NULL") == 1
    status, _ = await post_with(souk, entered["accessToken"])
    assert status == 200
    due = await ada.challenge()
    await execute(
        souk,
        "UPDATE user_account SET is_active = false, archived_at = now() - interval '30 days'",
    )
    late = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert late["__typename"] == "ChallengeInvalid"
    gone = await result(souk.anonymous, LOGIN, email=ada.email, password=PASSWORD)
    assert gone["__typename"] == "InvalidCredentials"
    assert await count(souk, "user_account WHERE is_active") == 0


async def test_a_challenge_is_given_only_after_the_right_password(souk: Souk) -> None:
    ada = await person_with_app(souk)
    plain = await person(souk, "bob@example.com")
    for email in (ada.email, plain.email, "nobody@example.com"):
        answer = await result(souk.anonymous, LOGIN, email=email, password="wrong one")
        assert answer == {
            "__typename": "InvalidCredentials",
            "code": "INVALID_CREDENTIALS",
            "message": answer["message"],
            "path": ["input"],
        }
    assert await count(souk, "login_challenge") == 0


async def test_challenges_for_settings_and_for_logging_in_are_not_exchanged(souk: Souk) -> None:
    ada = await person_with_app(souk)
    due = await result(ada.client, DISABLE, password=PASSWORD)
    answer = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert answer["__typename"] == "ChallengeInvalid"
    login = await ada.challenge()
    factor = {"challenge": login["challenge"], "channel": "TOTP", "code": await ada.code()}
    answer = await result(ada.client, DISABLE, password=PASSWORD, factor=factor)
    assert answer["__typename"] == "ChallengeInvalid"
    assert answer["path"] == ["input", "factor", "challenge"]
    assert await count(souk, "second_factor") == 1
    assert await live_sessions(souk) == 1

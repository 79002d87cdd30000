"""Turning second factors on and off: what each change asks for, and what it leaves."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import text

from resolvers.identity.housekeeping import keep_identity
from tests.clients.client import Souk
from tests.identity.documents import PASSWORD, logged_in, result
from tests.identity.factor_documents import (
    CONFIRM,
    DISABLE,
    ENABLE,
    ENROLL,
    REGENERATE,
    STATUS,
    app_code,
    count,
    execute,
    give,
    person,
    person_with_app,
    wrong,
)

CHANGES: list[tuple[str, dict[str, Any]]] = [
    (ENROLL, {}),
    (REGENERATE, {}),
    (ENABLE, {"channel": "EMAIL"}),
    (DISABLE, {}),
]
NAMES = ["enroll", "regenerate", "enable", "disable"]
_STORED = text(
    "SELECT row_to_json(t)::text FROM (SELECT user_id, channel, target, secret, enabled_at "
    "FROM second_factor) t UNION ALL SELECT row_to_json(t)::text FROM recovery_code t "
    "UNION ALL SELECT row_to_json(t)::text FROM totp_enrollment t ORDER BY 1"
)


async def stored(souk: Souk) -> list[str]:
    """What is stored of the settings."""
    return [row[0] for row in await souk.database.rows(_STORED)]


async def test_every_change_asks_for_the_password(souk: Souk) -> None:
    ada = await person(souk)
    for tried, (document, input) in enumerate(CHANGES, 1):
        refused = await result(ada.client, document, password="wrong one", **input)
        assert refused["__typename"] == "InvalidCredentials"
        assert refused["path"] == ["input", "password"]
        assert await stored(souk) == []
        assert await count(souk, "failed_attempt WHERE kind = 'login' AND NOT pending") == tried
        anonymous = await souk.anonymous.refused(document, input={"password": PASSWORD, **input})
        assert anonymous["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(("document", "input"), CHANGES, ids=NAMES)
async def test_a_change_asks_for_a_factor_where_one_is_on(
    souk: Souk, document: str, input: dict[str, Any]
) -> None:
    ada = await person_with_app(souk)
    before = await stored(souk)
    due = await result(ada.client, document, password=PASSWORD, **input)
    assert due["__typename"] == "TwoFactorNeeded"
    factor = {"challenge": due["challenge"], "channel": "TOTP", "code": wrong(await ada.code())}
    refused = await result(ada.client, document, password=PASSWORD, factor=factor, **input)
    assert refused["__typename"] == "CodeInvalid"
    assert refused["path"] == ["input", "factor", "code"]
    factor["code"] = await ada.code()
    refused = await result(ada.client, document, password="wrong one", factor=factor, **input)
    assert refused["__typename"] == "InvalidCredentials"
    assert await stored(souk) == before
    done = await result(ada.client, document, password=PASSWORD, factor=factor, **input)
    assert done["__typename"] not in {"CodeInvalid", "ChallengeInvalid", "TwoFactorNeeded"}
    after = await stored(souk)
    assert after != before
    factor["code"] = await ada.code() if await count(souk, "second_factor") else "000000"
    again = await result(ada.client, document, password=PASSWORD, factor=factor, **input)
    if document != DISABLE:
        assert again["__typename"] == "ChallengeInvalid", "a challenge is answered once"
        assert await stored(souk) == after


async def test_the_challenge_of_another_person_proves_nothing(souk: Souk) -> None:
    ada = await person_with_app(souk)
    eve = await person_with_app(souk, "eve@example.com")
    # The same hash, so that nothing but whose it is tells the challenges apart.
    await execute(
        souk,
        "UPDATE user_account SET password_hash = (SELECT min(password_hash) FROM user_account)",
    )
    before = await stored(souk)
    due = await result(eve.client, DISABLE, password=PASSWORD)
    factor = {"challenge": due["challenge"], "channel": "TOTP", "code": await eve.code()}
    answer = await result(ada.client, DISABLE, password=PASSWORD, factor=factor)
    assert answer["__typename"] == "ChallengeInvalid"
    assert await stored(souk) == before


async def test_passwords_guessed_by_a_stolen_session_are_counted_with_those_of_logging_in(
    souk: Souk,
) -> None:
    ada = await person(souk)
    await asyncio.gather(
        *[
            ada.client.post(DISABLE, input={"password": f"guess number {number}"})
            for number in range(12)
        ]
    )
    assert await count(souk, "failed_attempt WHERE kind = 'login' AND NOT pending") == 5
    refused = await ada.client.refused(DISABLE, input={"password": PASSWORD})
    assert refused["code"] == "RATE_LIMITED"


async def test_an_app_reads_the_secret_from_the_address(souk: Souk) -> None:
    ada = await person(souk)
    started = await result(ada.client, ENROLL, password=PASSWORD)
    parts = urlsplit(started["otpauthUri"])
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == f"/Souk:{ada.email}"
    assert parse_qs(parts.query) == {"secret": [started["secret"]], "issuer": ["Souk"]}
    assert len(started["secret"]) == 32, "160 bits"
    login = await logged_in(souk, ada.email)
    assert login["__typename"] == "LoginPayload", "nothing is on before it is confirmed"


async def test_only_a_code_of_the_newest_secret_within_fifteen_minutes_turns_the_app_on(
    souk: Souk,
) -> None:
    ada = await person(souk)
    nothing = await result(ada.client, CONFIRM, code="123456")
    assert nothing["__typename"] == "CodeInvalid"
    old = (await result(ada.client, ENROLL, password=PASSWORD))["secret"]
    new = (await result(ada.client, ENROLL, password=PASSWORD))["secret"]
    for code in (await app_code(old), wrong(await app_code(new)), "abcdef", "１２３４５６"):
        refused = await result(ada.client, CONFIRM, code=code)
        assert refused["__typename"] == "CodeInvalid"
    await execute(souk, "UPDATE totp_enrollment SET expires_at = now()")
    late = await result(ada.client, CONFIRM, code=await app_code(new))
    assert late["__typename"] == "CodeInvalid"
    assert await count(souk, "second_factor") == 0
    await execute(souk, "UPDATE totp_enrollment SET expires_at = now() + interval '1 minute'")
    code = await app_code(new)
    answers = await asyncio.gather(
        *[result(ada.client, CONFIRM, code=code[:3] + " " + code[3:]) for _ in range(4)]
    )
    types = sorted(answer["__typename"] for answer in answers)
    assert types == ["CodeInvalid"] * 3 + ["ConfirmTotpEnrollmentPayload"]
    assert await count(souk, "recovery_code") == 10
    refused = await souk.anonymous.refused(CONFIRM, input={"code": "123456"})
    assert refused["code"] == "UNAUTHENTICATED"


async def test_the_old_app_stays_on_until_the_new_one_is_confirmed(souk: Souk) -> None:
    ada = await person_with_app(souk)
    factor = await ada.settings_factor(ENROLL)
    started = await result(ada.client, ENROLL, password=PASSWORD, factor=factor)
    due = await ada.challenge()
    early = await give(souk, due["challenge"], "TOTP", await app_code(started["secret"], 1))
    assert early["__typename"] == "CodeInvalid"
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"
    confirmed = await result(ada.client, CONFIRM, code=await app_code(started["secret"]))
    assert set(confirmed["recoveryCodes"]).isdisjoint(ada.recovery_codes)
    due = await ada.challenge()
    gone = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert gone["__typename"] == "CodeInvalid"
    ada.secret = started["secret"]
    entered = await give(souk, due["challenge"], "TOTP", await ada.code())
    assert entered["__typename"] == "LoginPayload"


async def test_new_recovery_codes_end_the_old_ones(souk: Souk) -> None:
    ada = await person_with_app(souk)
    factor = await ada.settings_factor(REGENERATE)
    answer = await result(ada.client, REGENERATE, password=PASSWORD, factor=factor)
    assert answer["secondFactor"]["recoveryCodesLeft"] == 10
    due = await ada.challenge()
    old = await give(souk, due["challenge"], "RECOVERY", ada.recovery_codes[0])
    assert old["__typename"] == "CodeInvalid"
    new = await give(souk, due["challenge"], "RECOVERY", answer["recoveryCodes"][9])
    assert new["__typename"] == "LoginPayload"


async def test_without_a_second_factor_there_are_no_recovery_codes(souk: Souk) -> None:
    ada = await person(souk)
    refused = await result(ada.client, REGENERATE, password=PASSWORD)
    assert refused["__typename"] == "InvalidInput"
    assert await stored(souk) == []


async def test_the_last_factor_turned_off_takes_the_recovery_codes_with_it(souk: Souk) -> None:
    ada = await person_with_app(souk)
    factor = await ada.settings_factor(ENABLE, channel="EMAIL")
    await result(ada.client, ENABLE, password=PASSWORD, channel="EMAIL", factor=factor)
    factor = await ada.settings_factor(DISABLE)
    wrong_channel = await result(
        ada.client, DISABLE, password=PASSWORD, channel="RECOVERY", factor=factor
    )
    assert wrong_channel["__typename"] == "InvalidInput"
    off = await result(ada.client, DISABLE, password=PASSWORD, channel="EMAIL", factor=factor)
    assert off["secondFactor"] == {
        "channels": [{"channel": "TOTP", "usable": True}],
        "recoveryCodesLeft": 10,
    }
    due = await result(ada.client, DISABLE, password=PASSWORD)
    factor = {"challenge": due["challenge"], "channel": "RECOVERY", "code": ada.recovery_codes[1]}
    off = await result(ada.client, DISABLE, password=PASSWORD, factor=factor)
    assert off["secondFactor"] == {"channels": [], "recoveryCodesLeft": 0}
    assert await stored(souk) == []
    again = await result(ada.client, DISABLE, password=PASSWORD)
    assert again["__typename"] == "DisableTwoFactorPayload", "idempotent"
    await logged_in(souk, ada.email)


async def test_each_person_reads_only_the_own_factors(souk: Souk) -> None:
    await person_with_app(souk)
    eve = await person(souk, "eve@example.com")
    assert (await eve.client.run(STATUS))["secondFactor"] == {
        "channels": [],
        "recoveryCodesLeft": 0,
    }
    assert (await souk.anonymous.refused(STATUS))["code"] == "UNAUTHENTICATED"


async def test_what_was_never_answered_is_forgotten_and_what_is_on_is_kept(souk: Souk) -> None:
    ada = await person_with_app(souk)
    await ada.challenge()
    eve = await person(souk, "eve@example.com")
    await result(eve.client, ENROLL, password=PASSWORD)
    assert await keep_identity(souk.database, souk.settings) == 0
    await execute(
        souk,
        "UPDATE login_challenge SET created_at = created_at - interval '2 hours', "
        "expires_at = expires_at - interval '2 hours'",
    )
    await execute(souk, "UPDATE totp_enrollment SET expires_at = expires_at - interval '2 hours'")
    assert await keep_identity(souk.database, souk.settings) == 2
    assert await count(souk, "login_challenge") + await count(souk, "totp_enrollment") == 0
    assert await count(souk, "second_factor") == 1


async def test_a_closed_account_that_is_blanked_keeps_no_factor(souk: Souk) -> None:
    ada = await person_with_app(souk)
    await ada.challenge()
    await execute(
        souk,
        "UPDATE user_account SET is_active = false, archived_at = now() - interval '31 days', "
        "closed_by = id",
    )
    await keep_identity(souk.database, souk.settings)
    assert await stored(souk) == []
    assert await count(souk, "login_challenge") == 0

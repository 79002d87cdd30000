"""Guessing one account's password, code or recovery code from many network addresses: what is
counted for the account stops it all the same (spec/02-identity.md#user, #one-time-codes)."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.code_documents import (
    COMPLETE_RESET,
    NEW_PASSWORD,
    START_RESET,
    other_than,
)
from tests.identity.documents import COMPLETE, LOGIN, PASSWORD, REGISTER, result, verified
from tests.identity.factor_documents import COMPLETE as COMPLETE_FACTOR
from tests.identity.factor_documents import person_with_app
from tests.identity.mailbox import newest_code

ADA = "ada@example.com"


async def asked_from(souk: Souk, host: int, document: str, **input: Any) -> str:
    """The kind of answer, or the code of the error, that a caller of another network gets."""
    response = await souk.http.post(
        "/graphql",
        json={"query": document, "variables": {"input": input}},
        headers={"X-Forwarded-For": f"203.0.113.{host}"},
    )
    answer = response.json()
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    [field] = answer["data"].values()
    return str(field["__typename"])


async def counted_networks(souk: Souk) -> int:
    """From how many networks failures were counted."""
    statement = (
        "SELECT count(DISTINCT subject) FROM failed_attempt WHERE kind LIKE '% from address'"
    )
    return int(await souk.database.scalar(text(statement)))


async def test_a_password_is_not_guessed_from_many_addresses(souk: Souk) -> None:
    await verified(souk, ADA)
    answers = [
        await asked_from(souk, host, LOGIN, email=ADA, password=f"guess {host}")
        for host in range(1, 7)
    ]
    assert answers == ["InvalidCredentials"] * 5 + ["RATE_LIMITED"]
    assert await counted_networks(souk) == 5, "they did come from different addresses"
    assert await asked_from(souk, 99, LOGIN, email=ADA, password=PASSWORD) == "RATE_LIMITED"


@pytest.mark.parametrize("channel", ["TOTP", "RECOVERY"])
async def test_a_second_factor_is_not_guessed_from_many_addresses(souk: Souk, channel: str) -> None:
    ada = await person_with_app(souk)
    answers = []
    for host in range(1, 7):
        due = await ada.challenge()
        input = {"challenge": due["challenge"], "channel": channel, "code": f"00000{host}"}
        answers.append(await asked_from(souk, host, COMPLETE_FACTOR, **input))
    assert answers == ["CodeInvalid"] * 5 + ["RATE_LIMITED"]
    due = await ada.challenge()
    given = {"challenge": due["challenge"], "channel": "RECOVERY", "code": ada.recovery_codes[0]}
    assert await asked_from(souk, 99, COMPLETE_FACTOR, **given) == "RATE_LIMITED"


async def test_a_code_of_a_mail_is_not_guessed_from_many_addresses(souk: Souk) -> None:
    await result(souk.anonymous, REGISTER, email=ADA, password=PASSWORD, fullname="Ada")
    code = await newest_code(souk, ADA)
    for host in range(1, 6):
        wrong = other_than(code, host)
        answer = await asked_from(souk, host, COMPLETE, email=ADA, secretCode=wrong)
        assert answer == "CodeInvalid"
    assert await asked_from(souk, 99, COMPLETE, email=ADA, secretCode=code) == "CodeInvalid"
    # The code to reset the password is another one, and ends as this one did.
    await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    code = await newest_code(souk, ADA)
    new = {"email": ADA, "newPassword": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    for host in range(1, 6):
        wrong = other_than(code, host)
        answer = await asked_from(souk, host, COMPLETE_RESET, **new, secretCode=wrong)
        assert answer == "CodeInvalid"
    assert await asked_from(souk, 99, COMPLETE_RESET, **new, secretCode=code) == "CodeInvalid"

"""Guessing passwords: what it is answered, and that it stops, whatever way the guesses come."""

import asyncio
import time
from statistics import median

from sqlalchemy import text

from tests.clients.client import Souk
from tests.identity.documents import (
    LOGIN,
    LOGIN_FIELDS,
    PASSWORD,
    logged_in,
    result,
    verified,
)


async def _failures(souk: Souk) -> int:
    return int(
        await souk.database.scalar(
            text("SELECT count(*) FROM failed_attempt WHERE kind = 'login' AND NOT pending")
        )
    )


async def test_an_unknown_account_and_a_wrong_password_get_the_same_answer_in_the_same_time(
    souk: Souk,
) -> None:
    await verified(souk, "ada@example.com")
    seconds: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    answers = []
    for _ in range(4):
        for email, taken in seconds.items():
            began = time.perf_counter()
            answers.append(await result(souk.anonymous, LOGIN, email=email, password="wrong one"))
            taken.append(time.perf_counter() - began)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["__typename"] == "InvalidCredentials"
    known, unknown = (median(taken) for taken in seconds.values())
    assert unknown > known / 2, "an unknown account must cost a hash as well"
    assert known > unknown / 2


async def test_after_five_failures_even_the_right_password_waits(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    for _ in range(5):
        answer = await result(souk.anonymous, LOGIN, email="ada@example.com", password="wrong one")
        assert answer["__typename"] == "InvalidCredentials"
    refused = await souk.anonymous.refused(
        LOGIN, input={"email": "ada@example.com", "password": PASSWORD}
    )
    assert refused["code"] == "RATE_LIMITED"
    assert 800 < refused["extensions"]["retryAfter"] <= 900
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE failed_attempt SET occurred_at = occurred_at - interval '15 minutes'")
        )
    )
    await logged_in(souk, "ada@example.com")


async def test_aliases_in_one_document_count_each(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    fields = " ".join(
        f'a{n}: login(input: {{email: "ada@example.com", password: "guess {n}"}}) '
        f"{{ {LOGIN_FIELDS} }}"
        for n in range(10)
    )
    answer = await souk.anonymous.post(f"mutation {{ {fields} }}")
    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert set(codes) == {"RATE_LIMITED"}
    assert await _failures(souk) == 5


async def test_guesses_at_the_same_time_never_exceed_the_limit(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    answers = await asyncio.gather(
        *[
            souk.anonymous.post(LOGIN, input={"email": "ada@example.com", "password": f"guess {n}"})
            for n in range(20)
        ]
    )
    answered = [answer for answer in answers if "errors" not in answer]
    assert len(answered) == 5
    assert await _failures(souk) == 5


async def test_a_batch_of_guesses_is_not_taken(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    guesses = [
        {
            "query": LOGIN,
            "variables": {"input": {"email": "ada@example.com", "password": f"guess {n}"}},
        }
        for n in range(20)
    ]
    answer = await souk.http.post("/graphql", json=guesses)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await _failures(souk) == 0


async def test_right_passwords_at_the_same_time_are_all_let_in(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    await asyncio.gather(*[logged_in(souk, "ada@example.com") for _ in range(8)])
    assert await souk.database.scalar(text("SELECT count(*) FROM failed_attempt")) == 0


async def test_one_address_that_guesses_many_accounts_is_stopped(souk: Souk) -> None:
    await souk.database.run(
        lambda work: work.execute(
            text(
                "INSERT INTO failed_attempt (id, kind, subject) SELECT gen_random_uuid(), "
                "'login from address', '127.0.0.1' FROM generate_series(1, 50)"
            )
        )
    )
    refused = await souk.anonymous.refused(
        LOGIN, input={"email": "anybody@example.com", "password": "wrong one"}
    )
    assert refused["code"] == "RATE_LIMITED"


async def test_a_user_name_logs_in_too_and_wins_over_the_address(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    await souk.database.run(
        lambda work: work.execute(text("UPDATE user_account SET username = 'ada_l'"))
    )
    for name in ("ADA_L", "ada@example.com"):
        answer = await result(
            souk.anonymous, LOGIN, username=name, email="x@example.com", password=PASSWORD
        )
        assert answer["__typename"] == "LoginPayload"
    nothing = await result(souk.anonymous, LOGIN, email=" ", password=PASSWORD)
    assert nothing["__typename"] == "InvalidInput"

"""A new session from the current one, and what of a session can be had only once."""

import asyncio
from typing import Any

from sqlalchemy import text

from auth.actor import Role
from tests.clients.client import Client, Souk
from tests.identity.documents import REFRESH, post_with, result
from tests.identity.factor_documents import count, execute
from tests.identity.test_sessions import live_sessions, refresh_token, refreshed

RELOGIN = """mutation { relogin { __typename
  ... on LoginPayload { accessToken refreshToken accessTokenExpiresAt user { id role } }
  ... on UserError { code message } } }"""
ME = "{ currentSession { id } currentUser { role } }"


async def again(client: Client) -> dict[str, Any]:
    """What logging in again answers."""
    answer: dict[str, Any] = (await client.run(RELOGIN))["relogin"]
    return answer


async def test_logging_in_again_gives_a_new_session_and_ends_the_old_one(souk: Souk) -> None:
    ada = await souk.member("ada")
    before = (await ada.run(ME))["currentSession"]["id"]
    answer = await again(ada)
    assert answer["__typename"] == "LoginPayload"
    status, body = await post_with(souk, answer["accessToken"], ME)
    assert status == 200
    assert body["data"]["currentSession"]["id"] != before
    assert (await ada.refused(ME))["code"] == "UNAUTHENTICATED"
    assert await live_sessions(souk) == 1
    old = await refreshed(souk, refresh_token(ada))
    assert old["__typename"] == "SessionInvalid"
    new = await refreshed(souk, answer["refreshToken"])
    assert new["__typename"] == "RefreshSessionPayload"


async def test_rights_are_read_afresh(souk: Souk) -> None:
    ada = await souk.member("ada")
    await execute(souk, "UPDATE user_account SET role = 'STAFF', rights_changed_at = now()")
    assert (await ada.run(ME))["currentUser"]["role"] == "STAFF"
    answer = await again(ada)
    assert answer["user"]["role"] == "STAFF"
    staff = await souk.services.authenticator.actor(answer["accessToken"], "127.0.0.1")
    assert staff.role is Role.STAFF, "the token says so too"


async def test_ten_at_once_give_one_session(souk: Souk) -> None:
    ada = await souk.member("ada")
    answers = await asyncio.gather(*[ada.post(RELOGIN) for _ in range(10)])
    given = [a["data"]["relogin"] for a in answers if a.get("data")]
    types = [answer["__typename"] for answer in given]
    assert types.count("LoginPayload") == 1
    assert set(types) <= {"LoginPayload", "SessionInvalid"}
    assert await live_sessions(souk) == 1
    assert await count(souk, "session") == 2


async def test_logging_in_again_and_refreshing_at_once_leave_one_live_session(souk: Souk) -> None:
    ada = await souk.member("ada")
    token = refresh_token(ada)
    await asyncio.gather(
        *[ada.post(RELOGIN) for _ in range(3)], *[refreshed(souk, token) for _ in range(3)]
    )
    assert await live_sessions(souk) == 1
    usable = await souk.database.scalar(
        text(
            "SELECT count(*) FROM refresh_token JOIN session ON session.id = session_id "
            "WHERE used_at IS NULL AND revoked_at IS NULL"
        )
    )
    assert usable == 1


async def test_nobody_logs_in_again_without_a_live_session(souk: Souk) -> None:
    assert (await souk.anonymous.refused(RELOGIN))["code"] == "UNAUTHENTICATED"
    ada, bob = await souk.member("ada"), await souk.member("bob")
    # Ended by another process that this one has not heard of yet.
    await execute(souk, "UPDATE session SET revoked_at = now()")
    assert (await again(ada))["__typename"] == "SessionInvalid"
    assert await count(souk, "session") == 2
    await execute(souk, "UPDATE session SET revoked_at = NULL")
    await execute(souk, "UPDATE user_account SET is_active = false, archived_at = now()")
    assert (await again(bob))["__typename"] == "SessionInvalid"
    assert await count(souk, "session") == 2


async def test_a_refresh_token_used_ten_times_at_once_leaves_one_usable_token(souk: Souk) -> None:
    token = refresh_token(await souk.member("ada"))
    answers = await asyncio.gather(
        *[result(souk.anonymous, REFRESH, refreshToken=token) for _ in range(10)]
    )
    types = [answer["__typename"] for answer in answers]
    assert types.count("RefreshSessionPayload") == 1
    rows = await souk.database.rows(
        text(
            "SELECT used_at IS NULL AS fresh, revoked_at IS NULL AS live FROM refresh_token "
            "JOIN session ON session.id = session_id ORDER BY refresh_token.id"
        )
    )
    # Another program used the first token than the one that logged in: never two live ones.
    assert len([row for row in rows if row.fresh and row.live]) <= 1
    assert len(rows) == 2
    assert len({row.live for row in rows}) == 1

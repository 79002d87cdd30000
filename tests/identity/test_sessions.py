"""Refreshing, listing and ending sessions."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from core.database import UnitOfWork
from resolvers.identity.housekeeping import keep_identity
from tests.clients.client import Client, Souk
from tests.identity.documents import (
    LOGIN,
    LOGOUT,
    REFRESH,
    logged_in,
    post_with,
    result,
    verified,
)

SESSIONS = """{ currentSession { id current } sessions { totalCount nodes {
  id createdAt expiresAt userAgent address current } } }"""
REVOKE = """mutation Revoke($input: RevokeSessionInput!) { revokeSession(input: $input) {
  __typename ... on UserError { message path } } }"""
REVOKE_ALL = """mutation RevokeAll($input: RevokeAllSessionsInput!) {
  revokeAllSessions(input: $input) {
  ... on RevokeAllSessionsPayload { count } } }"""
END_ALL = "mutation { revokeAllSessions(input: {}) { __typename } }"
LOGOUT_BY_TOKEN = """mutation Out($input: LogoutInput!) { logout(input: $input) {
  ... on LogoutPayload { loggedOut } } }"""


def refresh_token(client: Client) -> str:
    """The refresh token that a client got when it signed in."""
    assert client.account is not None
    return client.account.refresh_token


async def live_sessions(souk: Souk) -> int:
    """How many sessions are not ended."""
    return int(
        await souk.database.scalar(text("SELECT count(*) FROM session WHERE revoked_at IS NULL"))
    )


async def refreshed(souk: Souk, token: str, user_agent: str = "tests") -> dict[str, Any]:
    """What refreshing answers a client of this name."""
    response = await souk.http.post(
        "/graphql",
        json={"query": REFRESH, "variables": {"input": {"refreshToken": token}}},
        headers={"User-Agent": user_agent},
    )
    answer: dict[str, Any] = response.json()["data"]["refreshSession"]
    return answer


async def test_a_refresh_token_used_ten_times_at_once_gives_one_new_token(souk: Souk) -> None:
    token = refresh_token(await souk.member("ada"))
    answers = await asyncio.gather(*[refreshed(souk, token) for _ in range(10)])
    good = [answer for answer in answers if answer["__typename"] == "RefreshSessionPayload"]
    assert len(good) == 1
    assert {a["code"] for a in answers if a is not good[0]} == {"SESSION_INVALID"}
    assert await live_sessions(souk) == 1, "tabs of one client that race keep their session"
    after = await refreshed(souk, good[0]["refreshToken"])
    assert after["__typename"] == "RefreshSessionPayload"


async def test_ten_thieves_at_once_end_the_session(souk: Souk) -> None:
    token = refresh_token(await souk.member("ada"))
    answers = await asyncio.gather(*[refreshed(souk, token, f"client {n}") for n in range(10)])
    good = [answer for answer in answers if answer["__typename"] == "RefreshSessionPayload"]
    assert len(good) == 1
    assert await live_sessions(souk) == 0
    status, _ = await post_with(souk, good[0]["accessToken"])
    assert status == 401
    after = await refreshed(souk, good[0]["refreshToken"], "client 0")
    assert after["__typename"] == "SessionInvalid"


async def test_an_old_refresh_token_ends_the_session_after_the_grace(souk: Souk) -> None:
    ada = await souk.member("ada")
    first = await refreshed(souk, refresh_token(ada))
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE refresh_token SET used_at = used_at - interval '11 seconds'")
        )
    )
    reused = await refreshed(souk, refresh_token(ada))
    assert reused["__typename"] == "SessionInvalid"
    assert await live_sessions(souk) == 0
    newest = await refreshed(souk, first["refreshToken"])
    assert newest["__typename"] == "SessionInvalid"


async def test_an_expired_and_an_unknown_refresh_token_are_refused_alike(souk: Souk) -> None:
    token = refresh_token(await souk.member("ada"))
    await souk.database.run(
        lambda work: work.execute(text("UPDATE refresh_token SET expires_at = now()"))
    )
    expired = await refreshed(souk, token)
    assert expired["__typename"] == "SessionInvalid"
    assert expired == await refreshed(souk, "made up")
    assert await live_sessions(souk) == 1


async def test_an_access_token_is_no_refresh_token(souk: Souk) -> None:
    ada = await souk.member("ada")
    assert ada.account is not None
    answer = await refreshed(souk, ada.account.token)
    assert answer["__typename"] in {"InvalidInput", "SessionInvalid"}


async def test_own_sessions_are_listed_newest_first_and_nobody_elses(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    first = await logged_in(souk, "ada@example.com")
    second = await logged_in(souk, "ada@example.com")
    await souk.member("eve")
    _, body = await post_with(souk, first["accessToken"], SESSIONS)
    nodes = body["data"]["sessions"]["nodes"]
    assert body["data"]["sessions"]["totalCount"] == 2
    assert [node["current"] for node in nodes] == [False, True]
    assert body["data"]["currentSession"] == {"id": nodes[1]["id"], "current": True}
    assert nodes[0]["userAgent"].startswith("python-httpx")
    assert nodes[0]["address"] == "127.0.0.1"
    _, body = await post_with(souk, second["accessToken"], SESSIONS)
    assert [node["current"] for node in body["data"]["sessions"]["nodes"]] == [True, False]


async def test_a_session_is_ended_by_its_owner_only_and_again_without_harm(souk: Souk) -> None:
    ada, eve = await souk.member("ada"), await souk.member("eve")
    session_id = (await ada.run(SESSIONS))["currentSession"]["id"]
    stranger = await result(eve, REVOKE, sessionId=session_id)
    assert stranger["__typename"] == "NotFound"
    assert (await eve.run("query N($id: ID!) { node(id: $id) { id } }", id=session_id)) == {
        "node": None
    }
    assert await live_sessions(souk) == 2
    assert ada.account is not None
    other = Client(souk.url, souk.http, ada.account)
    wrong = await other.refused(REVOKE, input={"sessionId": "usr_00000000000000000000000000"})
    assert wrong["code"] == "BAD_USER_INPUT"
    assert (await result(ada, REVOKE, sessionId=session_id))["__typename"] == "RevokeSessionPayload"
    assert await live_sessions(souk) == 1
    assert (await ada.refused(SESSIONS))["code"] == "UNAUTHENTICATED"


async def test_all_sessions_end_but_the_current_one_where_it_is_spared(souk: Souk) -> None:
    await verified(souk, "ada@example.com")
    tokens = [(await logged_in(souk, "ada@example.com"))["accessToken"] for _ in range(3)]
    query = """mutation { revokeAllSessions(input: {keepCurrent: true}) {
      ... on RevokeAllSessionsPayload { count } } }"""
    _, body = await post_with(souk, tokens[0], query)
    assert body["data"]["revokeAllSessions"] == {"count": 2}
    assert [(await post_with(souk, token))[0] for token in tokens] == [200, 401, 401]
    _, body = await post_with(souk, tokens[0], query.replace("true", "false"))
    assert body["data"]["revokeAllSessions"] == {"count": 1}
    assert await live_sessions(souk) == 0


async def test_logging_out_needs_no_session_and_works_by_refresh_token(souk: Souk) -> None:
    assert (await souk.anonymous.run(LOGOUT))["logout"]["loggedOut"] is True
    token = refresh_token(await souk.member("ada"))
    for _ in range(2):
        answer = await result(souk.anonymous, LOGOUT_BY_TOKEN, refreshToken=token)
        assert answer["loggedOut"] is True
    assert await live_sessions(souk) == 0


@pytest.mark.parametrize("document", [SESSIONS, END_ALL])
async def test_strangers_have_no_sessions(souk: Souk, document: str) -> None:
    assert (await souk.anonymous.refused(document))["code"] == "UNAUTHENTICATED"


async def test_a_person_is_seen_in_full_by_oneself_and_admins_and_publicly_by_others(
    souk: Souk,
) -> None:
    ada, eve = await souk.member("Ada Lovelace"), await souk.member("eve")
    admin = await souk.member("root", Role.ADMIN)
    own = (await ada.run("{ currentUser { id email avatarUrl } }"))["currentUser"]
    document = """query N($id: ID!) { node(id: $id) { __typename id
      ... on User { email } ... on PublicUser { fullname avatarUrl memberSince } } }"""
    for viewer in (ada, admin):
        seen = (await viewer.run(document, id=own["id"]))["node"]
        assert seen == {"__typename": "User", "id": own["id"], "email": own["email"]}
    for viewer in (eve, souk.anonymous):
        seen = (await viewer.run(document, id=own["id"]))["node"]
        assert seen["__typename"] == "PublicUser"
        assert seen["fullname"] == "Ada Lovelace"
        assert seen["memberSince"] is not None
        assert own["email"].split("@")[0] not in seen["avatarUrl"]
    picture = await souk.http.get("/" + own["avatarUrl"].split("/", 3)[3])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["content-security-policy"]
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE user_account SET is_active = false WHERE email = :email").bindparams(
                email=own["email"]
            )
        )
    )
    assert (await eve.run(document, id=own["id"]))["node"] is None
    assert (await admin.run(document, id=own["id"]))["node"]["__typename"] == "User"
    unknown = "usr_00000000000000000000000000"
    assert (await eve.run(document, id=unknown))["node"] is None


async def _a_day_later(work: UnitOfWork) -> None:
    await work.execute(text("UPDATE session SET revoked_at = revoked_at - interval '25 hours'"))
    await work.execute(
        text("UPDATE failed_attempt SET occurred_at = occurred_at - interval '25 hours'")
    )


async def test_sessions_and_attempts_are_forgotten_only_when_they_matter_no_more(
    souk: Souk,
) -> None:
    token = refresh_token(await souk.member("ended"))
    await result(souk.anonymous, LOGOUT_BY_TOKEN, refreshToken=token)
    await souk.member("live")
    await result(souk.anonymous, LOGIN, email="x@example.com", password="wrong one")
    assert await keep_identity(souk.database, souk.settings) == 0
    await souk.database.run(_a_day_later)
    assert await keep_identity(souk.database, souk.settings) == 3
    assert await souk.database.scalar(text("SELECT count(*) FROM refresh_token")) == 1
    assert await live_sessions(souk) == 1

"""Changing one's own password, knowing the old one."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import websockets

from serving.server import GraphQLServer
from tests.clients.accounts import Account
from tests.clients.client import Client, Souk, Watch
from tests.identity.code_documents import CHANGE, NEW_PASSWORD, START_RESET, new_password, stored
from tests.identity.documents import LOGIN, PASSWORD, logged_in, post_with, result, verified
from tests.identity.mailbox import newest_code, newest_mail

ADA = "ada@example.com"


async def enters(souk: Souk, password: str) -> str:
    """The kind of answer that logging in gets."""
    answer = await result(souk.anonymous, LOGIN, email=ADA, password=password)
    return str(answer["__typename"])


async def changed(souk: Souk, token: str, **input: Any) -> dict[str, Any]:
    """What changing the password with an access token answers: the field or the top-level error."""
    passwords = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    whole = {**passwords, "confirmation": input.get("newPassword", NEW_PASSWORD), **input}
    response = await souk.http.post(
        "/graphql",
        json={"query": CHANGE, "variables": {"input": whole}},
        headers={"Authorization": f"Bearer {token}"},
    )
    body = response.json()
    answer: dict[str, Any] = (
        {"code": body["errors"][0]["extensions"]["code"]}
        if "errors" in body
        else body["data"]["changePassword"]
    )
    return answer


async def test_changing_the_password_ends_the_other_sessions_and_tells_the_owner(
    souk: Souk,
) -> None:
    await verified(souk, ADA)
    own, other = [await logged_in(souk, ADA) for _ in range(2)]
    await result(souk.anonymous, START_RESET, channel="EMAIL", email=ADA)
    reset = await newest_code(souk, ADA)
    done = await changed(souk, own["accessToken"])
    assert done == {
        "__typename": "ChangePasswordPayload",
        "endedSessions": 1,
        "user": {"email": ADA},
    }
    assert (await post_with(souk, own["accessToken"]))[0] == 200
    assert (await post_with(souk, other["accessToken"]))[0] == 401
    assert await enters(souk, PASSWORD) == "InvalidCredentials"
    assert await enters(souk, NEW_PASSWORD) == "LoginPayload"
    assert (await newest_mail(souk, ADA)).subject == "Your Souk password was changed"
    stale = await new_password(souk, reset, email=ADA)
    assert stale["__typename"] == "CodeInvalid", "a code from before sets no other password"


async def until_closed(watch: Watch) -> None:
    """Reads on until the socket is closed, for some seconds at most."""
    for _ in range(10):
        await watch.message()


async def test_changing_the_password_closes_the_sockets_of_the_other_sessions(
    souk: Souk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GraphQLServer, "token_check_seconds", 0.1)  # 20 s otherwise
    await verified(souk, ADA)
    own, other = [await logged_in(souk, ADA) for _ in range(2)]
    document = "subscription { heartbeat(everySeconds: 1) { number } }"

    def client_of(session: dict[str, Any]) -> Client:
        account = Account(uuid4(), "Ada", ADA, session["accessToken"])
        return Client(souk.url, souk.http, account)

    async with (
        client_of(other).watch(document) as theirs,
        client_of(own).watch(document) as mine,
    ):
        for watch in (theirs, mine):
            assert (await watch.next())["heartbeat"]["number"] == 1
        assert (await changed(souk, own["accessToken"]))["endedSessions"] == 1
        with pytest.raises(websockets.ConnectionClosed):
            await until_closed(theirs)
        assert (await mine.next())["heartbeat"]["number"] > 1


async def test_a_change_that_is_refused_says_why_and_changes_nothing(souk: Souk) -> None:
    await verified(souk, ADA)
    other, own = [await logged_in(souk, ADA) for _ in range(2)]
    before = await stored(souk)
    for input, kind, path in (
        ({"oldPassword": "wrong one"}, "InvalidCredentials", "oldPassword"),
        ({"confirmation": "something else"}, "InvalidInput", "confirmation"),
        ({"newPassword": "short"}, "WeakPassword", "newPassword"),
        ({"newPassword": "ADA@example.com"}, "WeakPassword", "newPassword"),
    ):
        refused = await changed(souk, own["accessToken"], **input)
        assert (refused["__typename"], refused["path"]) == (kind, ["input", path])
    assert await stored(souk) == before
    assert (await post_with(souk, other["accessToken"]))[0] == 200


async def test_guessing_the_old_password_stops_after_five_also_at_once(souk: Souk) -> None:
    await verified(souk, ADA)
    token = (await logged_in(souk, ADA))["accessToken"]
    answers = await asyncio.gather(
        *[changed(souk, token, oldPassword=f"guess number {n}") for n in range(12)]
    )
    assert sorted(answer["code"] for answer in answers) == (
        ["INVALID_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 7
    )
    assert (await changed(souk, token))["code"] == "RATE_LIMITED"
    assert (await stored(souk)).password_hash.startswith("$argon2id$")


async def test_two_changes_at_once_have_one_effect(souk: Souk) -> None:
    await verified(souk, ADA)
    token = (await logged_in(souk, ADA))["accessToken"]
    wishes = [f"the wish of number {n}" for n in range(3)]
    answers = await asyncio.gather(*[changed(souk, token, newPassword=w) for w in wishes])
    won = [w for w, a in zip(wishes, answers, strict=True) if "endedSessions" in a]
    assert len(won) == 1
    assert await enters(souk, won[0]) == "LoginPayload"


async def test_a_stranger_changes_no_password(souk: Souk) -> None:
    passwords = {"newPassword": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    refused = await souk.anonymous.refused(CHANGE, input={"oldPassword": PASSWORD, **passwords})
    assert refused["code"] == "UNAUTHENTICATED"

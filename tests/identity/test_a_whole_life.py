"""A person's whole life by the schema alone, as the explorer sends it: only mails and the app on
the phone are beside it (spec/02-identity.md)."""

from typing import Any
from uuid import uuid4

import pytest
import websockets

from serving.server import GraphQLServer
from tests.clients.accounts import Account
from tests.clients.client import Client, Souk, Watch
from tests.identity.code_documents import CHANGE, NEW_PASSWORD
from tests.identity.documents import COMPLETE, ME, PASSWORD, REFRESH, REGISTER, result
from tests.identity.factor_documents import (
    CONFIRM,
    DISABLE,
    ENROLL,
    LOGIN,
    STATUS,
    app_code,
    execute,
    give,
)
from tests.identity.mailbox import newest_code, newest_mail
from tests.identity.test_closing import ARCHIVE, age

ADA = "ada@example.com"
SESSIONS = "{ sessions { totalCount } }"
BEAT = "subscription { heartbeat(everySeconds: 1) { number } }"


def signed_in(souk: Souk, payload: dict[str, Any]) -> Client:
    """The client of somebody who has just logged in."""
    assert payload["__typename"] == "LoginPayload", payload
    account = Account(uuid4(), "Ada", ADA, payload["accessToken"], payload["refreshToken"])
    return Client(souk.url, souk.http, account)


async def logs_in(souk: Souk, password: str) -> dict[str, Any]:
    """What logging in with a password answers."""
    return await result(souk.anonymous, LOGIN, email=ADA, password=password)


async def comes_back(souk: Souk, password: str, recovery_code: str) -> Client:
    """Logs in with the password and a recovery code."""
    due = await logs_in(souk, password)
    assert due["__typename"] == "TwoFactorNeeded", due
    assert "RECOVERY" in due["channels"]
    return signed_in(souk, await give(souk, due["challenge"], "RECOVERY", recovery_code))


async def is_out(souk: Souk, client: Client) -> bool:
    """True when neither the access token nor the refresh token of a client is taken any more."""
    answer = await client.post(ME)
    assert client.account is not None
    refreshed = await result(souk.anonymous, REFRESH, refreshToken=client.account.refresh_token)
    refused = answer.get("errors", [{}])[0].get("extensions", {}).get("code") == "UNAUTHENTICATED"
    return bool(refused and refreshed["__typename"] == "SessionInvalid")


async def until_closed(watch: Watch) -> None:
    """Reads on until the socket is closed, for some seconds at most."""
    for _ in range(10):
        await watch.message()


async def with_app(client: Client) -> tuple[str, list[str]]:
    """Turns an app on: its secret, and the recovery codes."""
    started = await result(client, ENROLL, password=PASSWORD)
    assert started["__typename"] == "TotpEnrollmentStarted", started
    on = await result(client, CONFIRM, code=await app_code(started["secret"]))
    assert on["__typename"] == "ConfirmTotpEnrollmentPayload", on
    return started["secret"], on["recoveryCodes"]


async def test_a_person_lives_a_whole_life_with_us(
    souk: Souk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GraphQLServer, "token_check_seconds", 0.1)  # 20 s otherwise
    # She registers and proves the address; before that nobody gets in.
    made = await result(souk.anonymous, REGISTER, email=ADA, password=PASSWORD, fullname="Ada")
    assert made["emailVerificationNeeded"] is True
    assert (await logs_in(souk, PASSWORD))["__typename"] == "EmailVerificationNeeded"
    code = await newest_code(souk, ADA)
    assert (await result(souk.anonymous, COMPLETE, email=ADA, secretCode=code))["isVerified"]
    # She logs in and turns on the second factor, with which she logs in at another place.
    laptop = signed_in(souk, await logs_in(souk, PASSWORD))
    me = (await laptop.run(ME))["currentUser"]
    secret, recovery_codes = await with_app(laptop)
    due = await logs_in(souk, PASSWORD)
    assert due["channels"] == ["TOTP", "RECOVERY"]
    await execute(souk, "UPDATE second_factor SET last_step = NULL")  # half a minute later
    entered = await give(souk, due["challenge"], "TOTP", await app_code(secret))
    tablet = signed_in(souk, entered)
    # The phone is lost: she comes back with a recovery code, and that one is used up.
    library = await comes_back(souk, PASSWORD, recovery_codes[0])
    due = await logs_in(souk, PASSWORD)
    again = await give(souk, due["challenge"], "RECOVERY", recovery_codes[0])
    assert again["__typename"] == "CodeInvalid"
    assert (await library.run(STATUS))["secondFactor"]["recoveryCodesLeft"] == 9
    # She turns the lost app off, giving another recovery code for it, and a new one on.
    due = await result(library, DISABLE, password=PASSWORD)
    factor = {"challenge": due["challenge"], "channel": "RECOVERY", "code": recovery_codes[1]}
    off = await result(library, DISABLE, password=PASSWORD, factor=factor)
    assert off["secondFactor"] == {"channels": [], "recoveryCodesLeft": 0}
    _, recovery_codes = await with_app(library)
    # She changes the password: the other sessions end with their sockets, this one goes on.
    async with laptop.watch(BEAT) as on_laptop, tablet.watch(BEAT) as on_tablet:
        for watch in (on_laptop, on_tablet):
            assert (await watch.next())["heartbeat"]["number"] == 1
        passwords = {"newPassword": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
        changed = await result(library, CHANGE, oldPassword=PASSWORD, **passwords)
        assert changed["endedSessions"] == 2
        for watch in (on_laptop, on_tablet):
            with pytest.raises(websockets.ConnectionClosed):
                await until_closed(watch)
    assert [await is_out(souk, one) for one in (laptop, tablet)] == [True, True]
    assert (await library.run(SESSIONS))["sessions"]["totalCount"] == 1
    assert (await newest_mail(souk, ADA)).subject == "Your Souk password was changed"
    assert (await logs_in(souk, PASSWORD))["__typename"] == "InvalidCredentials"
    # She closes the account, and is gone.
    closed = await result(library, ARCHIVE, email=ADA)
    assert closed["restorableUntil"] is not None
    assert await is_out(souk, library)
    # She logs in on the 29th day and has it back, with the second factor still on.
    await age(souk, 29)
    home = await comes_back(souk, NEW_PASSWORD, recovery_codes[0])
    assert (await home.run(ME))["currentUser"] == me
    status = (await home.run(STATUS))["secondFactor"]
    assert [one["channel"] for one in status["channels"]] == ["TOTP"]
    assert (await home.run(SESSIONS))["sessions"]["totalCount"] == 1, "what had ended stays ended"

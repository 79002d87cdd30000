"""Tokens as cookies: set where asked for, hidden from scripts, taken from our own pages only."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import orjson
import pytest
import websockets
from sqlalchemy import text

from core.settings import Settings
from serving.cookies import ACCESS, REFRESH
from tests.clients.client import Souk, running_souk
from tests.identity.documents import LOGIN, LOGOUT, PASSWORD
from tests.identity.documents import REFRESH as REFRESH_DOCUMENT
from tests.identity.factor_documents import COMPLETE, account, execute, person_with_app
from tests.identity.test_relogin import RELOGIN
from tests.identity.test_sessions import live_sessions
from tests.media.files import picture

EMAIL = "ada@example.com"
ME = "{ currentUser { email } }"
FRIEND = "https://shop.example"


class Browser:
    """A browser on a page of some origin: it keeps cookies and sends them along, and nothing else
    of what it was told."""

    def __init__(self, souk: Souk, origin: str | None = None) -> None:
        self.souk = souk
        self.origin = souk.url if origin is None else origin
        self.cookies: dict[str, str] = {}
        self.said: list[str] = []

    async def send(
        self, query: str, *, headers: dict[str, str] | None = None, **input: Any
    ) -> httpx.Response:
        """One POST as the browser sends it."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"Origin": self.origin, **({"Cookie": cookie} if cookie else {})}
        body = {"query": query, **({"variables": {"input": input}} if input else {})}
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value}
        response = await self.souk.http.post("/graphql", json=body, headers=sent)
        self.said = response.headers.get_list("set-cookie")
        self.souk.http.cookies.clear()
        for line in self.said:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    async def run(self, query: str, **input: Any) -> dict[str, Any]:
        """The answer of the one field of an operation."""
        body = (await self.send(query, **input)).json()
        assert "errors" not in body, body
        [answer] = body["data"].values()
        return answer or {}

    async def log_in(self) -> dict[str, Any]:
        """Logs in by cookies."""
        answer = await self.run(LOGIN, email=EMAIL, password=PASSWORD, useCookies=True)
        assert answer["__typename"] == "LoginPayload", answer
        return answer


@pytest.fixture
async def browser(souk: Souk) -> Browser:
    """A browser on our own page, and somebody to log in."""
    await account(souk, EMAIL)
    return Browser(souk)


@pytest.fixture
async def friendly(settings: Settings) -> AsyncIterator[Souk]:
    """A server that allows another origin by name, and all by the wildcard."""
    allowed = settings.model_copy(update={"allowed_origins": [FRIEND, "*"]})
    async with running_souk(allowed) as souk:
        await account(souk, EMAIL)
        yield souk


async def test_the_tokens_are_cookies_that_no_script_sees(browser: Browser) -> None:
    answer = await browser.log_in()
    assert (answer["accessToken"], answer["refreshToken"]) == ("", "")
    assert answer["user"]["email"] == EMAIL
    assert set(browser.cookies) == {ACCESS, REFRESH}
    for line, longest in zip(browser.said, (900, 30 * 86_400), strict=True):
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)
        [age] = [int(part.removeprefix("max-age=")) for part in parts if "max-age" in part]
        assert longest - 60 < age <= longest
    assert await browser.run(ME) == {"email": EMAIL}
    stored = await browser.souk.database.scalar(text("SELECT token_hash FROM refresh_token"))
    assert browser.cookies[REFRESH] not in stored


async def test_no_cookie_is_set_unless_asked_for_or_where_nobody_signs_in(browser: Browser) -> None:
    answer = await browser.run(LOGIN, email=EMAIL, password=PASSWORD)
    assert "" not in (answer["accessToken"], answer["refreshToken"])
    assert browser.said == []
    refused = await browser.run(LOGIN, email=EMAIL, password="wrong one", useCookies=True)
    assert refused["__typename"] == "InvalidCredentials"
    assert browser.said == []


@pytest.mark.parametrize("origin", ["", "https://anybody.example"])
async def test_nobody_is_signed_in_by_cookies_on_a_page_that_is_not_ours(
    friendly: Souk, origin: str
) -> None:
    stranger = Browser(friendly, origin)
    answer = await stranger.run(LOGIN, email=EMAIL, password=PASSWORD, useCookies=True)
    assert answer["__typename"] == "InvalidInput"
    assert answer["path"] == ["input", "useCookies"]
    assert stranger.said == []
    assert await live_sessions(friendly) == 0


async def test_a_second_factor_sets_them_too_and_only_then(souk: Souk) -> None:
    ada = await person_with_app(souk, EMAIL)
    browser = Browser(souk)
    due = await ada.challenge()
    assert browser.said == []
    input = {"challenge": due["challenge"], "channel": "TOTP", "code": await ada.code()}
    answer = await browser.run(COMPLETE, **input, useCookies=True)
    assert (answer["__typename"], answer["accessToken"]) == ("LoginPayload", "")
    assert await browser.run(ME) == {"email": EMAIL}


async def test_a_header_wins_over_a_cookie(browser: Browser) -> None:
    await browser.log_in()
    eve = await browser.souk.member("eve")
    seen = (await browser.send(ME, headers=eve.headers)).json()["data"]["currentUser"]
    assert eve.account is not None
    assert seen == {"email": eve.account.email}
    refused = await browser.send(ME, headers={"Authorization": "Bearer made.up.token"})
    assert refused.status_code == 401


async def test_a_session_is_refreshed_and_had_anew_by_cookies(browser: Browser) -> None:
    await browser.log_in()
    first = dict(browser.cookies)
    answer = await browser.run(REFRESH_DOCUMENT, refreshToken=None)
    assert answer["__typename"] == "RefreshSessionPayload"
    assert (answer["accessToken"], answer["refreshToken"]) == ("", "")
    assert browser.cookies[REFRESH] != first[REFRESH]
    second = dict(browser.cookies)
    answer = await browser.run(RELOGIN)
    assert (answer["__typename"], answer["accessToken"]) == ("LoginPayload", "")
    assert browser.cookies[REFRESH] != second[REFRESH]
    assert await browser.run(ME) == {"email": EMAIL}
    assert await live_sessions(browser.souk) == 1
    browser.cookies = second
    assert await browser.run(ME) == {}, "the old session is over"
    assert ACCESS not in browser.cookies, "what is refused is cleared"
    old = await browser.run(REFRESH_DOCUMENT, refreshToken=None)
    assert old["__typename"] == "SessionInvalid"
    nothing = await Browser(browser.souk).run(REFRESH_DOCUMENT, refreshToken=None)
    assert nothing["__typename"] == "InvalidInput"


async def test_a_used_refresh_cookie_ends_the_session_as_ever(browser: Browser) -> None:
    await browser.log_in()
    thief = Browser(browser.souk)
    thief.cookies = dict(browser.cookies)
    await browser.run(REFRESH_DOCUMENT, refreshToken=None)
    await execute(
        browser.souk, "UPDATE refresh_token SET used_at = used_at - interval '11 seconds'"
    )
    answer = await thief.run(REFRESH_DOCUMENT, refreshToken=None)
    assert answer["__typename"] == "SessionInvalid"
    assert await live_sessions(browser.souk) == 0
    assert await browser.run(ME) == {}


@pytest.mark.parametrize("kept", [{ACCESS, REFRESH}, {REFRESH}])
async def test_logging_out_ends_the_session_and_clears_the_cookies(
    browser: Browser, kept: set[str]
) -> None:
    await browser.log_in()
    browser.cookies = {name: browser.cookies[name] for name in kept}
    assert (await browser.run(LOGOUT))["loggedOut"] is True
    assert browser.cookies == {}
    assert len(browser.said) == 2
    assert await live_sessions(browser.souk) == 0


async def test_a_page_of_another_site_can_do_nothing_with_them(browser: Browser) -> None:
    await browser.log_in()
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        evil = Browser(browser.souk, origin)
        evil.cookies = dict(browser.cookies)
        for query in (LOGOUT, ME, RELOGIN):
            assert (await evil.send(query)).status_code == 403
        as_form = {"Origin": origin, "Cookie": f"{ACCESS}={browser.cookies[ACCESS]}"}
        posted = await browser.souk.http.post("/graphql", data={"query": LOGOUT}, headers=as_form)
        assert posted.status_code == 403
        assert await live_sessions(browser.souk) == 1


async def test_a_post_that_does_not_say_where_it_is_from_is_refused(browser: Browser) -> None:
    await browser.log_in()
    assert (await browser.send(LOGOUT, headers={"Origin": ""})).status_code == 403
    assert await live_sessions(browser.souk) == 1
    ours = {"Origin": "", "Sec-Fetch-Site": "same-origin"}
    assert (await browser.send(ME, headers=ours)).json()["data"]["currentUser"]["email"] == EMAIL
    theirs = {"Origin": "", "Sec-Fetch-Site": "cross-site"}
    assert (await browser.send(ME, headers=theirs)).status_code == 403


async def test_an_origin_allowed_by_name_may_use_them_and_one_of_the_wildcard_not(
    friendly: Souk,
) -> None:
    friend = Browser(friendly, FRIEND)
    await friend.log_in()
    assert await friend.run(ME) == {"email": EMAIL}
    anybody = Browser(friendly, "https://anybody.example")
    assert (await anybody.send(ME)).status_code == 200
    anybody.cookies = dict(friend.cookies)
    assert (await anybody.send(ME)).status_code == 403
    assert (await anybody.send(LOGOUT)).status_code == 403
    assert await live_sessions(friendly) == 1


async def test_a_picture_is_uploaded_by_cookies_from_our_own_pages_only(
    browser: Browser,
) -> None:
    await browser.log_in()
    cookie, sent_file = f"{ACCESS}={browser.cookies[ACCESS]}", {"file": ("a.png", picture())}
    sent = {"Cookie": cookie, "Origin": browser.origin}
    stored = await browser.souk.http.post("/media", files=sent_file, headers=sent)
    assert stored.status_code == 201, stored.text
    for wrong in ({"Cookie": cookie}, {"Cookie": cookie, "Origin": "https://evil.example"}):
        refused = await browser.souk.http.post("/media", files=sent_file, headers=wrong)
        assert refused.status_code == 403
    assert await browser.souk.database.scalar(text("SELECT count(*) FROM media_asset")) == 1


async def test_a_page_of_an_allowed_origin_may_send_them(settings: Settings) -> None:
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for allowed, credentials in (([FRIEND], "true"), ([FRIEND, "*"], None), ([], None)):
        there = settings.model_copy(update={"allowed_origins": allowed})
        async with running_souk(there) as souk:
            answer = await souk.http.options("/graphql", headers=asked)
            assert answer.headers.get("access-control-allow-credentials") == credentials


async def test_a_get_needs_its_preflight_header_and_what_it_shows_is_not_kept_for_others(
    browser: Browser,
) -> None:
    await browser.log_in()
    cookie = f"{ACCESS}={browser.cookies[ACCESS]}"
    http = browser.souk.http
    bare = await http.get("/graphql", params={"query": ME}, headers={"Cookie": cookie})
    assert bare.status_code == 403
    headers = {"Cookie": cookie, "GraphQL-Preflight": "1"}
    shown = await http.get("/graphql", params={"query": ME}, headers=headers)
    assert shown.json()["data"]["currentUser"]["email"] == EMAIL
    assert "no-store" in shown.headers["cache-control"]
    assert "set-cookie" not in shown.headers
    headers["Origin"] = "https://evil.example"
    crossed = await http.get("/graphql", params={"query": ME}, headers=headers)
    assert crossed.status_code == 403


async def test_a_cookie_that_is_no_token_of_ours_is_none(browser: Browser) -> None:
    await browser.log_in()
    for value in ("made.up.token", browser.cookies[REFRESH], '"; DROP'):
        stranger = Browser(browser.souk)
        stranger.cookies = {ACCESS: value}
        assert await stranger.run(ME) == {}
    plain = Browser(browser.souk)
    plain.cookies = {"souk-access": browser.cookies[ACCESS]}
    assert await plain.run(ME) == {}, "only the name that a sub-domain cannot plant"


async def _socket_answer(souk: Souk, query: str, **headers: str) -> str:
    """What a socket opened with these headers answers to an operation, or its close code."""
    url = souk.url.replace("http", "ws", 1) + "/graphql"
    protocol = websockets.Subprotocol("graphql-transport-ws")
    try:
        async with websockets.connect(
            url, subprotocols=[protocol], additional_headers=headers
        ) as socket:
            await socket.send('{"type": "connection_init"}')
            await socket.recv()
            message = {"id": "1", "type": "subscribe", "payload": {"query": query}}
            await socket.send(orjson.dumps(message).decode())
            return str(await socket.recv())
    except websockets.InvalidStatus as refused:
        return str(refused.response.status_code)
    except websockets.ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else closed)


async def test_a_socket_is_signed_in_by_a_cookie_from_our_own_pages_only(browser: Browser) -> None:
    await browser.log_in()
    souk, cookie = browser.souk, f"{ACCESS}={browser.cookies[ACCESS]}"
    assert EMAIL in await _socket_answer(souk, ME, Cookie=cookie, Origin=souk.url)
    evil = await _socket_answer(souk, ME, Cookie=cookie, Origin="https://evil.example")
    assert evil in {"403", "4403"}
    nowhere = await _socket_answer(souk, ME, Cookie=cookie)
    assert nowhere in {"403", "4403"}
    by_socket = (
        f'mutation {{ login(input: {{email: "{EMAIL}", password: "{PASSWORD}", '
        "useCookies: true}) { __typename ... on UserError { message path } } }"
    )
    answer = await _socket_answer(souk, by_socket, Origin=souk.url)
    assert "InvalidInput" in answer
    assert "useCookies" in answer
    assert await live_sessions(souk) == 1

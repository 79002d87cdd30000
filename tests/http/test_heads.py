"""Heads of requests that are made to grow: what reads a header takes steps as it is long, and a
head has an end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import RequestError
from rest.heads import UNENDED_BYTES
from rest.middleware import FORM_BYTES
from serving.cookies import ACCESS, REFRESH, Cookies
from serving.http import Refused, check, negotiated, read_headers
from tests.http.world import World, ran
from tests.steps import Work, growth

LONG = 60_000
JSON = {"Content-Type": "application/json"}
ASKED = {"query": "{ hello }"}


def content_type(value: str) -> Work:
    """Reads a Content-Type."""
    return lambda: quietly(lambda: check("POST", {"content-type": value}))


def accept(value: str) -> Work:
    """Reads an Accept."""
    return lambda: quietly(lambda: negotiated(value))


def cookie(value: str) -> Work:
    """Reads a Cookie."""
    return lambda: cookies(value)


def quietly(work: Work) -> None:
    with suppress(Refused, RequestError):
        work()


def cookies(*values: str) -> Cookies:
    headers = [(b"cookie", value.encode("latin-1")) for value in values]
    scope = {"type": "http", "method": "GET", "headers": [*headers, (b"sec-fetch-site", b"none")]}
    return Cookies.of(scope, read_headers(scope), frozenset())


GROWING: dict[str, Callable[[int], Work]] = {
    "semicolons in quotes": lambda n: content_type('application/json; a="' + ";" * n),
    "escaped quotes": lambda n: content_type('application/json; a*0="' + ';\\"' * n),
    "parameters": lambda n: content_type("application/json" + ";a=b" * n),
    "types": lambda n: accept("a/b," * n),
    "weights": lambda n: accept("application/json" + ";q=0.1" * n),
    "escapes in a cookie": lambda n: cookie('a="' + "\\1" * n + '"'),
    "backslashes in a cookie": lambda n: cookie('a="' + "\\" * n + '"'),
    "cookies": lambda n: cookie("a=b;" * n),
    "our cookie again and again": lambda n: cookie(f"{ACCESS}=x;" * n),
}


def slow(*_: Any, **__: Any) -> None:
    """Stands for a part of the standard library that takes the square of what it is given. It is
    written in C, so that no step of it is counted."""
    raise AssertionError("this takes the square of what it is given")


@pytest.fixture(autouse=True)
def nothing_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No header is given to what is known to take long."""
    monkeypatch.setattr("http.cookies._unquote", slow)
    monkeypatch.setattr("email.message._parseparam", slow)


@pytest.mark.parametrize("kind", GROWING)
def test_reading_a_header_takes_twice_the_steps_when_it_is_twice_as_long(kind: str) -> None:
    assert growth(GROWING[kind], 300) < 2.2


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ('application/json; charset="utf-8"', 200),
        ("Application/JSON ; Charset=UTF8", 200),
        ("application/json;", 200),
        ("application/json; boundary=x; charset=utf-8", 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=utf-8; charset=utf-16", 415),
        ("text/plain; application/json", 415),
        ("application/jsonx", 415),
        ("; application/json", 415),
        ('application/json; a="' + ";" * LONG, 200),
        ("text/plain" + ";a=b" * 10_000, 415),
    ],
)
async def test_a_body_of_json_is_taken_and_no_other(world: World, value: str, status: int) -> None:
    headers = {"Content-Type": value}
    response = await world.http.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert response.status_code == status


@pytest.mark.parametrize("value", ['a="' + "\\" * LONG + '"', 'a="' + "\\1" * (LONG // 2)])
async def test_a_cookie_of_a_stranger_however_long_is_passed_over(world: World, value: str) -> None:
    response = await world.http.post("/graphql", json=ASKED, headers={"Cookie": value})
    assert response.json()["data"] == {"hello": "hello"}


TOKENS = st.text("abcXYZ019-_.", max_size=20)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(TOKENS, TOKENS, st.sampled_from(["", '"']), st.booleans())
def test_tokens_are_found_among_other_cookies(
    access: str, refresh: str, quote: str, apart: bool
) -> None:
    one = f"theme=dark; {ACCESS}={quote}{access}{quote}"
    two = f"{REFRESH}={refresh};x"
    found = cookies(one, two) if apart else cookies(f"{one} ;{two}")
    assert (found.access, found.refresh) == (access, refresh)
    assert cookies(f"x{ACCESS}=1; {ACCESS}x=2").access is None


# How long a head may be.


async def test_a_head_at_the_limit_passes_and_a_longer_one_is_refused(world: World) -> None:
    def headers(size: int) -> dict[str, str]:
        return {"X-Padding": "x" * size}

    passed = await world.http.post("/graphql", json=ASKED, headers=headers(64_000))
    assert passed.status_code == 200
    ran.clear()
    address = "/graphql?query=" + "x" * 40_000
    get = {"GraphQL-Preflight": "1", **headers(30_000)}
    for response in (
        await world.http.post("/graphql", json=ASKED, headers=headers(66_000)),
        await world.http.get(address, headers=get),
        await world.http.get("/broken", headers=headers(66_000)),
    ):
        assert response.status_code == 431
        assert response.headers["x-request-id"]
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "at most 65536 bytes" in error["message"]
    assert ran == []


START = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (START + b"X-Endless: ", b"x" * 4096),
        (START, b"a: b\r\n" * 500),
        (b"GET /", b"x" * 4096),
        (START + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n0\r\nT: ', b"x" * 4096),
        (START + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 4096),
    ],
    ids=["a header", "headers", "an address", "a trailer", "an extension of a chunk"],
)
async def test_a_connection_that_sends_no_end_is_closed(
    world: World, head: bytes, more: bytes
) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    sent = 0
    try:
        async with asyncio.timeout(10):
            while not reader.at_eof() and sent < 20 << 20:
                writer.write(more)
                sent += len(more)
                await writer.drain()
                await asyncio.sleep(0)
            answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    assert sent < UNENDED_BYTES + (8 << 20)
    assert not answer or b" 431 " in answer or b" 400 " in answer


async def test_a_body_that_comes_in_many_small_parts_is_no_head(world: World) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"query": "{ hello }", "extensions": {"pad": "'
        for _ in range(3_000):
            yield b"x" * 200
        yield b'"}}'

    response = await world.http.post("/graphql", content=parts(), headers=JSON)
    assert response.json()["data"] == {"hello": "hello"}


async def test_what_is_neither_graphql_nor_a_file_is_small(world: World) -> None:
    assert (await world.http.post("/broken", content=b"&" * (FORM_BYTES + 1))).status_code == 413

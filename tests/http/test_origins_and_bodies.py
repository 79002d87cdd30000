"""Where a request comes from, and how large it may be."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rest.middleware import MEDIA_BODY_BYTES
from tests.http.world import World, ran, running_world, settings_of

ALLOWED = "https://shop.example"
BODY = {"query": "{ hello }"}


@pytest.fixture(scope="module")
async def guarded() -> AsyncIterator[World]:
    """A server that one other origin may use."""
    async with running_world(settings_of(allowed_origins=[ALLOWED])) as world:
        yield world


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.evil.example", "nonsense"]
)
async def test_a_page_of_another_site_is_refused(guarded: World, origin: str) -> None:
    ran.clear()
    for response in (
        await guarded.http.post("/graphql", json=BODY, headers={"Origin": origin}),
        await guarded.http.get(
            "/graphql", params=BODY, headers={"Origin": origin, "GraphQL-Preflight": "1"}
        ),
        await guarded.http.post("/media", content=b"x", headers={"Origin": origin}),
    ):
        assert response.status_code == 403
        assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert "access-control-allow-origin" not in response.headers
    assert ran == []


async def test_the_own_and_an_allowed_origin_are_welcome(guarded: World) -> None:
    own = await guarded.http.post("/graphql", json=BODY, headers={"Origin": guarded.url})
    assert own.status_code == 200
    other = await guarded.http.post("/graphql", json=BODY, headers={"Origin": ALLOWED})
    assert other.status_code == 200
    assert other.headers["access-control-allow-origin"] == ALLOWED
    # Cookies of the server are for origins that are allowed by name (serving/cookies.py).
    assert other.headers["access-control-allow-credentials"] == "true"
    assert "X-Request-Id" in other.headers["access-control-expose-headers"]


async def test_a_preflight_is_answered_for_allowed_origins_only(guarded: World) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, graphql-preflight",
    }
    allowed = await guarded.http.options("/graphql", headers={"Origin": ALLOWED, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ALLOWED
    assert "graphql-preflight" in allowed.headers["access-control-allow-headers"].lower()
    refused = await guarded.http.options(
        "/graphql", headers={"Origin": "https://evil.example", **asked}
    )
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    plain = await guarded.http.options("/graphql")
    assert (plain.status_code, plain.headers["allow"]) == (204, "GET, POST, OPTIONS")


def padded(size: int) -> bytes:
    start = b'{"query": "{ hello }", "extensions": {"pad": "'
    return start + b"x" * (size - len(start) - 3) + b'"}}'


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 60_000):
        yield body[start : start + 60_000]


@pytest.mark.parametrize("counted", [True, False], ids=["with a length", "in chunks"])
async def test_a_body_of_one_mebibyte_passes_and_one_byte_more_is_413(
    world: World, counted: bool
) -> None:
    headers = {"Content-Type": "application/json"}
    for size, status in ((1 << 20, 200), ((1 << 20) + 1, 413), (3 << 20, 413)):
        ran.clear()
        body = padded(size)
        content = body if counted else chunks(body)
        response = await world.http.post("/graphql", content=content, headers=headers)
        assert response.status_code == status
        assert ran == (["hello"] if status == 200 else [])
        if status == 413:
            error = response.json()["errors"][0]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert "1048576" in error["message"]


async def test_the_length_that_is_announced_is_refused_before_anything_is_read(
    world: World,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rsplit(":", 1)[1]))
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(300), 5)
    assert b" 413 " in answer.split(b"\r\n")[0]
    writer.close()


async def test_media_has_a_limit_of_its_own(world: World) -> None:
    passed = await world.http.post("/media", content=b"x" * (2 << 20))
    assert passed.json() == 2 << 20
    refused = await world.http.post("/media", content=b"x" * (MEDIA_BODY_BYTES + 1))
    assert refused.status_code == 413

"""GraphQL over websocket: signing in, limits, errors, and the codes that close a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import websockets

from tests.http.sockets import opened
from tests.http.world import World, ran, running_world, settings_of, soon


async def left(world: World, sockets: int) -> None:
    """Waits until no more sockets than these are counted."""
    for _ in range(500):
        if sum(len(held) for held in world.server.sockets.values()) <= sockets:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a socket is still counted")


@pytest.fixture
async def quick() -> AsyncIterator[World]:
    """A server that looks at the tokens of its sockets every tenth of a second."""
    async with running_world(settings_of()) as world:
        world.server.token_check_seconds = 0.1
        yield world


async def test_a_subscription_a_query_and_a_mutation_run(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe("subscription { ticks(count: 2) }")
        seen = [await raw.receive() for _ in range(3)]
        assert [message["type"] for message in seen] == ["next", "next", "complete"]
        assert seen[1]["payload"] == {"data": {"ticks": 1}}
        await raw.subscribe("{ hello }", "2")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}
        assert (await raw.receive())["type"] == "complete"
        await raw.subscribe("mutation { write { id } }", "3")
        answer = (await raw.receive())["payload"]
        assert answer["extensions"]["cost"]["requested"] == 11


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "{",
        "5",
        "null",
        "[]",
        '"text"',
        "{}",
        b"\x00\x01",
        {"type": 5},
        {"type": "x" * 50_000},
        {"type": "subscribe"},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}},
        {"type": "subscribe", "id": ["1"], "payload": {"query": "{ hello }"}},
        {"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}},
        {"type": "subscribe", "id": "1", "payload": "{ hello }"},
        {"type": "subscribe", "id": "1", "payload": {"query": 5}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": [1]}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "operationName": 5}},
        {"type": "complete"},
        {"type": "complete", "id": {}},
        {"type": "ping", "payload": 5},
        {"type": "connection_ack"},
    ],
)
async def test_a_malformed_message_closes_4400(world: World, message: Any) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.send(message)
        assert await raw.closed() == 4400


async def test_a_malformed_init_closes_4400_and_a_null_payload_is_none(world: World) -> None:
    async with opened(world) as raw:
        await raw.send({"type": "connection_init", "payload": [1]})
        assert await raw.closed() == 4400
    async with opened(world) as raw:
        await raw.send({"type": "connection_init", "payload": None})
        assert (await raw.receive())["type"] == "connection_ack"


async def test_a_second_init_closes_4429(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.send({"type": "connection_init"})
        assert await raw.closed() == 4429


async def test_no_init_in_time_closes_4408(world: World) -> None:
    async with opened(world) as raw:
        assert await raw.closed() == 4408


async def test_an_operation_before_the_init_closes_4401(world: World) -> None:
    async with opened(world) as raw:
        await raw.subscribe("{ hello }")
        assert await raw.closed() == 4401
    assert ran == []


async def test_an_id_in_use_closes_4409_and_is_free_again_after_its_end(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        for _ in range(2):
            await raw.subscribe("{ hello }", "same")
            assert (await raw.receive())["type"] == "next"
            assert (await raw.receive())["type"] == "complete"
        long_id = "x" * 500
        for _ in range(2):
            await raw.subscribe("subscription { ticks(wait: 5) }", long_id)
        assert await raw.closed() == 4409


@pytest.mark.parametrize("payload", [{"Authorization": "Bearer wrong"}, {"Authorization": 5}])
async def test_a_bad_token_closes_4403(world: World, payload: dict[str, object]) -> None:
    async with opened(world) as raw:
        await raw.send({"type": "connection_init", "payload": payload})
        assert await raw.closed() == 4403
    async with opened(world, token="wrong") as raw:
        assert await raw.closed() == 4403


async def test_another_protocol_is_not_spoken(world: World) -> None:
    for protocol in ("graphql-ws", None):
        async with opened(world, protocol=protocol) as raw:
            assert await raw.closed() == 4406


async def test_a_socket_from_another_origin_is_refused() -> None:
    allowed = "https://shop.example"
    async with running_world(settings_of(allowed_origins=[allowed])) as world:
        for origin in ("https://evil.example", "null"):
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with opened(world, origin=origin):
                    pass
            assert refused.value.response.status_code == 403
        for origin in (allowed, world.url):
            async with opened(world, origin=origin) as raw:
                await raw.sign_in()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ {", "BAD_USER_INPUT"),
        ("subscription { unknown }", "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", "BAD_USER_INPUT"),
        ("{ " + "hello " * 40 + "}", "BAD_USER_INPUT"),
        (
            "{ products(first: 99) { nodes { bids(first: 99) { nodes { bidder { id } } } } } }",
            "COST_LIMIT",
        ),
        ("", "BAD_USER_INPUT"),
        ("fragment F on Query { hello }", "BAD_USER_INPUT"),
    ],
)
async def test_what_is_refused_before_execution_is_an_error_with_a_code(
    world: World, query: str, code: str
) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe(query)
        message = await raw.receive()
        assert message["type"] == "error"
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        assert ran == []
        await raw.subscribe("{ hello }", "2")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}


async def test_a_bug_in_a_subscription_is_masked(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe("subscription { breaks }")
        assert (await raw.receive())["payload"]["data"] == {"breaks": 1}
        error = (await raw.receive())["payload"]["errors"][0]
        assert error["extensions"]["code"] == "INTERNAL"
        assert "secret" not in error["message"]


async def test_a_frame_over_the_limit_closes_1009(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe("{ hello }" + " " * 65_000)
        assert (await raw.receive())["type"] == "next"
        assert (await raw.receive())["type"] == "complete"
        await raw.subscribe("{ hello }" + " " * 66_000)
        assert await raw.closed() == 1009


async def test_twenty_operations_a_socket_and_no_more(world: World) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        for number in range(20):
            await raw.subscribe("subscription { ticks(wait: 20) }", str(number))
        await raw.subscribe("subscription { ticks(wait: 20) }", "one more")
        message = await raw.receive()
        assert (message["type"], message["id"]) == ("error", "one more")
        assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await raw.send({"type": "complete", "id": "0"})
        await raw.subscribe("{ hello }", "again")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}


async def test_ten_sockets_an_account_and_a_place_is_free_when_one_ends(quick: World) -> None:
    quick.tokens.give("ann", 1)
    quick.tokens.give("bob", 2)
    async with AsyncExitStack() as stack:
        for _ in range(9):
            raw = await stack.enter_async_context(opened(quick))
            await raw.sign_in("ann")
        async with opened(quick) as tenth:
            await tenth.sign_in("ann")
            async with opened(quick) as eleventh:
                payload = {"Authorization": "Bearer ann"}
                await eleventh.send({"type": "connection_init", "payload": payload})
                assert await eleventh.closed() == 4429
            async with opened(quick) as other:
                await other.sign_in("bob")
        await left(quick, 9)
        async with opened(quick) as tenth:
            await tenth.sign_in("ann")
    await left(quick, 0)


async def test_an_expired_token_closes_the_socket_with_4403(quick: World) -> None:
    quick.server.token_check_seconds = 60
    quick.tokens.give("ann", 1, soon(0.3, datetime.now(UTC)))
    async with opened(quick) as raw:
        await raw.sign_in("ann")
        await raw.subscribe("subscription { ticks(count: 1000, wait: 0.02) }")
        assert await raw.closed() == 4403


async def test_a_revoked_token_closes_the_socket_with_4403(quick: World) -> None:
    quick.tokens.give("ann", 1)
    async with opened(quick, token="ann") as raw:
        await raw.sign_in()
        del quick.tokens.accepted["ann"]
        assert await raw.closed() == 4403


async def test_a_new_token_by_ping_keeps_the_socket(quick: World) -> None:
    quick.tokens.give("old", 1, soon(0.4, datetime.now(UTC)))
    quick.tokens.give("new", 1, soon(60, datetime.now(UTC)))
    quick.tokens.give("bob", 2)
    async with opened(quick) as raw:
        await raw.sign_in("old")
        await raw.send({"type": "ping", "payload": {"Authorization": "Bearer new"}})
        assert (await raw.receive())["type"] == "pong"
        with pytest.raises(TimeoutError):
            await raw.receive(0.8)
        await raw.subscribe("{ whoami }")
        answer = (await raw.receive())["payload"]["data"]
        assert answer == {"whoami": "00000000-0000-0000-0000-000000000001"}
        assert (await raw.receive())["type"] == "complete"
        await raw.send({"type": "ping", "payload": {"Authorization": "Bearer bob"}})
        assert await raw.closed() == 4403
    await left(quick, 0)


async def test_operations_on_a_socket_spend_the_budget() -> None:
    limits = {"budget_actor": 100, "budget_actor_per_second": 1}
    async with running_world(settings_of(limits=limits)) as world:
        world.tokens.give("ann", 1)
        async with opened(world) as raw:
            await raw.sign_in("ann")
            for number in range(2):
                await raw.subscribe("{ dear }", str(number))
                assert (await raw.receive())["type"] == "next"
                assert (await raw.receive())["type"] == "complete"
            ran.clear()
            await raw.subscribe("{ dear }", "third")
            message = await raw.receive()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert message["payload"][0]["extensions"]["retryAfter"] >= 19
            assert ran == []


async def test_a_subscription_outlives_the_time_of_an_operation() -> None:
    settings = settings_of(limits={"operation_seconds": 0.2})
    async with running_world(settings) as world, opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe("subscription { ticks(count: 4, wait: 0.15) }")
        seen = [await raw.receive() for _ in range(5)]
        assert [message["type"] for message in seen] == ["next"] * 4 + ["complete"]
        await raw.subscribe("{ slow }", "2")
        message = await raw.receive()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "TIMEOUT"

"""Documents and bodies that are made to grow: what they take grows as they do, is charged, and is
not done on the event loop where it is much. Steps are counted, no clock is read."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

import orjson
import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from app import create_app
from bench.growing import BODIES, DOCUMENTS, LARGEST, Sent, chain, listing
from core.errors import RateLimited
from core.settings import Limits, Settings
from schema import build_schema
from serving.examining import AT_ONCE, Reader, examine, too_long
from serving.known import Known
from tests.clients.client import Souk
from tests.http.sockets import opened
from tests.http.world import World, running_world, settings_of
from tests.steps import Work, growth, steps

LIMITS = Limits.model_construct()
SCHEMA = build_schema(suggestions=False)
# Of these graphql-core compares each with each, as far as it is allowed to.
SQUARES = {"fragments in one place", "a tree of fragments", "unknown types"}


def read(text: str) -> Known | None:
    """The document, None when it is malformed or too long."""
    if too_long(text, LIMITS):
        return None
    try:
        return examine(SCHEMA, text, LIMITS)
    except GraphQLError:
        return None


def reading(kind: str) -> Callable[[int], Work]:
    """The work of reading a document of this kind."""

    def work_of(size: int) -> Work:
        text = DOCUMENTS[kind](size)
        return lambda: read(text)

    return work_of


@pytest.mark.parametrize("kind", sorted(set(DOCUMENTS) - SQUARES))
def test_reading_a_document_takes_twice_the_steps_when_it_is_twice_as_long(kind: str) -> None:
    assert growth(reading(kind), LARGEST[kind] // 4) < 2.2


def allowed(text: str, known: Known | None) -> int:
    """How many steps may be taken for a document: for each point that is charged, as far as it is
    well formed, and for each character."""
    return 40_000 + (60 * len(text) if known is None else 20_000 * known.points + 30 * len(text))


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_largest_document_of_a_kind_takes_no_more_steps_than_are_charged(kind: str) -> None:
    text = DOCUMENTS[kind](LARGEST[kind])
    assert steps(lambda: read(text)) < allowed(text, read(text))


PART = st.sampled_from(sorted(DOCUMENTS)).flatmap(
    lambda kind: st.integers(1, LARGEST[kind] // 4).map(DOCUMENTS[kind])
)


@profile(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(PART, min_size=1, max_size=3), st.integers(0, 3), st.integers(0, 5_000))
def test_a_document_of_many_kinds_takes_no_more_steps_than_are_charged(
    parts: list[str], cut: int, at: int
) -> None:
    text = " ".join(parts)
    if cut == 0:  # most are left whole
        text = text[: max(1, len(text) - at)]
    assert steps(lambda: read(text)) < allowed(text, read(text))


# On the event loop.


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The application, without the network in front of it."""
    settings.__dict__["limits"] = Limits(budget_address=10**9)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


async def answer(server: ASGIApp, sent: Sent) -> dict[str, Any]:
    """What the server answers to a request."""
    headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": sent.path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    received: Iterator[Message] = iter([{"type": "http.request", "body": sent.body}])
    parts: list[bytes] = []

    async def receive() -> Message:
        message = next(received, None)
        return message or await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    await server(scope, receive, send)
    found: dict[str, Any] = orjson.loads(b"".join(parts))
    return found


async def steps_here(work: Awaitable[Any]) -> int:
    """The steps that this thread takes for it: the event loop's, and no others'."""
    count = 0

    def enter(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return enter

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        await work
    finally:
        sys.settrace(before)
    return count


def document(text: str) -> Sent:
    """A document as a request."""
    name = "Asked" if "query Asked" in text else None
    return Sent(
        orjson.dumps({"query": text, "operationName": name}), {"Content-Type": "application/json"}
    )


MOST = 100_000
"""Steps: some thirty milliseconds."""


async def test_reading_a_long_document_is_not_done_on_the_event_loop(server: ASGIApp) -> None:
    await answer(server, document(listing("id")))
    for kind, made in DOCUMENTS.items():
        text = made(LARGEST[kind])
        assert len(text) > AT_ONCE, kind
        assert await steps_here(answer(server, document(text))) < MOST, kind


async def test_a_body_takes_twice_the_steps_when_it_is_twice_as_long(server: ASGIApp) -> None:
    for kind, (made, largest) in BODIES.items():
        await answer(server, made(1))
        small = await steps_here(answer(server, made(1_000)))
        assert await steps_here(answer(server, made(2_000))) < 2.2 * small, kind
        whole = made(largest)
        assert await steps_here(answer(server, whole)) < 3 * MOST, kind
        body = await answer(server, whole)
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        assert codes <= {"BAD_USER_INPUT"}, kind


async def test_a_body_of_more_lists_and_objects_than_there_may_be_values_is_refused(
    world: World,
) -> None:
    def sent(lists: int) -> dict[str, Any]:
        return {"variables": {"other": [[] for _ in range(lists)]}}

    assert "100 are allowed" in (await world.error("{ hello }", **sent(11_000)))["message"]
    error = await world.error("{ hello }", **sent(12_000))
    assert error["message"] == "The request has too many lists and objects in it."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_variables_beyond_a_limit_are_refused_and_told_which(world: World) -> None:
    query = "query ($wish: Wish) { wish(wish: $wish) }"
    many = {"wish": {"tags": ["a"] * 100}, "other": [["a"] * 100] * 99}
    error = await world.error(query, variables=many)
    assert "too many values; 10000 are allowed" in error["message"]
    fewer = {**many, "other": [["a"] * 100] * 97}
    assert (await world.post(query, variables=fewer)).json()["data"] == {"wish": "granted"}
    error = await world.error(query, variables={"wish": {"tags": ["a" * 65_537]}})
    assert "has 65537 characters; 65536 are allowed" in error["message"]
    longest = {"wish": {"tags": ["a" * 65_536]}}
    assert (await world.post(query, variables=longest)).json()["data"] == {"wish": "granted"}


# What is refused, and what it costs.


def spread(count: int) -> str:
    names = " ".join(f"...F{n}" for n in range(count))
    fragments = " ".join(f"fragment F{n} on Query {{ hello }}" for n in range(count))
    return f"{{ {names} }} {fragments}"


@pytest.mark.parametrize(
    ("below", "above", "named"),
    [
        ("{ hello" + "\n" * 4_000 + "}", "{ hello" + "\n" * 4_001 + "}", "lines; 4000"),
        (spread(130), spread(160), "too long to validate: too many fragments"),
        (
            f"{{ product {{ ...F0 }} }} {chain(8, 'Product', 'id')}",
            f"{{ product {{ ...F0 }} }} {chain(10, 'Product', 'id')}",
            "fields and fragments, written out; 2000",
        ),
        (
            "query A { hello } query B { hello " + "hello " * 30 + "}",
            "query A { hello } query B { hello " + "hello " * 31 + "}",
            "31 aliases and repeated fields; 30",
        ),
        (
            "query A { hello } query B { hello }",
            "query A { hello } fragment F on Query { hello " + "hello " * 31 + "}",
            "31 aliases and repeated fields; 30",
        ),
    ],
    ids=["lines", "comparisons", "selections", "another operation", "an unused fragment"],
)
async def test_a_document_at_a_limit_passes_and_one_above_is_refused(
    world: World, below: str, above: str, named: str
) -> None:
    name = "A" if "query A" in below else None
    passed = (await world.post(below, operationName=name)).json()
    assert "errors" not in passed, passed
    error = await world.error(above, operationName=name)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert named in error["message"]


async def test_fragments_that_are_spread_twice_are_answered_or_refused_on_the_real_server(
    souk: Souk,
) -> None:
    for length, refused in ((7, False), (20, True), (40, True), (130, True)):
        body = {"query": listing("...F0") + chain(length)}
        answer = (await souk.http.post("/graphql", json=body)).json()
        if not refused:
            assert answer["data"] == {"products": {"nodes": []}}
            continue
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "are allowed" in error["message"]


async def test_who_brings_a_document_pays_for_reading_it_and_who_repeats_it_does_not() -> None:
    limits = {"budget_actor": 1_000, "budget_actor_per_second": 1}
    text = spread(120)
    async with running_world(settings_of(limits=limits)) as world:
        world.tokens.give("ann", 1)
        left = [
            (await world.post(text, "ann")).json()["extensions"]["cost"]["remaining"]
            for _ in range(2)
        ]
    # 3 KiB, 1,200 tokens, 36,000 comparisons, and the operation itself.
    assert left[0] == pytest.approx(1_000 - 3 - 60 - 72 - 1, abs=8)
    assert left[1] == pytest.approx(left[0] - 1, abs=1)


async def test_at_most_so_many_documents_wait_to_be_read() -> None:
    reader = Reader()
    loop, go_on = asyncio.get_running_loop(), asyncio.Event()

    def slow() -> Known:
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
        return cast(Known, None)

    waiting = [asyncio.create_task(reader.read(slow)) for _ in range(32)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        with pytest.raises(RateLimited):
            await reader.read(slow)
    go_on.set()
    await asyncio.gather(*waiting)
    assert await reader.read(slow) is None


async def test_whose_document_would_wait_too_long_is_told_to_come_again(world: World) -> None:
    reader = world.limiter._reader
    reader._waiting += 32
    try:
        response = await world.post(LONG + "query Waits { hello }")
        known = await world.post("{ hello }")
    finally:
        reader._waiting -= 32
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 1}
    assert known.json()["data"] == {"hello": "hello"}


LONG = "# " + "x" * 2 * AT_ONCE + "\n"


async def test_a_socket_reads_long_documents_aside_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, threads = threading.get_ident(), []

    def noted(*arguments: Any) -> Known:
        threads.append(threading.get_ident())
        return examine(*arguments)

    monkeypatch.setattr("serving.limits.examine", noted)
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe(LONG + "query Here { hello }")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}
        assert (await raw.receive())["type"] == "complete"
        await raw.subscribe("query Short { hello }")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}
    assert [thread == here for thread in threads] == [False, True]


@pytest.mark.parametrize("name", [None, "Named"])
async def test_a_socket_is_told_that_a_document_is_too_long(world: World, name: str | None) -> None:
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe("query Named { hello }" + "\n" * 4_001, operationName=name)
        answer = await raw.receive()
        assert answer["type"] == "error"
        assert "too many lines; 4000 are allowed" in answer["payload"][0]["message"]
        assert answer["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        await raw.subscribe("{ hello }", "2")
        assert (await raw.receive())["payload"]["data"] == {"hello": "hello"}


async def test_an_operation_of_a_document_that_is_too_long_is_told_so_over_http(
    world: World,
) -> None:
    long = "query Named { hello }" + "\n" * 4_001
    error = await world.error(long, operationName="Named")
    assert "too many lines" in error["message"]


async def test_a_mutation_in_a_long_document_runs_to_its_end_over_a_stream(world: World) -> None:
    headers = {"Accept": "text/event-stream"}
    body = {"query": LONG + 'mutation { write(text: "long") { id } }'}
    response = await world.http.post("/graphql", json=body, headers=headers)
    assert '"data":{"write":{"id":"6"}}' in response.text

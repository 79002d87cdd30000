"""What a finished request leaves behind: nothing that only a garbage collector would find."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

import pytest
from graphql import ExecutionResult, execute, parse, subscribe

from execution import BatchField, BreadthFirstExecutor

from .support import ITEMS, answer, field_of, relate, schema_of


class Leaf:
    """An object that tells when it is gone."""

    text = "x"


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Forgetful(list[Any]):
    """The context of a subscription, which outlives its events."""

    def append(self, _value: Any) -> None:
        """Keep nothing."""


class Kept:
    """A schema whose objects are watched."""

    def __init__(self, asynchronous: bool = False) -> None:
        self.watched: list[ref[Leaf]] = []
        self.asynchronous = asynchronous
        self.schema = schema_of(
            ITEMS, {"Query.items": self.items, "Query.item": self.item, "Mutation.add": self.item}
        )
        relate(self.schema, "Item.other", BatchField(id, self.load))
        field_of(self.schema, "Subscription.item").subscribe = self.events

    def leaf(self, context: list[Any]) -> Leaf:
        """Make an object that the context keeps, as that of a server keeps what was loaded."""
        leaf = Leaf()
        self.watched.append(ref(leaf))
        context.append(leaf)
        return leaf

    def items(self, _source: Any, info: Any) -> list[Leaf]:
        return [self.leaf(info.context), self.leaf(info.context)]

    def item(self, _source: Any, info: Any, n: int = 0) -> Any:
        return self.leaf(info.context)

    def load(self, context: Any, keys: list[Any], _arguments: Any) -> Any:
        loaded = [self.leaf(context) for _ in keys]

        async def later() -> list[Any]:
            await asyncio.sleep(0)
            return loaded

        return later() if self.asynchronous else loaded

    async def events(self, _source: Any, _info: Any) -> AsyncIterator[Any]:
        for _ in range(3):
            yield {"item": self.leaf([])}

    def alive(self) -> int:
        return sum(watched() is not None for watched in self.watched)


NESTED = "{ items { text other { text } } item { other { other { text } } } }"


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("text", [NESTED, "mutation { a: add { text } b: add { other { text } } }"])
def test_a_finished_request_leaves_nothing_to_the_garbage_collector(
    asynchronous: bool, text: str
) -> None:
    kept = Kept(asynchronous)
    document = parse(text)

    async def ask() -> None:
        result = execute(
            kept.schema, document, context_value=[], executor_class=BreadthFirstExecutor
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        assert isinstance(result, ExecutionResult)
        assert not result.errors

    async def look() -> int:
        await ask()
        await asyncio.sleep(0)
        return kept.alive()

    with without_collector():
        assert asyncio.run(look()) == 0
    assert len(kept.watched) > 2


def test_an_event_of_a_subscription_leaves_nothing_to_the_garbage_collector() -> None:
    kept = Kept()

    async def listen() -> None:
        stream = subscribe(
            kept.schema,
            parse("subscription { item { text other { text } } }"),
            context_value=Forgetful(),
            executor_class=BreadthFirstExecutor,
        )
        if not hasattr(stream, "__aiter__"):
            stream = await stream  # type: ignore[misc]  # an awaitable of the stream
        seen = 0
        async for event in stream:
            seen += 1
            assert event.data == {"item": {"text": "x", "other": {"text": "x"}}}
            del event
            assert kept.alive() <= 1  # the event that its source still holds
        assert seen == 3

    with without_collector():
        asyncio.run(listen())


@pytest.mark.parametrize("text", [NESTED, "{ items { text other { text } } }"])
def test_a_cancelled_request_leaves_nothing_to_the_garbage_collector(text: str) -> None:
    kept = Kept()
    reached = asyncio.Event()

    async def never(_context: Any, keys: list[Any], _arguments: Any) -> list[Any]:
        reached.set()
        await asyncio.Event().wait()
        return keys

    relate(kept.schema, "Item.other", BatchField(id, never))

    async def ask() -> None:
        await execute(  # type: ignore[misc]  # it waits
            kept.schema, parse(text), context_value=[], executor_class=BreadthFirstExecutor
        )

    async def abandon() -> int:
        request = asyncio.create_task(ask())
        await asyncio.wait_for(reached.wait(), 5)
        request.cancel()
        await asyncio.wait([request], timeout=5)
        assert request.cancelled()
        del request
        for _ in range(3):
            await asyncio.sleep(0)
        return kept.alive()

    with without_collector():
        assert asyncio.run(abandon()) == 0


def test_an_executor_may_execute_again() -> None:
    schema = schema_of(ITEMS, {"Query.item": lambda _s, info: {"text": str(info.async_helpers)}})
    executor = BreadthFirstExecutor.build(schema, parse("{ item { text } }"))
    assert isinstance(executor, BreadthFirstExecutor)
    for _ in range(2):
        result = executor.execute_operation()
        assert isinstance(result, ExecutionResult)
        assert not result.errors
        assert "Helpers" in str(result.data)


def test_a_resolver_may_use_its_info_after_the_request() -> None:
    infos: list[Any] = []
    schema = schema_of(ITEMS, {"Query.item": lambda _s, info: infos.append(info)})
    answer(schema, "{ item { text } }")
    assert infos[0].async_helpers.track is not None

"""The executor against the stock one, on random schemas, values and documents.

Without anything asynchronous both must agree to the byte. With it, the stock executor itself
does not say which errors it reports below a place that ends up null: it cancels the siblings
of the first error that must not be null, and which one is first depends on how often each
resolver was suspended. What does not depend on time is compared to the byte: the data, all
errors when error propagation is switched off, and for each place that an error made null, that
there is an error, that it is one the stock executor meets, and that it is the same one where
there is only one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from graphql import DocumentNode, ExecutionResult, execute, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution import BreadthFirstExecutor, PreparedOperation

from .declared import Knowing
from .documents import NO_PROPAGATION, Writer, variables
from .worlds import World

Errors = list[dict[str, Any]]
EXECUTORS = (BreadthFirstExecutor, Knowing)
SEEDS = st.integers(min_value=0, max_value=2**48)
CASES = settings(
    deadline=None, suppress_health_check=list(HealthCheck), database=None, max_examples=320
)

# The stock executor drops coroutines it has made when a sibling fails at once.
pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module", autouse=True)
def _dropped() -> Iterator[None]:
    """Collect what was dropped here, or other tests would be warned of it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def run(
    world: World,
    document: DocumentNode,
    values: dict[str, Any],
    executor_class: type[BreadthFirstExecutor] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Execute a document once; return the formatted result and the mutation calls."""
    world.calls.clear()

    async def later() -> ExecutionResult:
        result = execute(world.schema, document, None, {}, values, executor_class=executor_class)
        if not isinstance(result, ExecutionResult):
            result = await result
        return result

    if world.asynchronous:
        result = asyncio.run(later())
    else:
        result = execute(  # type: ignore[assignment]
            world.schema, document, None, {}, values, executor_class=executor_class
        )
    return result.formatted, list(world.calls)  # type: ignore[return-value]


ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def text_of(value: Any) -> str:
    written = json.dumps(value, default=str, ensure_ascii=False)
    # A scalar may show an object by its address, and each run has objects of its own.
    return ADDRESS.sub("", written)


def documents(
    seed: int, asynchronous: bool
) -> Iterator[tuple[World, str, DocumentNode, dict[str, Any]]]:
    """Yield a world and some of its documents with variables."""
    world = World(seed, asynchronous)
    random = Random(seed)
    for operation in ("query", "query", "mutation"):
        text = Writer(world.schema, random).document(operation)
        document = parse(text)
        for _ in range(2):
            yield world, text, document, variables(random)


@CASES
@given(SEEDS)
def test_without_anything_asynchronous_both_agree_to_the_byte(seed: int) -> None:
    for world, text, document, values in documents(seed, False):
        executor_class = EXECUTORS[world.seed % 2]
        stock, stock_calls = run(world, document, values)
        ours, calls = run(world, document, values, executor_class)
        assert text_of(ours) == text_of(stock), text
        assert calls == stock_calls


@settings(CASES, max_examples=160)
@given(SEEDS)
def test_a_prepared_operation_agrees_to_the_byte_however_often_it_is_executed(seed: int) -> None:
    prepared: dict[int, PreparedOperation] = {}
    for world, text, document, values in documents(seed, False):
        stock, stock_calls = run(world, document, values)
        if id(document) not in prepared:
            class_ = EXECUTORS[world.seed % 2]
            prepared[id(document)] = PreparedOperation(class_, world.schema, document)
        world.calls.clear()
        ours: Any = prepared[id(document)].execute({}, values)
        assert text_of(ours.formatted) == text_of(stock), text
        assert list(world.calls) == stock_calls


@settings(CASES, max_examples=160)
@given(SEEDS)
def test_with_anything_asynchronous_both_agree_on_what_time_does_not_decide(seed: int) -> None:
    for world, text, document, values in documents(seed, True):
        executor_class = EXECUTORS[world.seed % 2]
        stock, stock_calls = run(world, document, values)
        ours, calls = run(world, document, values, executor_class)
        assert text_of(ours.get("data")) == text_of(stock.get("data")), text
        assert calls == stock_calls
        patient = parse(text.replace(" " * len(NO_PROPAGATION), NO_PROPAGATION))
        every, _ = run(world, patient, values)
        every_ours, _ = run(world, patient, values, executor_class)
        assert ordered(every_ours) == ordered(every), text
        compare_errors(ours, stock, every)


def ordered(result: dict[str, Any]) -> list[str]:
    """Return the data and the errors, the latter ordered by path."""
    errors = sorted(result.get("errors", []), key=lambda e: (text_of(e.get("path")), text_of(e)))
    return [text_of(result.get("data")), *map(text_of, errors)]


def compare_errors(ours: dict[str, Any], stock: dict[str, Any], every: dict[str, Any]) -> None:
    """Compare the errors place by place; a place is where the answer ends in a null."""
    data = stock.get("data")
    our_places = places(data, ours.get("errors", []))
    stock_places = places(data, stock.get("errors", []))
    assert set(our_places) == set(stock_places)
    possible = places(data, every.get("errors", []))
    for place, errors in our_places.items():
        met = {text_of(error) for error in possible.get(place, stock_places[place])}
        assert set(map(text_of, errors)) <= met
        if len(met) == 1:
            assert sorted(map(text_of, errors)) == sorted(map(text_of, stock_places[place]))


def places(data: Any, errors: Errors) -> dict[tuple[Any, ...], Errors]:
    """Group errors by the first null on their path."""
    grouped: dict[tuple[Any, ...], Errors] = defaultdict(list)
    for error in errors:
        value, walked = data, []
        for key in error.get("path", []):
            if value is None:
                break
            value = value[key]
            walked.append(key)
        grouped[tuple(walked)].append(error)
    return dict(grouped)

"""Thousands of different documents leave every store of documents within its bounds: what was read
and can be had by its hash, their plans, and the variants of a plan."""

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from strawberry.http import GraphQLRequestData

from execution.document import VARIANTS
from graph.context import Context
from graph.executor import SoukExecutor
from serving.known import digest
from serving.limits import Gate
from serving.running import run_operation
from tests.http.world import World

DOCUMENTS = 5_000
KEPT = 512
CHARACTERS = 400_000
MEGABYTES = 40
"""What 512 such documents may take with all that is kept of them: about 60 KiB each."""


@pytest.fixture
def planned(world: World) -> Iterator[World]:
    """The shared server with Souk's own executor, whose plans nobody has made so far."""
    schema: Any = world.server.schema
    before = schema.execution_context_class
    schema.execution_context_class = SoukExecutor
    SoukExecutor.documents.clear()
    yield world
    SoukExecutor.documents.clear()
    schema.execution_context_class = before


def document(number: int) -> str:
    """One of many documents that nobody has sent before."""
    return f'query Q{number} {{ a{number}: hello(name: "{number}") product {{ id title }} }}'


async def flood(world: World, numbers: range) -> None:
    """Runs documents as HTTP does, without the network between."""
    for number in numbers:
        asked = GraphQLRequestData(document(number), None, None, None)
        context = Context(world.server.services)
        gate = Gate(world.limiter, world.server.schema, context)
        found = await run_operation(gate, asked, context, "POST")
        assert found.data, found.errors


async def test_a_flood_of_documents_stays_within_the_bounds_in_number_and_memory(
    planned: World,
) -> None:
    tracemalloc.start()
    try:
        await flood(planned, range(KEPT + 100))
        gc.collect()
        full, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert full < MEGABYTES << 20, full
    objects = len(gc.get_objects())
    await flood(planned, range(KEPT + 100, DOCUMENTS))
    gc.collect()
    # The stores were full: what came in pushed as much out.
    assert len(gc.get_objects()) < objects * 1.05
    read = planned.limiter._documents
    assert len(read) <= KEPT
    assert read._weight <= CHARACTERS
    assert len(SoukExecutor.documents._by_hash) <= KEPT
    assert len(SoukExecutor.documents._by_identity) <= KEPT
    assert planned.limiter.find(digest(document(0))) is None
    assert planned.limiter.find(digest(document(DOCUMENTS - 1))) is not None


async def test_one_document_has_few_plans_whatever_its_variables_are(planned: World) -> None:
    fields = " ".join(f"f{n}: hello @include(if: $v{n})" for n in range(9))
    variables = ", ".join(f"$v{n}: Boolean!" for n in range(9))
    text = f"query Flags({variables}) {{ __typename {fields} }}"
    for number in range(200):
        given = {f"v{n}": bool(number >> n & 1) for n in range(9)}
        answer = (await planned.post(text, variables=given)).json()
        shown = {f"f{n}" for n in range(9) if given[f"v{n}"]}
        assert set(answer["data"]) == {"__typename", *shown}
    (found,) = [entry for entry, _ in SoukExecutor.documents._by_hash._values.values()]
    assert 1 < len(found.plans) <= VARIANTS

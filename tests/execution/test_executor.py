"""Plans and their bounds, cancellation, subscriptions, and what is handed to the stock executor."""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import (
    ExecutionHooks,
    ExecutionResult,
    GraphQLDeferDirective,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLStreamDirective,
    execute,
    experimental_execute_incrementally,
    parse,
    specified_directives,
    subscribe,
)
from graphql.pyutils import AbortController
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

import execution
from execution import BreadthFirstExecutor, DocumentCache
from execution.cache import Recent
from execution.run import Run

from .support import answer, both, field_of, schema_of

SDL = """
  type Query { a: String b: String must: String! child: Child children: [Child] }
  type Child { a: String b: String child: Child }
  type Subscription { tick: Child }
"""


@strawberry.type
class Item:
    python_name: str = strawberry.field(name="shownName")

    @strawberry.field
    async def number(self, info: strawberry.Info, by: int = 2) -> int:
        plus: int = info.context["plus"]
        return len(info.path.as_list()) * by + plus


@strawberry.type
class Query:
    @strawberry.field
    def items(self) -> list[Item]:
        return [Item(python_name="a"), Item(python_name="b")]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record the plans that are run."""
    plans: list[Any] = []
    original = Run.execute

    def recorded(self: Run, plan: Any, *args: Any) -> Any:
        plans.append(plan)
        return original(self, plan, *args)

    monkeypatch.setattr(Run, "execute", recorded)
    return plans


def test_a_document_is_planned_once(runs: list[Any]) -> None:
    schema = schema_of(SDL)
    document = parse("{ a child { b } }")
    for _ in range(3):
        execute(schema, document, {"a": 1}, executor_class=BreadthFirstExecutor)
    for _ in range(3):
        answer(schema, "{ a child { b } }", {"a": 1})
    assert len(runs) == 6
    assert len(set(map(id, runs))) == 1


def test_each_operation_of_a_document_has_its_plan(runs: list[Any]) -> None:
    schema = schema_of(SDL)
    document = parse("query A { a } query B { b }")
    for name in ("A", "B", "A"):
        result = execute(
            schema,
            document,
            {"a": 1, "b": 2},
            operation_name=name,
            executor_class=BreadthFirstExecutor,
        )
        assert isinstance(result, ExecutionResult)
        assert list(result.data or ()) == [name.lower()]
    assert runs[0] is runs[2] is not runs[1]


def test_documents_of_equal_shape_and_different_lines_have_different_plans() -> None:
    schema = schema_of(SDL)
    root: dict[str, Any] = {"a": {}, "b": {}}
    for text in ("{ a  b }", "{ a\n b }", "{\na  b }"):
        both(schema, text, root)


def test_skip_and_include_variables_are_read_at_run_time() -> None:
    schema = schema_of(SDL)
    text = """query ($x: Boolean!, $y: Boolean = true) {
      a @skip(if: $x) ...F @include(if: $y) b a child @include(if: $x) { a @skip(if: $y) b } }
      fragment F on Query { b child { b } }"""
    root = {"a": 1, "b": 2, "child": {"a": 3, "b": 4}}
    seen = set()
    for x in (True, False):
        for y in ({}, {"y": False}, {"y": True}, {"y": None}):
            seen.add(str(both(schema, text, root, variable_values={"x": x, **y})))
    assert len(seen) == 5


def test_a_condition_without_a_value_is_an_error_of_the_object_it_is_in() -> None:
    schema = schema_of(SDL)
    text = "query ($x: Boolean) { child { a @skip(if: $x) b } }"
    counts = [
        len(both(schema, text, {"child": {}}, variable_values=values).get("errors", []))
        for values in ({"x": False}, {"x": None}, {}, {"x": True}, {"x": None}, {"x": False})
    ]
    assert counts == [0, 1, 1, 0, 1, 0]


def test_the_plans_are_bounded_in_number_and_size() -> None:
    class Small(BreadthFirstExecutor):
        documents = DocumentCache(limit=10, nodes=600)

    schema = schema_of(SDL)
    for number in range(50):
        answer(schema, f"{{ x{number}: a }}", {}, executor_class=Small)
    assert len(Small.documents) == 10
    answer(schema, "{ " + " ".join(f"y{n}: a" for n in range(300)) + " }", {}, executor_class=Small)
    assert len(Small.documents) == 10
    for number in range(50):
        fields = " ".join(f"z{number}x{n}: a" for n in range(20))
        answer(schema, f"{{ {fields} }}", {}, executor_class=Small)
    assert 1 < len(Small.documents) < 10
    Small.documents.clear()
    assert len(Small.documents) == 0


def test_the_variants_of_one_document_are_bounded() -> None:
    schema = schema_of(SDL)
    names = [f"v{n}" for n in range(6)]
    head = ", ".join(f"${name}: Boolean!" for name in names)
    body = " ".join(f"{name}: a @skip(if: ${name})" for name in names)
    document = parse(f"query ({head}) {{ {body} }}")
    for bits in range(64):
        values = {name: bool(bits >> n & 1) for n, name in enumerate(names)}
        execute(schema, document, {}, variable_values=values, executor_class=BreadthFirstExecutor)
    operation: Any = document.definitions[0]
    found = BreadthFirstExecutor.documents.find(BreadthFirstExecutor, schema, operation, ())
    assert len(found.plans) == 8


def test_the_least_recently_used_value_is_dropped_first() -> None:
    cache: Recent[int] = Recent(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    with pytest.raises(ValueError, match="at least 1"):
        Recent(0)


async def test_an_abandoned_execution_cancels_what_it_waits_for() -> None:
    cancelled: list[str] = []
    started = asyncio.Event()

    async def hang(_source: Any, info: Any) -> Any:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(info.field_name)
            raise

    for text, names in (("{ a b }", ["a", "b"]), ("{ a }", ["a"])):
        schema = schema_of(SDL, {"Query.a": hang, "Query.b": hang})
        cancelled.clear()
        started.clear()
        result: Any = execute(schema, parse(text), executor_class=BreadthFirstExecutor)
        task = asyncio.ensure_future(result)
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(cancelled) == names


async def test_a_resolver_that_is_cancelled_ends_the_execution() -> None:
    async def cancel(*_: Any) -> Any:
        raise asyncio.CancelledError

    async def hang(*_: Any) -> Any:
        await asyncio.Event().wait()

    schema = schema_of(SDL, {"Query.a": cancel, "Query.b": hang})
    result: Any = execute(schema, parse("{ a b }"), executor_class=BreadthFirstExecutor)
    with pytest.raises(asyncio.CancelledError):
        await result


def test_an_error_that_leaves_no_data_cancels_the_rest() -> None:
    cancelled: list[str] = []

    async def hang(*_: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("hang")
            raise

    async def fail(*_: Any) -> Any:
        await asyncio.sleep(0)
        raise ValueError("lost")

    schema = schema_of(SDL, {"Query.a": hang, "Query.must": fail})
    assert both(schema, "{ a must }")["data"] is None
    assert cancelled == ["hang"] * 2


def test_an_error_at_once_that_leaves_no_data_is_answered_at_once() -> None:
    async def later(*_: Any) -> str:
        return "later"

    schema = schema_of(SDL, {"Query.a": later})

    async def run() -> Any:
        return execute(schema, parse("{ a must }"), executor_class=BreadthFirstExecutor)

    result = asyncio.run(run())
    assert isinstance(result, ExecutionResult)
    assert result.data is None


async def test_each_event_of_a_subscription_is_executed(runs: list[Any]) -> None:
    async def ticks(*_: Any) -> AsyncIterator[Any]:
        for number in range(3):
            yield {"tick": {"a": number, "b": ValueError("odd") if number == 1 else None}}

    schema = schema_of(SDL)
    field_of(schema, "Subscription.tick").subscribe = ticks
    stream: Any = subscribe(
        schema, parse("subscription { tick { a b } }"), executor_class=BreadthFirstExecutor
    )
    results = [result async for result in stream]
    assert [result.data["tick"]["a"] for result in results] == ["0", "1", "2"]
    assert [len(result.errors or ()) for result in results] == [0, 1, 0]
    assert len(runs) == 3
    assert len(set(map(id, runs))) == 1


async def test_incremental_delivery_is_handed_to_the_stock_executor(runs: list[Any]) -> None:
    schema = schema_of(SDL)
    schema.directives = (*specified_directives, GraphQLDeferDirective, GraphQLStreamDirective)
    for text in ("{ a ... @defer { b } }", "{ children @stream(initialCount: 1) { a } }"):
        result: Any = experimental_execute_incrementally(
            schema,
            parse(text),
            {"a": 1, "b": 2, "children": [{"a": 1}, {"a": 2}]},
            executor_class=BreadthFirstExecutor,
        )
        assert result.initial_result.formatted["hasNext"]
        assert [part.formatted async for part in result.subsequent_results]
    assert runs == []


def test_middleware_is_handed_to_the_stock_executor(runs: list[Any]) -> None:
    def shout(next_: Any, source: Any, info: Any, **args: Any) -> Any:
        return f"{next_(source, info, **args)}!"

    result = both(schema_of(SDL), "{ a }", {"a": "x"}, middleware=[shout])
    assert result["data"] == {"a": "x!"}
    assert runs == []


async def test_an_abort_signal_is_handed_to_the_stock_executor(runs: list[Any]) -> None:
    controller = AbortController()

    async def abort(*_: Any) -> Any:
        controller.abort(ValueError("enough"))
        await asyncio.Event().wait()

    schema = schema_of(SDL, {"Query.a": abort})
    result: Any = execute(
        schema,
        parse("{ a }"),
        abort_signal=controller.signal,
        executor_class=BreadthFirstExecutor,
    )
    with pytest.raises(Exception, match="enough"):
        await result
    assert runs == []


def test_the_hook_after_asynchronous_work_is_called() -> None:
    finished: list[Any] = []
    answer(schema_of(SDL), "{ a }", {}, hooks=ExecutionHooks(finished.append))
    assert len(finished) == 1


def test_a_custom_field_resolver_is_used_for_fields_without_one() -> None:
    def resolver(_source: Any, info: Any, **_args: Any) -> Any:
        return f"custom {info.field_name}" if info.field_name != "child" else {"b": "plain"}

    result = both(schema_of(SDL), "{ a child { b } }", {"a": "plain"}, field_resolver=resolver)
    assert result["data"] == {"a": "custom a", "child": {"b": "custom b"}}


def test_objects_nested_far_deeper_than_the_stack_end_in_an_error_not_a_crash() -> None:
    schema = schema_of(SDL, {"Child.b": lambda *_: "resolved"})
    child: dict[str, Any] = {"a": ValueError("deep")}
    child["child"] = child
    links = [f"fragment F{n} on Child {{ a b child {{ ...F{n + 1} }} }}" for n in range(1200)]
    text = "{ child { ...F0 } } fragment F1200 on Child { a } " + " ".join(links)
    errors = answer(schema, text, {"child": child}).errors or []
    assert {error.message for error in errors} == {
        "deep",
        "Selections are nested too deeply. Execution aborted.",
    }


def test_a_predicate_that_fails_is_the_error_of_the_field() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"no {name}")

    result = both(schema_of(SDL), "{ a b }", {"a": [Odd()], "b": Odd()})
    assert len(result["errors"]) == 2


def test_members_of_an_enum_are_asked_once_whether_they_are_awaitable() -> None:
    class Color(Enum):
        RED = 1
        GREEN = 2

    asked: list[Any] = []

    def is_awaitable(value: Any) -> bool:
        asked.append(value)
        return False

    members = GraphQLEnumType("Color", Color, names_as_values=None)
    query = GraphQLObjectType("Query", {"colors": GraphQLField(GraphQLList(members))})
    schema = GraphQLSchema(query)
    colors = [Color.RED, Color.GREEN, Color.RED]
    result = answer(schema, "{ colors }", {"colors": colors}, is_awaitable=is_awaitable)
    assert result.data == {"colors": ["RED", "GREEN", "RED"]}
    assert asked.count(Color.RED) == 1
    assert Color.GREEN not in asked


def test_strawberry_runs_on_it(runs: list[Any]) -> None:
    class Executor(BreadthFirstExecutor, StrawberryGraphQLCoreExecutionContext):
        pass

    text = "query ($by: Int!) { items { shownName number(by: $by) } }"
    data = [
        asyncio.run(
            strawberry.Schema(Query, execution_context_class=chosen).execute(
                text, {"by": 3}, context_value={"plus": 1}
            )
        )
        for chosen in (Executor, None)
    ]
    assert data[0].errors is None
    assert data[0].data == data[1].data
    assert (data[0].data or {})["items"][1] == {"shownName": "b", "number": 10}
    assert len(runs) == 1


def test_the_package_imports_only_graphql_core_and_the_standard_library() -> None:
    assert execution.__file__
    for module in Path(execution.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top == "graphql" or top in sys.stdlib_module_names, f"{module}: {name}"

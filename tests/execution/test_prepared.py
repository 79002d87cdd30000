"""An operation executed again and again, against graphql-core's own `execute`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLDeferDirective,
    GraphQLError,
    execute,
    parse,
    specified_directives,
)

from execution import BreadthFirstExecutor, PreparedOperation

from .support import schema_of

SDL = """
  input Wishes { text: String = "any", least: Int, among: [Inner!] }
  input Inner { c: Color! = RED }
  input Tree { left: Tree, right: [Tree] }
  enum Color { RED GREEN }
  type Query {
    echo(n: Int, must: Int! = 3, ids: [ID!], w: Wishes, c: Color, f: Float, s: String,
      t: Tree): String
    who: String
  }
  type Mutation { who: String }
"""


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"left": found}
    return found


VARIABLES: tuple[Any, ...] = (
    None,
    {},
    {"n": 1},
    {"n": None, "must": 2},
    {"n": "1"},
    {"n": 2**31},
    {"n": True, "must": None},
    {"ids": [1, "b"], "w": {"least": 2}, "c": "RED", "f": 1, "s": "t"},
    {"ids": "one", "w": {"least": "x"}, "c": "BLUE", "f": float("nan"), "s": 5},
    {"w": {"unknown": 1}, "nobody": 1},
    {"w": {"among": {"c": "GREEN"}}},
    {"w": {"among": [{}, {"c": None}]}},
    {"t": {"left": {"right": [None, {}]}}},
    {"t": deep(500)},
)


async def _answer(result: Any) -> ExecutionResult:
    return result if isinstance(result, ExecutionResult) else await result


def _echo(_source: Any, info: Any, **arguments: Any) -> str:
    sources, coerced = info.variable_values
    sent = {name: (str(source.signature.type), source.value) for name, source in sources.items()}
    return f"{info.context} {sent} {coerced} {arguments}"


@pytest.mark.parametrize(
    "head",
    [
        "$n: Int",
        "$n: Int!",
        "$n: Int = 7",
        "$n: Int, $must: Int!",
        "$n: Int, $must: Int! = 4",
        "$ids: [ID!], $w: Wishes, $c: Color, $f: Float, $s: String",
        "$w: Wishes! = {least: 1}",
        "$t: Tree",
        "$n: Nothing",
        "$n: Query",
    ],
)
def test_variables_are_taken_and_refused_as_by_execute(head: str) -> None:
    schema = schema_of(SDL, {"Query.echo": _echo})
    used = [name for name in ("n", "must", "ids", "w", "c", "f", "s", "t") if f"${name}:" in head]
    document = parse(f"query ({head}) {{ echo({', '.join(f'{n}: ${n}' for n in used)}) }}")
    prepared = PreparedOperation(BreadthFirstExecutor, schema, document)
    for variables in VARIABLES * 2:
        ours: Any = prepared.execute("here", variables)
        stock: Any = execute(schema, document, None, "here", variables)
        assert json.dumps(ours.formatted) == json.dumps(stock.formatted), variables


@pytest.mark.parametrize("name", [None, "A", "B", "C"])
def test_the_operation_is_chosen_as_by_execute(name: str | None) -> None:
    schema = schema_of(SDL, {"Query.who": lambda *_: "query", "Mutation.who": lambda *_: "write"})
    document = parse("query A { who ...F } mutation B { who } fragment F on Query { o: who }")
    prepared = PreparedOperation(BreadthFirstExecutor, schema, document, name)
    for _ in range(2):
        ours: Any = prepared.execute(None, None)
        stock: Any = execute(schema, document, operation_name=name)
        assert ours.formatted == stock.formatted


def test_executions_at_the_same_time_have_a_context_and_variables_of_their_own() -> None:
    async def slow(_source: Any, info: Any, **arguments: Any) -> str:
        await asyncio.sleep(0.001 * arguments["n"])
        return f"{info.context} {arguments['n']}"

    schema = schema_of(SDL, {"Query.echo": slow})
    document = parse("query ($n: Int!) { echo(n: $n) }")
    prepared = PreparedOperation(BreadthFirstExecutor, schema, document)

    async def all_at_once() -> list[Any]:
        each = [_answer(prepared.execute(f"context {n}", {"n": n})) for n in range(5, 0, -1)]
        return [result.data for result in await asyncio.gather(*each)]

    for _ in range(2):
        expected = [{"echo": f"context {n} {n}"} for n in range(5, 0, -1)]
        assert asyncio.run(all_at_once()) == expected


def test_an_error_that_leaves_no_data_is_answered_as_by_execute() -> None:
    async def failing(*_: Any) -> str:
        raise ValueError("no")

    schema = schema_of("type Query { must: String! }", {"Query.must": failing})
    prepared = PreparedOperation(BreadthFirstExecutor, schema, parse("{ must }"))
    for _ in range(2):
        result = asyncio.run(_answer(prepared.execute(None, None)))
        assert result.data is None
        assert [error.message for error in result.errors or []] == ["no"]


def test_a_schema_with_incremental_delivery_is_refused_as_by_execute() -> None:
    schema = schema_of(SDL)
    schema.directives = (*specified_directives, GraphQLDeferDirective)
    prepared = PreparedOperation(BreadthFirstExecutor, schema, parse("{ who }"))
    with pytest.raises(GraphQLError, match="experimental directives"):
        prepared.execute(None, None)

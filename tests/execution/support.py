"""Runs a document through both executors; shared by the named tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute,
    parse,
)

from execution import BATCH, BatchField, BreadthFirstExecutor, DocumentCache, batch_resolver

ITEMS = """
  scalar Loud
  enum Color { RED GREEN }
  interface Named { name: String }
  type Cat implements Named { name: String lives: Int }
  type Dog implements Named { name: String }
  type Fish { name: String }
  type Item {
    text(n: Int = 1): String  must: String!  number: Int  loud: Loud  louds: [Loud]
    color: Color  colors: [Color!]  other: Item  others: [Item!]  pet: Named  cat: Cat
  }
  type Query { items: [Item] item: Item pets: [Named] }
  type Mutation { add(n: Int = 0): Item }
  type Subscription { item: Item }
"""


def schema_of(sdl: str, resolvers: dict[str, Callable[..., Any]] | None = None) -> GraphQLSchema:
    """Build a schema; `resolvers` maps "Type.field" to a resolver."""
    schema = build_schema(sdl)
    for name, resolve in (resolvers or {}).items():
        field_of(schema, name).resolve = resolve
    return schema


def field_of(schema: GraphQLSchema, name: str) -> GraphQLField:
    type_name, field_name = name.split(".")
    type_ = schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    field: GraphQLField = type_.fields[field_name]
    return field


def relate(schema: GraphQLSchema, name: str, batch: BatchField) -> None:
    """Declare a relation on a field, with the resolver that gives the same answer."""
    field = field_of(schema, name)
    field.extensions[BATCH] = batch
    field.resolve = batch_resolver(batch)


def answer(schema: GraphQLSchema, text: str, root: Any = None, **options: Any) -> ExecutionResult:
    """Execute a document breadth first; wait for the result if that is necessary."""
    options.setdefault("executor_class", BreadthFirstExecutor)

    async def later() -> ExecutionResult:
        result = execute(schema, parse(text), root, **options)
        return result if isinstance(result, ExecutionResult) else await result

    return asyncio.run(later())


def both(schema: GraphQLSchema, text: str, root: Any = None, **options: Any) -> dict[str, Any]:
    """Execute with both executors, assert that they agree to the byte, return the result."""
    stock = answer(schema, text, root, executor_class=None, **options).formatted
    ours = answer(schema, text, root, **options).formatted
    assert json.dumps(ours, default=str) == json.dumps(stock, default=str)
    return json.loads(json.dumps(ours, default=str))  # type: ignore[no-any-return]


def messages(result: Any) -> list[str]:
    return [error["message"] for error in result.get("errors", [])]


def knowing(
    convert: Callable[[Sequence[Any]], Any], classes: dict[type, Any] | None = None
) -> type[BreadthFirstExecutor]:
    """An executor that serialises Loud and Color by `convert` and knows these classes."""

    class Knowing(BreadthFirstExecutor):
        documents = DocumentCache(8)

        @staticmethod
        def leaf_column(type_: GraphQLNamedType) -> Any:
            return convert if type_.name in ("Loud", "Color") else None

        @staticmethod
        def type_of_class(class_: type) -> str | None:
            return (classes or {}).get(class_)

    return Knowing

"""Runs a document through both executors; shared by the named tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute,
    parse,
)

from execution import BATCH, BatchField, BreadthFirstExecutor, batch_resolver


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

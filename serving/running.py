"""One query or mutation over plain HTTP, from its document to its result: the same gate and
executor as Strawberry's own way, without the hooks around each step, which took longer than a small
query. Streams go by Strawberry (serving/limits.py, Admission). Holds no rule."""

import asyncio
from inspect import isawaitable
from typing import Any

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.execution import optimized_is_awaitable
from strawberry.http import GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.utils.operation import get_operation_type

from graph.context import Context
from serving.limits import Gate, too_slow

_IS_AWAITABLE: Any = optimized_is_awaitable


async def run_operation(
    gate: Gate, asked: GraphQLRequestData, context: Context, method: str
) -> ExecutionResult:
    """Runs the operation, if the gate lets it, for at most the seconds that one may take. Raises
    MissingQueryError, CannotGetOperationTypeError and InvalidOperationTypeError, as Strawberry
    does; everything else that goes wrong is an error of the result."""
    if not asked.query:
        raise MissingQueryError
    data: dict[str, Any] | None = None
    try:
        document = await gate.read(asked.query)
    except GraphQLError as error:
        return ExecutionResult(None, [error], {"cost": gate.cost()})
    name = asked.operation_name
    if document is not None and (method != "POST" or not gate.has_passed(name)):
        _require_allowed(document, name, method)
    errors: list[GraphQLError] | None = gate.refusals(name, asked.variables)
    if not errors:
        try:
            async with asyncio.timeout(gate.limits.operation_seconds):
                found: Any = gate.prepared(name).execute(
                    context,
                    asked.variables,
                    is_awaitable=_IS_AWAITABLE,
                    operation_extensions=asked.extensions,
                )
                if isawaitable(found):
                    found = await found
            data, errors = found.data, found.errors
        except TimeoutError:
            errors = [_wrapped(too_slow(gate.limits.operation_seconds))]
        except Exception as error:
            errors = [_wrapped(error)]
    return ExecutionResult(data, errors, {"cost": gate.cost()})


def _require_allowed(document: Any, name: str | None, method: str) -> None:
    try:
        type_ = get_operation_type(document, name)
    except RuntimeError as error:
        raise CannotGetOperationTypeError(name) from error
    if type_ not in OperationType.from_http("GET" if method == "GET" else "POST"):
        raise InvalidOperationTypeError(type_)


def _wrapped(error: Exception) -> GraphQLError:
    # Presented by serving/masking.py, which looks at the original.
    return (
        error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    )

"""What leaves as a top-level error: a code, words that help, and nothing internal. A bug becomes
INTERNAL with the request's id; the log gets the trace (spec/01-api-conventions.md#mutations)."""

from collections.abc import AsyncIterator
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from core.errors import BadUserInput, DomainError, RequestError

log = structlog.get_logger(__name__)

# The messages of graphql-core hold what the client sent, which may be long: they are taken apart
# with string methods, each of which reads them once.
_SUGGESTION = "Did you mean"
_SUBJECTS = ("Variable '$", "Argument '")
_FAULT, _AT = " has invalid value", " at '"
# graphql-core shows the whole value that does not fit: an input's other fields, a password too.
_VALUE = ", found: "
_LONGEST = 500
_NO_OPERATION = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)


def _cause(error: BaseException) -> BaseException:
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def _where(message: str) -> str | None:
    """The beginning of a message that tells whose value is wrong: `Variable '$input' has invalid
    value at 'input.title'`. None for any other message."""
    subject = next((start for start in _SUBJECTS if message.startswith(start)), None)
    if subject is None:
        return None
    name, quote, fault = message[len(subject) :].partition("'")
    if not quote or not name.isidentifier() or not fault.startswith(_FAULT):
        return None
    end = len(message) - len(fault) + len(_FAULT)
    if message.startswith(_AT, end):
        closing = message.find("'", end + len(_AT))
        end = end if closing < 0 else closing + 1
    return message[:end]


def _is_of_client(error: GraphQLError, cause: BaseException) -> bool:
    """True for what the client did wrong: a document that is not valid, or a value that its scalar
    does not take. While a field runs, graphql-core's own errors tell of our results, save those
    about an argument."""
    if "code" in (error.extensions or {}):
        return True
    if error.message.startswith("Argument '") or _where(error.message) is not None:
        return True
    return error.path is None and (isinstance(cause, GraphQLError) or bool(error.nodes))


def _said(error: GraphQLError, cause: BaseException, *, suggestions: bool) -> str:
    message = error.message
    where = _where(message)
    if not isinstance(cause, GraphQLError):
        return "A value in the document cannot be taken." if where is None else f"{where}."
    if not suggestions:
        before, found, _ = message.partition(_SUGGESTION)
        message = before.rstrip() if found else message
    if where is not None or message.startswith("Expected value"):
        before, found, _ = message.partition(_VALUE)
        message = f"{before}." if found else message
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"


def presented(error: GraphQLError, request_id: str, *, suggestions: bool = True) -> GraphQLError:
    """The error as the client sees it. Without `suggestions` a misspelt name is not told its
    neighbours."""
    cause = _cause(error)
    if isinstance(cause, RequestError):
        return _with(error, cause.message, {"code": cause.code, **cause.extensions})
    if isinstance(cause, DomainError):
        return _with(error, cause.message, {"code": str(cause.code)})
    if isinstance(cause, _NO_OPERATION):
        message = error.message or "There is no GraphQL document in the request."
        return _with(error, message, {"code": BadUserInput.code})
    if _is_of_client(error, cause):
        extensions = {"code": BadUserInput.code, **(error.extensions or {})}
        return _with(error, _said(error, cause, suggestions=suggestions), extensions)
    log.error("bug", request_id=request_id, path=error.path, exc_info=cause)
    message = "Something went wrong on our side. Report the requestId if it happens again."
    return _with(error, message, {"code": "INTERNAL", "requestId": request_id})


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    """The same error in other words. Where it lies is known: finding it again would read the
    document again."""
    said = GraphQLError(message, path=error.path, extensions=extensions)
    said.nodes, said.source, said.positions = error.nodes, error.source, error.positions
    said.locations = error.locations
    return said


def present_all(
    errors: list[GraphQLError], request_id: str, limit: int, *, suggestions: bool = True
) -> list[GraphQLError]:
    """All errors of a result as the client sees them, at most `limit` of those that came before
    execution, so that a wrong document does not buy a long answer."""
    before_execution = [error for error in errors if error.path is None]
    shown = [error for error in errors if error.path is not None] + before_execution[:limit]
    return [presented(error, request_id, suggestions=suggestions) for error in shown]


class MaskedStream(SchemaExtension):
    """Presents the errors of what leaves over a stream: websocket and server-sent events. Answers
    over plain HTTP are presented by serving/server.py."""

    async def on_stream_result(self, result: Any) -> AsyncIterator[None]:
        """Before a result leaves."""
        if getattr(result, "errors", None):
            context = self.execution_context.context
            config = self.execution_context.schema.config
            result.errors = present_all(
                result.errors,
                context.request_id,
                context.services.settings.limits.validation_errors,
                suggestions=not config.disable_field_suggestions,
            )
        yield

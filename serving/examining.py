"""Looks at a document that was not read before: its syntax, its figures, whether it is valid. What
takes long does not hold the event loop; what would take too long is refused. Knows no caller."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from graphql import GraphQLError, Source, SourceLocation, parse, specified_rules, validate
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from core.errors import RateLimited
from core.settings import Limits
from graph.definitions import core_schema
from serving.known import Known
from serving.measuring import DocumentFigures, NestedTooDeeply, Shape, measure

AT_ONCE: Final = 1_000
"""So many characters are read where they came: a change of threads takes longer than most of them,
and nothing of this length takes 20 ms."""

# About a millisecond each on the machine of docs/performance.md.
_TOKENS_A_POINT: Final = 20
_COMPARISONS_A_POINT: Final = 500

_WAITING: Final = 32
_RULES: Final = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
_ABORTED: Final = "Validation aborted."
_TOO_ENTANGLED: Final = (
    "The document takes too long to validate: too many fragments are spread in one place, or "
    "select the same fields. Spread fewer of them, or ask by several documents."
)


def too_long(text: str, limits: Limits) -> str | None:
    """Why a document is not even read, None when it is."""
    if len(text) > limits.document_characters:
        return f"The document is too long; {limits.document_characters} characters are allowed."
    # Where an error of several places lies is found by counting lines, for each error again.
    if text.count("\n") + text.count("\r") > limits.document_lines:
        return f"The document has too many lines; {limits.document_lines} are allowed."
    return None


def examine(schema: Any, text: str, limits: Limits) -> Known:
    """The document with all that is to be known of it before one of its operations is executed.
    Validation is left out for one that is beyond a limit. Raises GraphQLError when it is
    malformed."""
    document = parse(_Text(text), max_tokens=limits.document_tokens)
    known = Known(text, document, points=document.token_count // _TOKENS_A_POINT)
    try:
        known.figures = measure(core_schema(schema), document)
    except NestedTooDeeply:
        known.refusal = f"The document is nested too deeply; {limits.depth} levels are allowed."
    else:
        known.refusal = _beyond(known.figures, limits)
    if known.refusal is None:
        comparisons = _validate(schema, known, limits)
        known.points += comparisons // _COMPARISONS_A_POINT
    return known


def _validate(schema: Any, known: Known, limits: Limits) -> int:
    """Notes what is wrong, at most so many errors as are returned; gives how many comparisons of
    fields and fragments that took."""
    merging: list[Any] = []

    def bounded(context: ValidationContext) -> OverlappingFieldsCanBeMergedRule:
        # By itself it would compare five hundred thousand times, which takes half a second.
        rule: Any = OverlappingFieldsCanBeMergedRule(context)
        rule.rule_context.remaining_complexity_budget = limits.document_comparisons
        merging.append(rule)
        return rule  # type: ignore[no-any-return]  # its budget has no type of its own

    rules: Any = (*_RULES, bounded)
    errors = validate(
        core_schema(schema),
        known.document,
        rules,
        max_errors=limits.validation_errors,
        hide_suggestions=schema.config.disable_field_suggestions,
    )
    known.errors = [_explained(error) for error in errors[: limits.validation_errors]]
    left: int = merging[0].rule_context.remaining_complexity_budget
    return limits.document_comparisons - max(0, left)


def _explained(error: GraphQLError) -> GraphQLError:
    gave_up = isinstance(error, ValidationAbortedError) and error.message == _ABORTED
    return GraphQLError(_TOO_ENTANGLED) if gave_up else error


def _beyond(figures: DocumentFigures, limits: Limits) -> str | None:
    """Which limit a document exceeds, None when it keeps to all of them."""
    for operation in figures.operations.values():
        found = _first_beyond(operation.shape, operation.roots, limits)
        if found is not None:
            return found
    return _first_beyond(figures.unused, 0, limits)


def _first_beyond(shape: Shape, roots: int, limits: Limits) -> str | None:
    of_document = (
        ("levels of fields", shape.depth, limits.depth),
        ("aliases and repeated fields", shape.aliases, limits.aliases),
        ("root fields", roots, limits.root_fields),
        ("directives", shape.directives, limits.directives),
        ("items in a list", shape.longest_list, limits.list_items),
        ("fields and fragments, written out", shape.selections, limits.selections),
    )
    for what, figure, limit in of_document:
        if figure > limit:
            shown = str(figure) if figure < 1_000_000 else "over a million"
            return f"The document has {shown} {what}; {limit} are allowed."
    return None


class _Text(Source):
    """A text that looks for its lines once. graphql-core does so for each error that has one
    place, which is each error of a field."""

    @cached_property
    def _starts(self) -> list[int]:
        # The lines of GraphQL, which are not those of Python.
        text = self.body.replace("\r\n", " \n").replace("\r", "\n")
        return [0, *accumulate(len(line) + 1 for line in text.split("\n")[:-1])]

    def get_location(self, position: int) -> SourceLocation:
        """The line and column of a position, from 1."""
        line = bisect_right(self._starts, position)
        return SourceLocation(line, position + 1 - self._starts[line - 1])


class Reader:
    """The thread of a process in which long documents are read, one after the other: several would
    keep the event loop from its turn for as many turns of their own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._waiting = 0

    async def read(self, examined: Callable[[], Known]) -> Known:
        """What `examined` gives. Raises what it raises, and RateLimited when too many wait."""
        if self._waiting >= _WAITING:
            raise RateLimited("Too many new documents at once. Try again in a moment.", 1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, examined)
        finally:
            self._waiting -= 1

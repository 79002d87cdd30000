"""What one operation may be and what a caller may spend: everything is refused before anything is
executed (spec/01-api-conventions.md#limits). Budgets are counted in this process: `n` processes
allow `n` times as much."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.graphql import OperationType as StrawberryOperationType

from auth.actor import Actor
from core.buckets import Buckets, Rate
from core.errors import (
    BadUserInput,
    CostLimit,
    OperationTimeout,
    RateLimited,
    RequestError,
    Unauthenticated,
)
from core.settings import Limits
from execution import PreparedOperation
from execution.cache import Recent
from graph.context import Context
from graph.cost import Values
from resolvers.identity.attempts import network_of
from serving.key_scopes import require_scopes
from serving.known import Known, digest
from serving.measuring import Measured, NestedTooDeeply, Shape, measure

REFUSED = 10
"""What an operation costs that is refused before it runs: reading it took time as well."""

_DOCUMENTS = 512
_CHARACTERS = 400_000


class Limiter:
    """The limits of one process: the documents it has read, and the callers' buckets."""

    def __init__(self, limits: Limits, *, introspection: bool = True) -> None:
        self.limits = limits
        self.introspection = introspection
        self._documents: Recent[Known] = Recent(_DOCUMENTS, _CHARACTERS)
        self._trusted: dict[str, Known] = {}
        self._accounts = Buckets(Rate(limits.budget_actor, limits.budget_actor_per_second))
        self._addresses = Buckets(Rate(limits.budget_address, limits.budget_address_per_second))

    def extension(self) -> "Admission":
        """The extension of one operation, for the schema's list of extensions."""
        return Admission(self)

    def buckets(self, actor: Actor) -> tuple[Buckets, str]:
        """The actor's bucket: the account's, or that of an anonymous caller's address."""
        if actor.user_id is not None:
            return self._accounts, str(actor.user_id)
        return self._addresses, network_of(actor.address[:60])

    def require_points(self, actor: Actor) -> None:
        """Raises RateLimited when the actor has nothing left: not even the document is read."""
        buckets, key = self.buckets(actor)
        if buckets.remaining(key) < 1:
            raise _rate_limited(buckets.take(key, 1) or 1)

    def pay(self, actor: Actor, points: int) -> None:
        """Takes the points. Raises RateLimited when there are too few."""
        buckets, key = self.buckets(actor)
        seconds = buckets.take(key, points)
        if seconds:
            raise _rate_limited(seconds)

    def remaining(self, actor: Actor) -> int:
        """What the actor has left."""
        buckets, key = self.buckets(actor)
        return max(0, buckets.remaining(key))

    def find(self, sha256_hash: str) -> Known | None:
        """The document of this hash among those known."""
        return self._trusted.get(sha256_hash) or self._documents.get(sha256_hash)

    def read(self, text: str, sha256_hash: str) -> Known:
        """Reads a document that is not known, and keeps it while there is room. Raises GraphQLError
        for one that is malformed."""
        known = Known(text, parse(text, max_tokens=self.limits.document_tokens))
        self._documents.put(sha256_hash, known, len(text))
        return known

    def trust(self, schema: Any, text: str) -> None:
        """Reads a document and keeps it for good. Raises GraphQLError or BadUserInput when it is
        malformed, holds no operation, is not valid or over a limit."""
        known = Known(text, parse(text, max_tokens=self.limits.document_tokens))
        operations = known.operations(None)
        if not operations:
            raise BadUserInput("The document holds no operation.")
        names = [node.name.value if node.name else None for node in operations]
        for name in names if len(names) > 1 else [None]:
            _within(measured(known, schema, name, self.limits).shape, self.limits)
        for error in validated(known, schema, self.limits):
            raise error
        known.passed.update((name, known.operations(name)[0]) for name in names)
        self._trusted[digest(text)] = known


_NOTHING_READ = parse("{ __typename }")


class Gate:
    """Decides whether one operation runs: `read` its document, then ask for `refusals`, then tell
    the `cost`. A document that is too large is refused before validation spends time on it. `key`
    is the digest of the document that was read."""

    def __init__(self, limiter: Limiter, schema: Any, context: Context) -> None:
        self._schema = schema
        self.limits = limiter.limits
        self.key = ""
        self._limiter = limiter
        self._actor = context.actor
        self._streams = context.streams
        self._known: Known | None = None
        self._requested = 0
        self._weighed = False

    def read(self, text: str) -> DocumentNode:
        """The document, read now or before. Raises GraphQLError for one that is malformed."""
        if len(text) > self.limits.document_characters:
            # Reading it would hold up everybody else: `refusals` says so.
            return _NOTHING_READ
        self.key = digest(text)
        known = self._limiter.find(self.key)
        if known is None:
            self._charge(len(text) >> 10)
            try:
                known = self._limiter.read(text, self.key)
            except GraphQLError:
                self._refused()
                raise
        self._known = known
        return known.document

    def refusals(self, name: str | None, variables: dict[str, Any] | None) -> list[GraphQLError]:
        """Why the operation must not run: too large, invalid, too dear, or more than is left.
        Empty once it is paid for."""
        try:
            errors = self._errors(name, variables)
        except RequestError as error:
            errors = [GraphQLError(error.message, original_error=error)]
        if errors and not self._weighed:
            self._refused()
        return errors

    def has_passed(self, name: str | None) -> bool:
        """Whether this operation was let through before, by whoever sent it."""
        return self._known is not None and name in self._known.passed

    def prepared(self, name: str | None) -> PreparedOperation:
        """The operation, once there were no `refusals`."""
        if self._known is None:
            raise RuntimeError("no document was read")
        return self._known.prepared(self._schema, name)

    def cost(self) -> dict[str, Any]:
        """`extensions.cost`: what the operation was charged and what is left."""
        buckets, key = self._limiter.buckets(self._actor)
        return {
            "requested": self._requested,
            "limit": self.limits.cost,
            "remaining": max(0, buckets.remaining(key)),
            "refillPerSecond": buckets.rate.per_second,
        }

    def _charge(self, points: int) -> None:
        if points:
            buckets, key = self._limiter.buckets(self._actor)
            buckets.charge(key, points)

    def _refused(self) -> None:
        self._charge(REFUSED)
        self._requested = REFUSED

    def _errors(self, name: str | None, variables: dict[str, Any] | None) -> list[GraphQLError]:
        known = self._known
        if known is None:
            limit = self.limits.document_characters
            raise BadUserInput(f"The document is too long; {limit} characters are allowed.")
        passed = known.passed.get(name)
        operation = passed or _chosen(known, name)
        if operation.operation is OperationType.SUBSCRIPTION and not self._streams:
            raise BadUserInput("Subscribe over a websocket or with Accept: text/event-stream.")
        figures = measured(known, self._schema, name, self.limits)
        if passed is None:
            _within(figures.shape, self.limits)
        hidden = figures.shape.introspects and not self._limiter.introspection
        if hidden and self._actor.is_anonymous:
            raise Unauthenticated("Sign in to read the schema.")
        if passed is None:
            errors = validated(known, self._schema, self.limits)
            if errors:
                return errors
        if self._actor.scopes is not None:
            require_scopes(self._schema, self._actor, operation, known.fragments)
        known.passed[name] = operation
        _within_list_length(variables, self.limits.list_items)
        points = max(1, Values(variables, figures.defaults).work_out(figures.shape.cost))
        self._pay(points)
        return []

    def _pay(self, points: int) -> None:
        limit = self.limits.cost
        self._requested = points
        self._weighed = True
        if points > limit:
            self._charge(REFUSED)
            message = (
                f"The operation costs {points} points and one operation may cost {limit}. "
                "Ask for shorter lists, or for less of each item."
            )
            raise CostLimit(message, requested=points, limit=limit)
        self._limiter.pay(self._actor, points)


def _chosen(known: Known, name: str | None) -> OperationDefinitionNode:
    chosen = known.operations(name)
    # Strawberry would take the first of several; the specification asks for a name (6.1).
    if len(chosen) != 1:
        raise BadUserInput("Give operationName: the document has several operations.")
    return chosen[0]


def measured(known: Known, schema: Any, name: str | None, limits: Limits) -> Measured:
    """The figures of one operation of a document, worked out once. Raises BadUserInput when it is
    nested too deeply to be measured."""
    if name not in known.measured:
        operation = known.operations(name)[0]
        try:
            known.measured[name] = measure(schema._schema, operation, known.fragments)
        except NestedTooDeeply:
            known.measured[name] = None
    found = known.measured[name]
    if found is None:
        raise BadUserInput(f"The document is nested too deeply; {limits.depth} levels are allowed.")
    return found


def validated(known: Known, schema: Any, limits: Limits) -> list[GraphQLError]:
    """What is wrong with a document, looked up once; at most so many errors as are returned."""
    if known.errors is None:
        known.errors = validate(
            schema._schema,
            known.document,
            (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule),
            max_errors=limits.validation_errors,
            hide_suggestions=schema.config.disable_field_suggestions,
        )
    return known.errors[: limits.validation_errors]


class Admission(SchemaExtension):
    """The gate as Strawberry asks it: on websockets and server-sent events. In the place of its
    ParserCache and ValidationCache, whose size in memory is not bounded and which come before the
    figures. Plain HTTP goes by serving/running.py."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._gate: Gate | None = None

    def on_operation(self) -> Iterator[None]:
        """Before anything: how long a document may be."""
        self.execution_context.parse_options["max_tokens"] = self._limiter.limits.document_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Takes the document from those known. What is malformed is left to Strawberry, which
        parses it again and reports it on every transport."""
        asked = self.execution_context
        self._gate = Gate(self._limiter, asked.schema, asked.context)
        if asked.query:
            with suppress(GraphQLError):
                asked.graphql_document = self._gate.read(asked.query)
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuses what is too large, invalid, too dear, or more than is left."""
        asked = self.execution_context
        if self._gate is not None and asked.graphql_document is not None:
            name = asked._provided_operation_name
            asked.pre_execution_errors = self._gate.refusals(name, asked.variables)
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Ends a query or mutation that takes too long; subscriptions last."""
        if self.execution_context.operation_type is StrawberryOperationType.SUBSCRIPTION:
            yield
            return
        seconds = self._limiter.limits.operation_seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise too_slow(seconds) from None

    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`, except with the events of a subscription."""
        if self._gate is None or self._is_subscription():
            return {}
        return {"cost": self._gate.cost()}

    def _is_subscription(self) -> bool:
        try:
            asked = self.execution_context.operation_type
        except RuntimeError:  # there is no document, or it has no such operation
            return False
        return asked is StrawberryOperationType.SUBSCRIPTION


def too_slow(seconds: float) -> OperationTimeout:
    """The error of an operation that took longer than it may."""
    message = f"The operation took longer than {seconds:g} s. Ask for less at once."
    return OperationTimeout(message)


def _rate_limited(seconds: int) -> RateLimited:
    return RateLimited(f"Too much at once. Try again in {seconds} s.", seconds)


def _within(shape: Shape, limits: Limits) -> None:
    figures = (
        ("levels of fields", shape.depth, limits.depth),
        ("aliases and repeated fields", shape.aliases, limits.aliases),
        ("root fields", len(shape.names), limits.root_fields),
        ("directives", shape.directives, limits.directives),
        ("items in a list", shape.longest_list, limits.list_items),
    )
    for what, figure, limit in figures:
        if figure > limit:
            shown = str(figure) if figure < 1_000_000 else "over a million"
            raise BadUserInput(f"The document has {shown} {what}; {limit} are allowed.")


def _within_list_length(variables: dict[str, Any] | None, limit: int) -> None:
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            if len(value) > limit:
                raise BadUserInput(
                    f"The variables have {len(value)} items in a list; {limit} are allowed."
                )
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())

"""What one operation may be and what a caller may spend: everything is refused before anything is
executed (spec/01-api-conventions.md#limits). Budgets are counted in this process: `n` processes
allow `n` times as much."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    parse,
)
from strawberry.extensions import SchemaExtension
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
from graph.definitions import asked_operation, core_schema
from resolvers.identity.attempts import network_of
from serving.examining import AT_ONCE, Reader, examine, too_long
from serving.key_scopes import require_scopes
from serving.known import Known, digest

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
        self._reader = Reader()
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

    def charge(self, actor: Actor, points: int) -> None:
        """Takes up to this many points for what was done already."""
        if points:
            buckets, key = self.buckets(actor)
            buckets.charge(key, points)

    def remaining(self, actor: Actor) -> int:
        """What the actor has left."""
        buckets, key = self.buckets(actor)
        return max(0, buckets.remaining(key))

    def find(self, sha256_hash: str) -> Known | None:
        """The document of this hash among those known."""
        return self._trusted.get(sha256_hash) or self._documents.get(sha256_hash)

    async def read(self, schema: Any, text: str, sha256_hash: str, actor: Actor) -> Known:
        """The document of this text and its hash, read now or before. Reading a new one is charged:
        a point for each KiB, and as many as its tokens and its validation are worth. Long ones are
        read aside. Raises GraphQLError for one that is malformed, RateLimited when too many wait to
        be read."""
        known = self.find(sha256_hash)
        if known is not None:
            return known
        self.charge(actor, len(text) >> 10)
        examined = partial(examine, schema, text, self.limits)
        known = examined() if len(text) <= AT_ONCE else await self._reader.read(examined)
        self.charge(actor, known.points)
        self._documents.put(sha256_hash, known, len(text))
        return known

    def trust(self, schema: Any, text: str) -> None:
        """Reads a document and keeps it for good. Raises GraphQLError or BadUserInput when it is
        malformed, holds no operation, is not valid or over a limit."""
        known = examine(schema, text, self.limits)
        operations = known.operations(None)
        if not operations:
            raise BadUserInput("The document holds no operation.")
        if known.refusal is not None:
            raise BadUserInput(known.refusal)
        for error in known.errors:
            raise error
        names = [node.name.value if node.name else None for node in operations]
        known.passed.update((name, known.operations(name)[0]) for name in names)
        self._trusted[digest(text)] = known


class Gate:
    """Decides whether one operation runs: `read` its document, then ask for `refusals`, then tell
    the `cost`. `key` is the digest of the document that was read."""

    def __init__(self, limiter: Limiter, schema: Any, context: Context) -> None:
        self._schema = schema
        self.limits = limiter.limits
        self.key = ""
        self._limiter = limiter
        self._actor = context.actor
        self._streams = context.streams
        self._known: Known | None = None
        self._unread: str | None = None
        self._requested = 0
        self._weighed = False

    async def read(self, text: str) -> DocumentNode | None:
        """The document, read now or before; None for one that is too long to be read, which
        `refusals` say. Raises GraphQLError for one that is malformed, and for one that has to wait
        too long to be read."""
        self._unread = too_long(text, self.limits)
        if self._unread is not None:
            return None
        self.key = digest(text)
        try:
            self._known = await self._limiter.read(self._schema, text, self.key, self._actor)
        except GraphQLError:
            self._refused()
            raise
        except RateLimited as error:
            raise GraphQLError(error.message, original_error=error) from error
        return self._known.document

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

    def is_mutation(self, name: str | None) -> bool:
        """Whether the operation writes; False before its document was read: nothing was written
        yet."""
        return self._known is not None and self._known.is_mutation(name)

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

    def _refused(self) -> None:
        self._limiter.charge(self._actor, REFUSED)
        self._requested = REFUSED

    def _errors(self, name: str | None, variables: dict[str, Any] | None) -> list[GraphQLError]:
        known = self._known
        if known is None:
            raise BadUserInput(self._unread or "There is no document.")
        operation = known.passed.get(name) or _chosen(known, name)
        if operation.operation is OperationType.SUBSCRIPTION and not self._streams:
            raise BadUserInput("Subscribe over a websocket or with Accept: text/event-stream.")
        if known.refusal is not None:
            raise BadUserInput(known.refusal)
        figures = known.measured(operation)
        hidden = figures.shape.introspects and not self._limiter.introspection
        if hidden and self._actor.is_anonymous:
            raise Unauthenticated("Sign in to read the schema.")
        if known.errors:
            return known.errors
        if self._actor.scopes is not None:
            require_scopes(core_schema(self._schema), self._actor, operation, known.fragments)
        known.passed[name] = operation
        _require_bounded(variables, self.limits)
        points = max(1, Values(variables, figures.defaults).work_out(figures.shape.cost))
        self._pay(points)
        return []

    def _pay(self, points: int) -> None:
        limit = self.limits.cost
        self._requested = points
        self._weighed = True
        if points > limit:
            self._limiter.charge(self._actor, REFUSED)
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


class Admission(SchemaExtension):
    """The gate as Strawberry asks it: on websockets and server-sent events. In the place of its
    ParserCache and ValidationCache, whose size in memory is not bounded and which come before the
    figures. Plain HTTP goes by serving/running.py."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._gate: Gate | None = None
        self._malformed: GraphQLError | None = None

    def on_operation(self) -> Iterator[None]:
        """Before anything: how long a document may be."""
        self.execution_context.parse_options["max_tokens"] = self._limiter.limits.document_tokens
        yield

    async def on_parse(self) -> AsyncIterator[None]:
        """Takes the document from those known. In the place of one that cannot be read stands
        another, and `on_validate` says why."""
        asked = self.execution_context
        self._gate = Gate(self._limiter, asked.schema, asked.context)
        if asked.query:
            document = None
            try:
                document = await self._gate.read(asked.query)
            except GraphQLError as error:
                self._malformed = error
            asked.graphql_document = document or _stand_in(asked_operation(asked))
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuses what is too large, invalid, too dear, or more than is left."""
        asked = self.execution_context
        if self._malformed is not None:
            asked.pre_execution_errors = [self._malformed]
        elif self._gate is not None and asked.graphql_document is not None:
            name = asked_operation(asked)
            asked.pre_execution_errors = self._gate.refusals(name, asked.variables)
            if not asked.pre_execution_errors and self._gate.is_mutation(name):
                asked.context.note_writing()
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


_NOTHING = parse("{ __typename }").definitions[0]


def _stand_in(name: str | None) -> DocumentNode:
    """A document that Strawberry finds the operation of this name in, and that is never run."""
    operation: Any = _NOTHING
    named = replace(operation, name=None if name is None else NameNode(value=name))
    return DocumentNode(definitions=(named,))


def too_slow(seconds: float) -> OperationTimeout:
    """The error of an operation that took longer than it may."""
    message = f"The operation took longer than {seconds:g} s. Ask for less at once."
    return OperationTimeout(message)


def _rate_limited(seconds: int) -> RateLimited:
    return RateLimited(f"Too much at once. Try again in {seconds} s.", seconds)


def _require_bounded(variables: dict[str, Any] | None, limits: Limits) -> None:
    values, longest, characters = (
        limits.variable_values,
        limits.list_items,
        limits.variable_characters,
    )
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            if len(value) > longest:
                raise BadUserInput(
                    f"The variables have {len(value)} items in a list; {longest} are allowed."
                )
            waiting.extend(value)
            values -= len(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            values -= len(value)
        elif isinstance(value, str) and len(value) > characters:
            # One variable may be given to a hundred arguments, and each of them looks at it.
            raise BadUserInput(
                f"A variable has {len(value)} characters; {characters} are allowed in one text."
            )
        if values < 0:
            raise BadUserInput(
                f"The variables have too many values; {limits.variable_values} are allowed."
            )

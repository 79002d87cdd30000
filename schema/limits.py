"""What one operation may be and what a caller may spend: everything is refused before anything is
executed (spec/01-api-conventions.md#limits). Budgets are counted in this process: `n` processes
allow `n` times as much."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    parse,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.graphql import OperationType

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
from execution.cache import Recent
from schema.cost import Values
from schema.limits_walk import Measured, NestedTooDeeply, Shape, measure

REFUSED = 10
"""What an operation costs that is refused before it runs: reading it took time as well."""

_DOCUMENTS = 512
_CHARACTERS = 400_000


@dataclass(slots=True)
class Known:
    """A document that was read before: its syntax tree, what validation said, and the figures of
    its operations."""

    document: DocumentNode
    errors: list[GraphQLError] | None
    measured: dict[str | None, Measured | None]


class Limiter:
    """The limits of one process: the documents it has read, and the callers' buckets."""

    def __init__(self, limits: Limits, *, introspection: bool = True) -> None:
        self.limits = limits
        self.introspection = introspection
        self._documents: Recent[Known] = Recent(_DOCUMENTS, _CHARACTERS)
        self._accounts = Buckets(Rate(limits.budget_actor, limits.budget_actor_per_second))
        self._addresses = Buckets(Rate(limits.budget_address, limits.budget_address_per_second))

    def extension(self) -> "Admission":
        """The extension of one operation, for the schema's list of extensions."""
        return Admission(self)

    def buckets(self, actor: Actor) -> tuple[Buckets, str]:
        """The actor's bucket: the account's, or that of an anonymous caller's address."""
        if actor.user_id is not None:
            return self._accounts, str(actor.user_id)
        return self._addresses, _network(actor.address)

    def require_points(self, actor: Actor) -> None:
        """Raises RateLimited when the actor has nothing left: not even the document is read."""
        buckets, key = self.buckets(actor)
        if buckets.remaining(key) < 1:
            raise _rate_limited(buckets.take(key, 1) or 1)

    def has_read(self, schema: object, text: str) -> bool:
        """True when the document is among those known: reading it costs nothing."""
        return self._documents.get((id(schema), text)) is not None

    def known(self, schema: object, text: str) -> Known:
        """The document, parsed now or before. Raises GraphQLError for one that is malformed."""
        key = (id(schema), text)
        known = self._documents.get(key)
        if known is None:
            document = parse(text, max_tokens=self.limits.document_tokens)
            known = Known(document, None, {})
            self._documents.put(key, known, len(text))
        return known


_NOTHING_READ = parse("{ __typename }")


class Admission(SchemaExtension):
    """Decides whether one operation runs. In the place of Strawberry's ParserCache and
    ValidationCache, whose size in memory is not bounded and which come before the figures: a
    document that is too large is refused before validation spends time on it."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._limits = limiter.limits
        self._known: Known | None = None
        self._requested = 0
        self._weighed = False
        self._unread = False

    def on_operation(self) -> Iterator[None]:
        """Before anything: how long a document may be."""
        self.execution_context.parse_options["max_tokens"] = self._limits.document_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Takes the document from those known. What is malformed is left to Strawberry, which
        parses it again and reports it on every transport."""
        context = self.execution_context
        if context.query and len(context.query) > self._limits.document_characters:
            # Reading it would hold up everybody else: on_validate refuses it unread.
            self._unread = True
            context.graphql_document = _NOTHING_READ
        elif context.query:
            if not self._limiter.has_read(context.schema, context.query):
                buckets, key = self._limiter.buckets(self._actor)
                buckets.charge(key, len(context.query) >> 10)
            try:
                self._known = self._limiter.known(context.schema, context.query)
                context.graphql_document = self._known.document
            except GraphQLError:
                self._charge()
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuses what is too large, invalid, too dear, or more than is left."""
        try:
            errors = self._errors()
        except RequestError as error:
            errors = [GraphQLError(error.message, original_error=error)]
        if errors and not self._weighed:
            self._charge()
        self.execution_context.pre_execution_errors = errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Ends a query or mutation that takes too long; subscriptions last."""
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            yield
            return
        seconds = self._limits.operation_seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            message = f"The operation took longer than {seconds:g} s. Ask for less at once."
            raise OperationTimeout(message) from None

    def get_results(self) -> dict[str, Any]:
        """`extensions.cost`: what the operation was charged and what is left."""
        document = self.execution_context.graphql_document
        if document is not None and self._is_subscription():
            return {}
        buckets, key = self._limiter.buckets(self._actor)
        cost = {
            "requested": self._requested,
            "limit": self._limits.cost,
            "remaining": max(0, buckets.remaining(key)),
            "refillPerSecond": buckets.rate.per_second,
        }
        return {"cost": cost}

    @property
    def _actor(self) -> Actor:
        actor: Actor = self.execution_context.context.actor
        return actor

    def _is_subscription(self) -> bool:
        try:
            return self.execution_context.operation_type is OperationType.SUBSCRIPTION
        except RuntimeError:  # the document has no such operation
            return False

    def _charge(self) -> None:
        buckets, key = self._limiter.buckets(self._actor)
        buckets.charge(key, REFUSED)
        self._requested = REFUSED

    def _errors(self) -> list[GraphQLError]:
        document = self.execution_context.graphql_document
        if document is None:
            return []
        if self._unread:
            limit = self._limits.document_characters
            raise BadUserInput(f"The document is too long; {limit} characters are allowed.")
        known = self._known or Known(document, None, {})
        if self._is_subscription() and not self.execution_context.context.streams:
            raise BadUserInput("Subscribe over a websocket or with Accept: text/event-stream.")
        measured = self._measured(known)
        _within(measured.shape, self._limits)
        if measured.shape.introspects and not self._limiter.introspection:
            self._refuse_introspection()
        errors = self._validated(known)
        if errors:
            return errors
        variables = self.execution_context.variables
        _within_list_length(variables, self._limits.list_items)
        points = max(1, Values(variables, measured.defaults).work_out(measured.shape.cost))
        self._pay(points)
        return []

    def _measured(self, known: Known) -> Measured:
        definitions = known.document.definitions
        operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
        name = self.execution_context.operation_name
        chosen = [d for d in operations if (d.name.value if d.name else None) == name]
        # Strawberry would take the first of several; the specification asks for a name (6.1).
        unnamed = self.execution_context._provided_operation_name is None
        if len(chosen) != 1 or (unnamed and len(operations) > 1):
            raise BadUserInput("Give operationName: the document has several operations.")
        if name not in known.measured:
            fragments = {
                definition.name.value: definition
                for definition in definitions
                if isinstance(definition, FragmentDefinitionNode)
            }
            schema = self.execution_context.schema._schema
            try:
                known.measured[name] = measure(schema, chosen[0], fragments)
            except NestedTooDeeply:
                known.measured[name] = None
        measured = known.measured[name]
        if measured is None:
            limit = self._limits.depth
            raise BadUserInput(f"The document is nested too deeply; {limit} levels are allowed.")
        return measured

    def _refuse_introspection(self) -> None:
        if self._actor.is_anonymous:
            raise Unauthenticated("Sign in to read the schema.")

    def _validated(self, known: Known) -> list[GraphQLError]:
        if known.errors is None:
            context = self.execution_context
            rules = (*context.validation_rules, MaybeNullValidationRule, OneOfInputValidationRule)
            known.errors = validate(
                context.schema._schema,
                known.document,
                rules,
                max_errors=self._limits.validation_errors,
                hide_suggestions=context.schema.config.disable_field_suggestions,
            )
        return known.errors[: self._limits.validation_errors]

    def _pay(self, points: int) -> None:
        limit = self._limits.cost
        buckets, key = self._limiter.buckets(self._actor)
        self._requested = points
        self._weighed = True
        if points > limit:
            buckets.charge(key, REFUSED)
            message = (
                f"The operation costs {points} points and one operation may cost {limit}. "
                "Ask for shorter lists, or for less of each item."
            )
            raise CostLimit(message, requested=points, limit=limit)
        seconds = buckets.take(key, points)
        if seconds:
            raise _rate_limited(seconds)


def _rate_limited(seconds: int) -> RateLimited:
    return RateLimited(f"Too much at once. Try again in {seconds} s.", seconds)


def _network(address: str) -> str:
    """Whom an address stands for: itself, or with IPv6 its network, of which one caller has as many
    addresses as it likes."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


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

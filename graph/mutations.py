"""Mutations, declared once: `mutation(use_case, Payload, …)`. From it come the input, the result
union, the error path, the transaction and idempotency. Knows none by name."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import MISSING, dataclass
from functools import reduce
from inspect import signature
from operator import or_
from typing import Any, Protocol, TypeAlias, TypeVar, get_type_hints

import strawberry
from pydantic import TypeAdapter
from strawberry.types.field import StrawberryField

from auth.actor import Actor
from auth.who import SIGNED_IN, Who
from core.commands import Command
from core.database import UnitOfWork
from core.errors import DomainError, IdempotencyConflict, raised_by
from core.flow import Flow
from graph.annotations import annotated
from graph.context import Context
from graph.errors import answer_of, error_type
from graph.inputs import Item, input_of, reader_of
from graph.roots import RootField, Scope, Unsaid
from resolvers.idempotency import Once, run_once

WorkT = TypeVar("WorkT", UnitOfWork, Flow)
CommandT = TypeVar("CommandT", bound=Command)
OutcomeT = TypeVar("OutcomeT")
ToldT = TypeVar("ToldT", contravariant=True)

UseCase: TypeAlias = Callable[[WorkT, Actor, CommandT], Awaitable[OutcomeT]]


class Succeeds(Protocol[ToldT]):
    """The class of a mutation's payload."""

    @classmethod
    async def of(cls, outcome: ToldT, context: Context) -> Any:
        """The payload of an outcome."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a use case says of itself by its annotations: its command, its outcome, and whether it
    runs its transactions itself."""

    command: type[Command]
    outcome: Any
    flows: bool

    @classmethod
    def of(cls, use_case: Callable[..., Any]) -> "Signature":
        """The signature of `async def verb(work, actor, command) -> Outcome`, `work` being a
        UnitOfWork or a Flow. Raises TypeError for another."""
        hints = get_type_hints(use_case)
        names = list(signature(use_case).parameters)
        kinds = [hints.get(name) for name in names]
        command = kinds[2] if len(kinds) == 3 else None
        if kinds[:1] not in ([UnitOfWork], [Flow]) or kinds[1:2] != [Actor]:
            command = None
        if not (isinstance(command, type) and issubclass(command, Command)):
            where = f"{use_case.__module__}.{use_case.__name__}"
            raise TypeError(f"{where} is no use case: (work, actor, command) -> outcome")
        return cls(command, hints["return"], kinds[0] is Flow)


class Mutation(RootField):
    """A root field that writes: its one argument is the command of its use case."""

    kind = "Mutation"

    def __init__(
        self,
        use_case: Callable[..., Awaitable[Any]],
        payload: type[Succeeds[Any]],
        *,
        description: str,
        doing: str,
        who: Who,
        scope: Scope,
        once: bool,
        turn: Callable[[Any], Hashable] | None,
        optional: str | None,
    ) -> None:
        super().__init__(description=description, who=who, scope=scope)
        self.payload = payload
        self.errors = raised_by(use_case)
        if once and IdempotencyConflict not in self.errors:
            self.errors = (*self.errors, IdempotencyConflict)
        self._use_case = use_case
        self._doing = doing
        self._once = once
        self._turn = turn
        self._optional = optional
        self._signature = Signature.of(use_case)
        self._read = reader_of(self._signature.command)
        self._answer = TypeAdapter(self._signature.outcome) if once else None

    def field(self) -> StrawberryField:
        """The field as Strawberry takes it."""
        type_ = input_of(self._signature.command, once=self._once)
        described: Any = type_.__strawberry_definition__.description  # type: ignore[attr-defined]  # Strawberry's
        item = Item("input", type_, described, MISSING, None)
        if self._optional is not None:
            item = Item("input", type_ | None, self._optional, None, None)
        members = [self.payload, *[error_type(error) for error in self.errors]]
        name = f"{self.name[0].upper()}{self.name[1:]}Result"
        union = strawberry.union(
            name, description=f"What comes of {self._doing}: done, or why not."
        )
        return self.make([item], annotated(reduce(or_, members), union))

    async def resolve(self, source: Any, info: Any, /, **given: Any) -> Any:
        """The payload, or the typed error that the use case gave. Raises RequestError."""
        context: Context = info.context
        try:
            self.who.require(context.actor)
            came = given.get("input") or {}
            outcome = await self._written(context, came)
            return await self.payload.of(outcome, context)
        except DomainError as error:
            if not isinstance(error, self.errors):
                raise
            return answer_of(error)

    async def _written(self, context: Context, came: dict[str, Any]) -> Any:
        command, actor, use_case = self._read(came, ("input",)), context.actor, self._use_case
        try:
            if self._signature.flows:
                return await use_case(context.flow, actor, command)
            turn = None if self._turn is None else self._turn(command)
            if self._answer is None:
                return await context.database.run(
                    lambda work: use_case(work, actor, command), turn=turn
                )
            once = Once(actor, self.name, command, came.get("idempotencyKey"))
            return await run_once(
                context.database,
                once,
                self._answer,
                lambda work: use_case(work, actor, command),
                turn=turn,
            )
        finally:
            # What is loaded afterwards must be what is stored now.
            context.forget()


def mutation(
    use_case: UseCase[WorkT, CommandT, OutcomeT],
    payload: type[Succeeds[OutcomeT]],
    *,
    description: str,
    doing: str,
    who: Who = SIGNED_IN,
    scope: Scope = Unsaid.SCOPE,
    once: bool = False,
    turn: Callable[[CommandT], Hashable] | None = None,
    optional: str | None = None,
) -> Mutation:
    """Declares a mutation. The use case says its command, its outcome and, by `core.errors.raises`,
    its errors; `payload.of` makes the answer of the outcome. `doing` completes "What comes of …".
    With `once` it takes an idempotency key. `turn` of a command names those of which only one runs
    at a time in a process (core/database.Database.run). `optional` describes an input that may be
    left out. Raises TypeError for what is no use case."""
    return Mutation(
        use_case,
        payload,
        description=description,
        doing=doing,
        who=who,
        scope=scope,
        once=once,
        turn=turn,
        optional=optional,
    )

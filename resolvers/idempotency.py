"""Idempotency keys around a use case: the same key and input get the first answer, at once, twice
or a day later (spec/01-api-conventions.md#mutations)."""

import hashlib
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from auth.actor import Actor
from core.database import Database, UnitOfWork
from core.errors import DomainError, IdempotencyConflict, InvalidInput
from models import idempotency as sql

T = TypeVar("T")

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Once:
    """What a key is bound to: who, which mutation, which input."""

    actor: Actor
    mutation: str
    command: BaseModel
    key: str | None


def _hash(command: BaseModel) -> str:
    return hashlib.sha256(command.model_dump_json().encode()).hexdigest()


def _error_types(root: type[DomainError] = DomainError) -> dict[str, type[DomainError]]:
    found = {root.__name__: root}
    for below in root.__subclasses__():
        found.update(_error_types(below))
    return found


def _kept(answer_type: TypeAdapter[T], answer: dict[str, Any]) -> T | DomainError:
    if "error" in answer:
        kind = _error_types()[answer["error"]]
        error: DomainError = TypeAdapter(kind).validate_python(answer["fields"])
        return error
    return answer_type.validate_python(answer["answer"])


async def run_once(
    database: Database,
    once: Once,
    answer_type: TypeAdapter[T],
    use_case: Callable[[UnitOfWork], Awaitable[T]],
    *,
    turn: Hashable | None = None,
) -> T:
    """Runs the use case in one transaction and gives its answer; with a key, at most once. A
    refusal is an answer too and is kept, while a bug or a lost connection leaves the key free.
    `turn` is that of `Database.run`. Raises what the use case raises, IdempotencyConflict when the
    key was used with other input, InvalidInput for a key longer than 255 characters."""
    key = (once.key or "").strip()
    if not key:
        return await database.run(use_case, turn=turn)
    if len(key) > MAX_KEY or "\x00" in key:
        raise InvalidInput(
            f"idempotencyKey must have at most {MAX_KEY} characters, none of them null.",
            path=["input", "idempotencyKey"],
        )
    # The answer leaves the transaction as a value, so that a refusal is committed with its key.
    outcome = await database.run(
        lambda work: _claim(work, once, key, answer_type, use_case), turn=turn
    )
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def _claim(
    work: UnitOfWork,
    once: Once,
    key: str,
    answer_type: TypeAdapter[T],
    use_case: Callable[[UnitOfWork], Awaitable[T]],
) -> T | DomainError:
    who, input_hash = once.actor.member(), _hash(once.command)
    if await work.first(sql.claim_key(who, once.mutation, key, input_hash)) is None:
        first = await work.first(sql.kept_answer(who, once.mutation, key))
        if first is None or first.answer is None or first.input_hash != input_hash:
            return IdempotencyConflict(
                "This idempotency key was used with other input. Use a new key.",
                path=["input", "idempotencyKey"],
            )
        return _kept(answer_type, first.answer)
    outcome: T | DomainError
    try:
        async with work.savepoint():
            outcome = await use_case(work)
        answer = {"answer": answer_type.dump_python(outcome, mode="json")}
    except DomainError as error:
        outcome = error
        fields = TypeAdapter(type(error)).dump_python(error, mode="json")
        answer = {"error": type(error).__name__, "fields": fields}
    await work.execute(sql.keep_answer(who, once.mutation, key, answer))
    return outcome

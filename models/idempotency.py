"""Idempotency keys: the first answer to a mutation, kept so that the same again gets the same."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Delete, Uuid, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, col

from models.base import Moment, Query, Table, text_of


class IdempotencyKey(Table, table=True):
    """One key of one account for one mutation, with the hash of its input and, once known, its
    answer. A concurrent request with the same key waits on this row."""

    __tablename__ = "idempotency_key"
    actor_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    mutation: str = Field(sa_column=Column(text_of(60), primary_key=True))
    key: str = Field(sa_column=Column(text_of(255), primary_key=True))
    input_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    answer: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now(), index=True)
    )


def claim_key(actor_id: UUID, mutation: str, key: str, input_hash: str) -> Any:
    """Takes the key; returns a row only to the one that took it first. Whoever comes while the
    first is still at work waits here until it has committed or failed."""
    return (
        insert(IdempotencyKey)
        .values(actor_id=actor_id, mutation=mutation, key=key, input_hash=input_hash)
        .on_conflict_do_nothing()
        .returning(col(IdempotencyKey.key))
    )


def _is(actor_id: UUID, mutation: str, key: str) -> Any:
    return (
        (col(IdempotencyKey.actor_id) == actor_id)
        & (col(IdempotencyKey.mutation) == mutation)
        & (col(IdempotencyKey.key) == key)
    )


def kept_answer(actor_id: UUID, mutation: str, key: str) -> Query:
    """The hash of the first input and the first answer."""
    return select(col(IdempotencyKey.input_hash), col(IdempotencyKey.answer)).where(
        _is(actor_id, mutation, key)
    )


def keep_answer(actor_id: UUID, mutation: str, key: str, answer: dict[str, Any]) -> Any:
    """Stores the answer beside the key, in the transaction of the effect."""
    return update(IdempotencyKey).where(_is(actor_id, mutation, key)).values(answer=answer)


def keys_older_than(moment: datetime) -> Delete:
    """Removes keys from before `moment` (they are kept for at least 24 hours)."""
    return delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < moment)

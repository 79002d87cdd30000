"""The event log: what happened, numbered without gaps within a topic. Must not deliver anything:
subscriptions/ does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Delete, String, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, col

from core.database import UnitOfWork
from core.wording import Bound
from models.base import Moment, Query, Table, text_of


class EventTopic(Table, table=True):
    """One stream of events and the number of its newest: the counter whose row lock makes numbers
    gapless, because it is held until the transaction that caused the event has ended."""

    __tablename__ = "event_topic"
    topic: str = Field(sa_column=Column(text_of(80), primary_key=True))
    last_number: int = Field(sa_column=Column(BigInteger, nullable=False))


class Event(Table, table=True):
    """One event: what a subscriber of the topic is told."""

    __tablename__ = "event"
    topic: str = Field(sa_column=Column(text_of(80), primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True))
    kind: str = Field(sa_column=Column(text_of(40), nullable=False))
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))


def recorded_with(*parts: Any) -> Any:
    """The statement that writes an event and, in one go, these other writes (CTEs). Its values are
    theirs and those of `record_event`, which runs it."""
    counter = (
        insert(EventTopic)
        .values(topic=bindparam("topic"), last_number=1)
        .on_conflict_do_update(
            index_elements=["topic"], set_={"last_number": col(EventTopic.last_number) + 1}
        )
        .returning(col(EventTopic.topic), col(EventTopic.last_number))
        .cte("counter")
    )
    source = select(
        counter.c.topic,
        counter.c.last_number,
        bindparam("kind", type_=String),
        bindparam("payload", type_=JSONB),
        bindparam("occurred_at", type_=Moment),
    )
    return (
        insert(Event)
        .from_select(["topic", "number", "kind", "payload", "occurred_at"], source)
        .add_cte(*parts)
        .returning(col(Event.number))
    )


_RECORD = recorded_with()


async def record_event(
    work: UnitOfWork,
    topic: str,
    kind: str,
    payload: Mapping[str, Any],
    occurred_at: datetime,
    along: Bound[Any] | None = None,
) -> int:
    """Writes an event in the transaction that causes it and rings the doorbell after the commit.
    Returns its number within the topic, one more than the last. Who reads a payload is up to the
    domain: no maximum, code or token belongs into it (design/architecture.md). `along` is a
    statement made by `recorded_with`, with the values of its other writes."""
    values = {"topic": topic, "kind": kind, "payload": payload, "occurred_at": occurred_at}
    statement, others = (_RECORD, {}) if along is None else (along.statement, along.values)
    bound: Bound[int] = Bound(statement, {**others, **values})
    number = await work.count(bound)
    work.announce(topic, number)
    return number


def events_after(positions: Sequence[tuple[str, int]], limit: int) -> Query:
    """The events of several topics, each behind its own number, in order within a topic; at most
    `limit` rows in all."""
    wanted = [
        (col(Event.topic) == topic) & (col(Event.number) > number) for topic, number in positions
    ]
    condition = wanted[0]
    for other in wanted[1:]:
        condition = condition | other
    return (
        select(
            col(Event.topic),
            col(Event.number),
            col(Event.kind),
            col(Event.payload),
            col(Event.occurred_at),
        )
        .where(condition)
        .order_by(col(Event.topic), col(Event.number))
        .limit(limit)
    )


def last_numbers(topics: Sequence[str]) -> Query:
    """The newest number of each topic that has one."""
    return select(col(EventTopic.topic), col(EventTopic.last_number)).where(
        col(EventTopic.topic).in_(topics)
    )


def kept_from(topic: str) -> Query:
    """The smallest number of a topic that the log still holds, and the newest number ever."""
    first = select(func.min(col(Event.number))).where(col(Event.topic) == topic).scalar_subquery()
    last = (
        select(col(EventTopic.last_number)).where(col(EventTopic.topic) == topic).scalar_subquery()
    )
    return select(first.label("first"), func.coalesce(last, 0).label("last"))


def events_older_than(moment: datetime, batch: int) -> Delete:
    """Removes at most `batch` events from before `moment`; the topics keep their counters, so an
    old cursor is recognised as expired."""
    old = (
        select(col(Event.topic), col(Event.number))
        .where(col(Event.occurred_at) < moment)
        .order_by(col(Event.occurred_at))
        .limit(batch)
    )
    return delete(Event).where(tuple_(col(Event.topic), col(Event.number)).in_(old))

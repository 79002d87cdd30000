"""Statements on what is counted per subject: failed tries of credentials, and what was asked for
and may not be asked for again at once. Signing in runs them each time, so they are built once.
Decides nothing: resolvers/ does."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Delete,
    Interval,
    String,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlmodel import col

from core.wording import Bound
from models.base import Query, among
from models.identity.sessions import FailedAttempt

Subject: TypeAlias = tuple[str, str]
"""What is counted, and of whom: `("login", "198.51.100.7")`."""


def _array(name: str, of: Any) -> Any:
    return bindparam(name, type_=ARRAY(of))


_LOCK = select(
    func.pg_advisory_xact_lock(func.hashtextextended(func.unnest(_array("locked", String)), 0))
)


def lock_subjects(*subjects: Subject) -> Bound[Any]:
    """Waits until no other transaction counts the attempts of these subjects. They are locked in
    one order whatever the order here, so that two transactions never wait for each other."""
    return Bound(_LOCK, {"locked": [f"{kind} {subject}" for kind, subject in sorted(subjects)]})


def _attempts() -> Query:
    asked = (
        func.unnest(_array("kinds", String), _array("subjects", String))
        .table_valued("kind", "subject", name="asked")
        .render_derived()
    )
    now, since = func.clock_timestamp(), bindparam("since", type_=Interval)
    return (
        select(
            col(FailedAttempt.kind),
            col(FailedAttempt.subject),
            col(FailedAttempt.pending),
            (now - col(FailedAttempt.occurred_at)).label("age"),
        )
        .join_from(
            asked,
            FailedAttempt,
            (col(FailedAttempt.kind) == asked.c.kind)
            & (col(FailedAttempt.subject) == asked.c.subject),
        )
        .where(col(FailedAttempt.occurred_at) > now - since)
        .order_by(col(FailedAttempt.occurred_at))
    )


_ATTEMPTS = _attempts()


def attempts(*subjects: Subject, since: timedelta) -> Bound[Any]:
    """Each attempt of these subjects, all different, within the last `since`, oldest first: kind,
    subject, whether it is pending, and its age."""
    kinds, names = zip(*subjects, strict=True)
    return Bound(_ATTEMPTS, {"kinds": kinds, "subjects": names, "since": since})


_ADD = insert(FailedAttempt).from_select(
    ["id", "kind", "subject", "pending", "occurred_at"],
    select(
        func.unnest(_array("ids", Uuid)),
        func.unnest(_array("kinds", String)),
        func.unnest(_array("subjects", String)),
        bindparam("pending", type_=Boolean),
        func.clock_timestamp(),
    ),
)


def add_attempts(ids: Sequence[UUID], *subjects: Subject, pending: bool = False) -> Bound[Any]:
    """Counts an attempt of each subject, under an id of its own."""
    kinds, names = zip(*subjects, strict=True)
    return Bound(_ADD, {"ids": ids, "kinds": kinds, "subjects": names, "pending": pending})


_SETTLE = update(FailedAttempt).where(among(col(FailedAttempt.id))).values(pending=False)
_DROP = delete(FailedAttempt).where(among(col(FailedAttempt.id)))


def settle_attempts(ids: Sequence[UUID]) -> Bound[Any]:
    """These attempts failed."""
    return Bound(_SETTLE, {"ids": ids})


def drop_attempts(ids: Sequence[UUID]) -> Bound[Any]:
    """These attempts did not fail."""
    return Bound(_DROP, {"ids": ids})


def forget_failures(kind: str, subject: str) -> Delete:
    """The failed attempts of a subject count no more: it has proven who it is by other means."""
    return delete(FailedAttempt).where(
        col(FailedAttempt.kind) == kind,
        col(FailedAttempt.subject) == subject,
        col(FailedAttempt.pending).is_(False),
    )


def attempts_older_than(age: timedelta) -> Delete:
    """Removes attempts that count no more."""
    return delete(FailedAttempt).where(col(FailedAttempt.occurred_at) < func.now() - age)

"""The audit log: reading it and adding to it. Who may read it, resolvers/audit decides."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from core.database import Columns
from core.wording import Bound, Row
from models.audit.tables import ActorKind, AuditCheck, AuditDetail, AuditEntry
from models.base import Moment, Query, Viewer, among, only
from models.lists import Condition, Listed, Order, contains
from models.statements import given, rows_of

_LOCK = 7_246_019


class EntryRow(Row):
    """An entry with its clear side, which an erasure blanks."""

    id: UUID
    sequence: int
    occurred_at: datetime
    actor_kind: ActorKind
    performed_by: UUID | None
    action: str
    object_type: str
    object_id: str | None
    details_digest: str
    address_digest: str
    previous_hash: str
    hash: str
    salt: str | None
    content: str | None
    address: str | None
    request_id: str | None
    erased_at: datetime | None


_LINK = (
    col(AuditEntry.id),
    col(AuditEntry.sequence),
    col(AuditEntry.occurred_at),
    col(AuditEntry.actor_kind),
    col(AuditEntry.performed_by),
    col(AuditEntry.action),
    col(AuditEntry.object_type),
    col(AuditEntry.object_id),
    col(AuditEntry.details_digest),
    col(AuditEntry.address_digest),
    col(AuditEntry.previous_hash),
    col(AuditEntry.hash),
)
_SIDE = (
    col(AuditDetail.salt),
    col(AuditDetail.content),
    col(AuditDetail.address),
    col(AuditDetail.request_id),
    col(AuditDetail.erased_at),
)


def _entries(_: Viewer | None = None) -> Query:
    statement: Query = select(*_LINK, *_SIDE)
    return statement.join(AuditDetail, col(AuditDetail.id) == col(AuditEntry.id))


@rows_of(EntryRow)
def _entries_of_ids(columns: Columns) -> Query:
    return only(_entries(), columns, "id").where(among(col(AuditEntry.id)))


def entries_by_ids(ids: Sequence[UUID], columns: Columns = None) -> Bound[EntryRow]:
    """The entries of these ids with their clear sides."""
    return _entries_of_ids(columns).bind(ids=ids)


ENTRIES = Listed(
    EntryRow,
    _entries,
    {None: Order("audit:newest", (col(AuditEntry.sequence),), descending=True)},
    conditions={
        "performed_by": Condition(
            col(AuditEntry.performed_by) == given("performed_by", AuditEntry.performed_by)
        ),
        "object_id": Condition(
            col(AuditEntry.object_id) == given("object_id", AuditEntry.object_id)
        ),
        "action_object": contains(col(AuditEntry.object_type), "action_object"),
        "action_type": contains(col(AuditEntry.action), "action_type"),
        "since": Condition(col(AuditEntry.occurred_at) >= bindparam("since", type_=Moment)),
        "until": Condition(col(AuditEntry.occurred_at) < bindparam("until", type_=Moment)),
    },
)


def lock_chain() -> Query:
    """Waits until no other transaction is adding an entry; held until this one ends."""
    return select(func.pg_advisory_xact_lock(_LOCK))


def chain_head() -> Query:
    """The last entry's sequence and hash. To be read in a statement after `lock_chain`, which then
    sees what the transaction before has committed."""
    return (
        select(col(AuditEntry.sequence), col(AuditEntry.hash))
        .order_by(col(AuditEntry.sequence).desc())
        .limit(1)
    )


def add_detail(**values: Any) -> Any:
    """The clear side of a new entry."""
    return insert(AuditDetail).values(**values)


def add_entry(**values: Any) -> Any:
    """A new entry at the end of the chain."""
    return insert(AuditEntry).values(**values)


def blank_details_of(object_id: str) -> Any:
    """Blanks the clear side of all entries about an object; the chain goes on to verify."""
    about = select(col(AuditEntry.id)).where(col(AuditEntry.object_id) == object_id)
    return (
        update(AuditDetail)
        .where(col(AuditDetail.id).in_(about), col(AuditDetail.erased_at).is_(None))
        .values(
            salt=None,
            content=None,
            address=None,
            request_id=None,
            erased_at=func.clock_timestamp(),
        )
    )


def links_from(first: int, last: int, batch: int) -> Query:
    """Up to `batch` entries with their clear sides, by sequence, from `first` to `last`."""
    return (
        _entries()
        .where(col(AuditEntry.sequence).between(first, last))
        .order_by(col(AuditEntry.sequence))
        .limit(batch)
    )


def begin_check(stale: timedelta) -> Any:
    """Takes the verification of today (UTC): gives its day to one process only, and again to
    another when the first has not finished within `stale`."""
    today = func.date(func.timezone("UTC", func.clock_timestamp()))
    statement = insert(AuditCheck).values(day=today, started_at=func.clock_timestamp())
    return statement.on_conflict_do_update(
        index_elements=["day"],
        set_={"started_at": func.clock_timestamp()},
        where=col(AuditCheck.finished_at).is_(None)
        & (col(AuditCheck.started_at) < func.clock_timestamp() - stale),
    ).returning(col(AuditCheck.day))


def finish_check(day: date, **found: Any) -> Any:
    """Writes down what the verification of a day found."""
    return (
        update(AuditCheck)
        .where(col(AuditCheck.day) == day)
        .values(finished_at=func.clock_timestamp(), **found)
    )


def last_sound_check() -> Query:
    """The last entry and its hash as the last verification without a fault saw them."""
    return (
        select(col(AuditCheck.head_sequence), col(AuditCheck.head_hash))
        .where(col(AuditCheck.head_sequence).is_not(None), col(AuditCheck.first_broken).is_(None))
        .order_by(col(AuditCheck.day).desc())
        .limit(1)
    )

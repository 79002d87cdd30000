"""The audit log: its tables, the words for what is recorded, and its statements. Decides nothing:
resolvers/audit does, and nothing here changes or removes an entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, col

from core.pages import PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of, words

MAX_CONTENT = 16 << 10
"""The details of an entry in bytes (spec/10-admin-compliance.md#audit-log)."""
NEWEST_FIRST = "audit:newest"
_LOCK = 7_246_019


class ActorKind(StrEnum):
    """Who did it: a person, a key of theirs, an agent of theirs, Souk itself, or a call from
    outside (spec/10-admin-compliance.md#audit-log)."""

    USER = "USER"
    API_KEY = "API_KEY"
    AGENT = "AGENT"
    SYSTEM = "SYSTEM"
    WEBHOOK = "WEBHOOK"


class AuditAction(StrEnum):
    """What was done: the fixed list of names (spec/10-admin-compliance.md#audit-log)."""

    USER_CREATE = "user.create"
    USER_UPDATE = "user.update"
    USER_DELETE = "user.delete"
    USER_RESTORE = "user.restore"
    USER_SUSPEND = "user.suspend"
    USER_REINSTATE = "user.reinstate"
    USER_SET_ROLE = "user.set_role"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105  the name of an action
    USER_RESET_TWO_FACTOR = "user.reset_two_factor"
    GROUP_CREATE = "group.create"
    GROUP_UPDATE = "group.update"
    GROUP_DELETE = "group.delete"
    GROUP_ADD_MEMBER = "group.add_member"
    GROUP_REMOVE_MEMBER = "group.remove_member"
    CUSTOMER_CREATE = "customer.create"
    CUSTOMER_UPDATE = "customer.update"
    CUSTOMER_DELETE = "customer.delete"
    CUSTOMER_REQUEST_DELETION = "customer.request_deletion"
    CATEGORY_CREATE = "category.create"
    CATEGORY_UPDATE = "category.update"
    CATEGORY_DELETE = "category.delete"
    SUBCATEGORY_CREATE = "subcategory.create"
    SUBCATEGORY_UPDATE = "subcategory.update"
    SUBCATEGORY_DELETE = "subcategory.delete"
    API_KEY_CREATE = "api_key.create"
    API_KEY_UPDATE = "api_key.update"
    API_KEY_REVOKE = "api_key.revoke"
    AVATAR_DELETE = "avatar.delete"
    LOGIN_LOCKED_OUT = "login.locked_out"


class AuditDetail(Table, table=True):
    """The clear side of an entry: what an erasure may blank, all of it at once and nothing else.
    `content` is canonical JSON of details and reason, byte for byte what the digest was made of."""

    __tablename__ = "audit_detail"
    __table_args__ = (
        CheckConstraint(f"octet_length(content) <= {MAX_CONTENT}", name="content_length"),
        CheckConstraint(
            "erased_at IS NULL AND salt IS NOT NULL AND content IS NOT NULL OR "
            "erased_at IS NOT NULL AND num_nonnulls(salt, content, address, request_id) = 0",
            name="whole_or_blank",
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    salt: str | None = Field(sa_column=Column(text_of(64)))
    content: str | None = Field(sa_column=Column(Text))
    address: str | None = Field(sa_column=Column(text_of(60)))
    request_id: str | None = Field(sa_column=Column(text_of(64)))
    erased_at: datetime | None = Field(sa_column=Column(Moment))


class AuditEntry(Table, table=True):
    """One link of the chain. Never changed and never removed: a trigger refuses it, and the
    database role has no right to (migrations/versions/0006_audit.py)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("sequence"),
        UniqueConstraint("previous_hash"),
        CheckConstraint("sequence > 0", name="sequence_positive"),
        CheckConstraint("action ~ '^[a-z_]+[.][a-z_]+$'", name="action_form"),
        CheckConstraint(
            "(actor_kind IN ('USER', 'API_KEY', 'AGENT')) = (performed_by IS NOT NULL)",
            name="performed_by_somebody",
        ),
        Index("ix_audit_entry_performed_by", "performed_by", "sequence"),
        Index("ix_audit_entry_object", "object_id", "sequence"),
        Index("ix_audit_entry_occurred_at", "occurred_at"),
    )
    # The link leads from the chain to the side row: so the side row exists, cannot be removed, and
    # checking it needs no right to change the chain.
    id: UUID = Field(sa_column=Column(Uuid, ForeignKey("audit_detail.id"), primary_key=True))
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    actor_kind: ActorKind = Field(sa_column=Column(words(ActorKind, "actor_kind"), nullable=False))
    performed_by: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("user_account.id")))
    action: str = Field(sa_column=Column(text_of(60), nullable=False))
    object_type: str = Field(sa_column=Column(text_of(40), nullable=False))
    object_id: str | None = Field(sa_column=Column(text_of(60)))
    details_digest: str = Field(sa_column=Column(text_of(64), nullable=False))
    address_digest: str = Field(sa_column=Column(text_of(64), nullable=False))
    previous_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    hash: str = Field(sa_column=Column(text_of(64), nullable=False))


class AuditCheck(Table, table=True):
    """What one day's verification of the whole log found: which entry was the last, and its
    hash, so that entries taken off the end are missed the next day."""

    __tablename__ = "audit_check"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    started_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    finished_at: datetime | None = Field(sa_column=Column(Moment))
    head_sequence: int | None = Field(sa_column=Column(BigInteger))
    head_hash: str | None = Field(sa_column=Column(text_of(64)))
    first_broken: int | None = Field(sa_column=Column(BigInteger))


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


@dataclass(frozen=True, slots=True)
class AuditWishes:
    """Which entries a list holds; None means any. `since` is included, `until` is not."""

    performed_by: UUID | None = None
    object_id: str | None = None
    action_object: str | None = None
    action_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


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


def entries_by_id(ids: Sequence[UUID]) -> Query:
    """The entries of these ids with their clear sides."""
    return _entries().where(col(AuditEntry.id).in_(ids))


def entry_page(wishes: AuditWishes, page: PageRequest) -> Query:
    """One page of entries with their clear sides, newest first."""
    statement = _entries().where(*_conditions(wishes))
    return keyset_page(statement, [col(AuditEntry.sequence)], page, NEWEST_FIRST, descending=True)


def entry_count(wishes: AuditWishes) -> Query:
    """How many entries a list holds."""
    return select(func.count()).select_from(AuditEntry).where(*_conditions(wishes))


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


def _entries() -> Query:
    statement: Query = select(*_LINK, *_SIDE)
    return statement.join(AuditDetail, col(AuditDetail.id) == col(AuditEntry.id))


def _conditions(wishes: AuditWishes) -> list[Any]:
    found: list[Any] = []
    if wishes.performed_by is not None:
        found.append(col(AuditEntry.performed_by) == wishes.performed_by)
    if wishes.object_id is not None:
        found.append(col(AuditEntry.object_id) == wishes.object_id)
    if wishes.action_object is not None:
        found.append(col(AuditEntry.object_type).icontains(wishes.action_object, autoescape=True))
    if wishes.action_type is not None:
        found.append(col(AuditEntry.action).icontains(wishes.action_type, autoescape=True))
    if wishes.since is not None:
        found.append(col(AuditEntry.occurred_at) >= wishes.since)
    if wishes.until is not None:
        found.append(col(AuditEntry.occurred_at) < wishes.until)
    return found

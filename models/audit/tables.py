"""The audit log: its tables, the words for what is recorded, and its statements. Decides nothing:
resolvers/audit does, and nothing here changes or removes an entry."""

from datetime import date, datetime
from enum import StrEnum
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
)
from sqlmodel import Field

from models.base import Moment, Table, text_of, words

MAX_CONTENT = 16 << 10
"""The details of an entry in bytes (spec/10-admin-compliance.md#audit-log)."""


class ActorKind(StrEnum):
    """Who did it: a person, a key of theirs, an agent of theirs, Souk itself, or a call from
    outside (spec/10-admin-compliance.md#audit-log)."""

    USER = "USER"
    API_KEY = "API_KEY"
    AGENT = "AGENT"
    SYSTEM = "SYSTEM"
    WEBHOOK = "WEBHOOK"


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

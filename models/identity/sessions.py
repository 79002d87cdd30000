"""Sessions, refresh tokens, signing keys, one-time codes and failed attempts: the tables."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.base import Moment, Table, text_of, words


class CodeFlow(StrEnum):
    """What a one-time code is for (spec/02-identity.md#one-time-codes)."""

    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"
    MOBILE_VERIFICATION = "MOBILE_VERIFICATION"
    EMAIL_TWO_FACTOR = "EMAIL_TWO_FACTOR"
    MOBILE_TWO_FACTOR = "MOBILE_TWO_FACTOR"
    PASSWORD_RESET_EMAIL = "PASSWORD_RESET_EMAIL"  # noqa: S105  the name of a flow
    PASSWORD_RESET_MOBILE = "PASSWORD_RESET_MOBILE"  # noqa: S105  the name of a flow


class Session(Table, table=True):
    """One login on one device: the family of its refresh tokens."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_user", "user_id", "id"),
        Index("ix_session_revoked", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    user_agent: str | None = Field(sa_column=Column(text_of(300)))
    address: str | None = Field(sa_column=Column(text_of(60)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    revoked_at: datetime | None = Field(sa_column=Column(Moment))


class RefreshToken(Table, table=True):
    """One refresh token, hashed. It is used once; using it again ends its session."""

    __tablename__ = "refresh_token"
    __table_args__ = (UniqueConstraint("token_hash"),)
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    session_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("session.id"), nullable=False, index=True)
    )
    token_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    used_at: datetime | None = Field(sa_column=Column(Moment))


class SigningKey(Table, table=True):
    """A key that signs access tokens until `signs_until` and verifies them until `verifies_until`.
    The private half is encrypted with the server's secret."""

    __tablename__ = "signing_key"
    kid: str = Field(sa_column=Column(text_of(64), primary_key=True))
    private_pem: str = Field(sa_column=Column(text_of(4000), nullable=False))
    public_jwk: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    signs_until: datetime = Field(sa_column=Column(Moment, nullable=False))
    verifies_until: datetime = Field(sa_column=Column(Moment, nullable=False))


class OneTimeCode(Table, table=True):
    """The one live code of an account and flow, hashed, and the token of its link, hashed too:
    using either uses both. `bound_hash` says what they prove, such as an e-mail address: the link
    of an address that was changed meanwhile proves nothing."""

    __tablename__ = "one_time_code"
    __table_args__ = (UniqueConstraint("user_id", "flow"), UniqueConstraint("link_hash"))
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    flow: CodeFlow = Field(sa_column=Column(words(CodeFlow, "flow"), nullable=False))
    code_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    link_hash: str | None = Field(sa_column=Column(text_of(64)))
    bound_hash: str | None = Field(sa_column=Column(text_of(64)))
    code_index: int = Field(sa_column=Column(Integer, nullable=False))
    wrong_tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    used_at: datetime | None = Field(sa_column=Column(Moment))


class FailedAttempt(Table, table=True):
    """One try of a credential that failed, or whose outcome is still `pending`; counted per account
    and per address. Also what was asked for and may not be asked for again at once."""

    __tablename__ = "failed_attempt"
    __table_args__ = (Index("ix_failed_attempt_subject", "kind", "subject", "occurred_at"),)
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: str = Field(sa_column=Column(text_of(30), nullable=False))
    subject: str = Field(sa_column=Column(text_of(100), nullable=False))
    pending: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    occurred_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )

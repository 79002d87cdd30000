"""Second factors: which are on, recovery codes, and logins that wait for one. The tables."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlmodel import Field

from models.base import Moment, Table, text_of, words


class TwoFactorChannel(StrEnum):
    """By what a second factor is given (spec/02-identity.md#one-time-codes)."""

    EMAIL = "EMAIL"
    MOBILE = "MOBILE"
    TOTP = "TOTP"
    RECOVERY = "RECOVERY"


class ChallengePurpose(StrEnum):
    """What is waiting for the second factor."""

    LOGIN = "LOGIN"
    STAFF_LOGIN = "STAFF_LOGIN"
    SETTINGS = "SETTINGS"


class SecondFactor(Table, table=True):
    """A second factor that is on. `target` is the address or number that it was turned on for: a
    new one must be turned on anew, or whoever changes it has the factor. `secret` is sealed;
    `last_step` is the newest step that a code was taken for."""

    __tablename__ = "second_factor"
    __table_args__ = (
        CheckConstraint("channel <> 'RECOVERY'", name="no_recovery"),
        CheckConstraint("(channel = 'TOTP') = (target IS NULL)", name="target_of_messages"),
        CheckConstraint("(channel = 'TOTP') = (secret IS NOT NULL)", name="secret_of_totp"),
    )
    user_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("user_account.id"), primary_key=True, nullable=False)
    )
    channel: TwoFactorChannel = Field(
        sa_column=Column(words(TwoFactorChannel, "channel"), primary_key=True, nullable=False)
    )
    target: str | None = Field(sa_column=Column(text_of(254)))
    secret: str | None = Field(sa_column=Column(text_of(300)))
    last_step: int | None = Field(sa_column=Column(BigInteger))
    enabled_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class TotpEnrollment(Table, table=True):
    """A secret that an app was shown and that no code has confirmed yet; sealed."""

    __tablename__ = "totp_enrollment"
    user_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("user_account.id"), primary_key=True, nullable=False)
    )
    secret: str = Field(sa_column=Column(text_of(300), nullable=False))
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class RecoveryCode(Table, table=True):
    """One recovery code, hashed. It is used once."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    code_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    used_at: datetime | None = Field(sa_column=Column(Moment))


class LoginChallenge(Table, table=True):
    """The right password was given and the second factor is due; named by a token, hashed.
    `password_tag` stands for the password that was given: with another one it is void."""

    __tablename__ = "login_challenge"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("wrong_tries BETWEEN 0 AND 5", name="five_tries"),
        CheckConstraint("expires_at > created_at", name="expires_after_created"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False, index=True)
    )
    token_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    purpose: ChallengePurpose = Field(
        sa_column=Column(words(ChallengePurpose, "purpose"), nullable=False)
    )
    password_tag: str = Field(sa_column=Column(text_of(64), nullable=False))
    wrong_tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    used_at: datetime | None = Field(sa_column=Column(Moment))

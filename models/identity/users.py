"""Accounts: the table, and who may see which row. Sessions, keys, codes: sessions.py."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Uuid,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, col

from auth.actor import Actor, Permission, Role
from core.database import Columns
from core.wording import Bound
from models.base import Moment, Query, Table, among, only, text_of, words

_STATEMENTS = 100


class User(Table, table=True):
    """A person's account (spec/02-identity.md#user). E-mail addresses and user names are unique
    whatever their case."""

    __tablename__ = "user_account"
    __table_args__ = (
        Index("uq_user_account_email", text("lower(email)"), unique=True),
        Index("uq_user_account_username", text("lower(username)"), unique=True),
        Index(
            "ix_user_account_rights",
            "rights_changed_at",
            postgresql_where=text("rights_changed_at IS NOT NULL"),
        ),
        Index("ix_user_account_phone", "phone", "id", postgresql_where=text("phone_verified")),
        Index("ix_user_account_fullname", text("lower(fullname)"), "id"),
        Index("ix_user_account_role", "role", "id"),
        Index(
            "ix_user_account_search",
            "fullname",
            "email",
            postgresql_using="gin",
            postgresql_ops={"fullname": "gin_trgm_ops", "email": "gin_trgm_ops"},
        ),
        Index(
            "ix_user_account_closed",
            "archived_at",
            postgresql_where=text("NOT is_active AND purged_at IS NULL"),
        ),
        CheckConstraint("length(fullname) BETWEEN 1 AND 100", name="fullname_length"),
        CheckConstraint("username ~ '^[a-z0-9_.]{3,30}$'", name="username_form"),
        CheckConstraint("is_active OR role <> 'SUPER_ADMIN'", name="super_admin_stays"),
        CheckConstraint(
            "purged_at IS NULL OR NOT is_active AND num_nonnulls(password_hash, username, "
            "firstname, lastname, gender, city, phone, avatar_url, bio, preferred_language, "
            "address) = 0",
            name="purged_stays_closed",
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    email: str = Field(sa_column=Column(text_of(254), nullable=False))
    username: str | None = Field(sa_column=Column(text_of(30)))
    # Asked for when registering; the account gets it when its address is proven, if it is free.
    wished_username: str | None = Field(sa_column=Column(text_of(30)))
    fullname: str = Field(sa_column=Column(text_of(100), nullable=False))
    firstname: str | None = Field(sa_column=Column(text_of(100)))
    lastname: str | None = Field(sa_column=Column(text_of(100)))
    gender: str | None = Field(sa_column=Column(text_of(30)))
    city: str | None = Field(sa_column=Column(text_of(100)))
    phone: str | None = Field(sa_column=Column(text_of(16)))
    phone_verified: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    email_verified: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    avatar_url: str | None = Field(sa_column=Column(text_of(500)))
    bio: str | None = Field(sa_column=Column(text_of(2000)))
    preferred_language: str | None = Field(sa_column=Column(text_of(35)))
    address: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    role: Role = Field(sa_column=Column(words(Role, "role"), nullable=False, server_default="USER"))
    password_hash: str | None = Field(sa_column=Column(text_of(200)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    updated_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))
    # Who closed it: an account that its owner closed is restored by logging in, one that an admin
    # closed is not.
    closed_by: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("user_account.id")))
    # When the personal data of a closed account went.
    purged_at: datetime | None = Field(sa_column=Column(Moment))
    # When the role was last changed or the account archived or restored: every process reads these
    # few rows again and again to refuse tokens that say more than the account may still do.
    rights_changed_at: datetime | None = Field(sa_column=Column(Moment))


def users_visible_to(actor: Actor) -> Any:
    """The condition for seeing a person at all: active, or the viewer is an admin."""
    return true() if actor.may(Permission.READ_USERS) else col(User.is_active)


def shown_to_all() -> Query:
    """What everybody may see of a person (spec/02-identity.md#user, PublicUser)."""
    return select(col(User.id), col(User.fullname), col(User.avatar_url), col(User.created_at))


@lru_cache(_STATEMENTS)
def _public_users(columns: Columns) -> Query:
    return only(shown_to_all(), columns, "id").where(among(col(User.id)))


def public_users(ids: list[UUID], columns: Columns = None) -> Bound[Any]:
    """What everybody may see of these people. Archived ones are included, because their name stands
    on what they sold and bid: spec/02-identity.md#user (PublicUser)."""
    return Bound(_public_users(columns), {"ids": ids})

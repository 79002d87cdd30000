"""Logging in at a provider: the log ins under way, whom of theirs an account is linked to, and the
statements on both. Decides nothing: resolvers/identity/oidc.py does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Delete, ForeignKey, UniqueConstraint, Uuid, delete, func, select
from sqlalchemy import update as change
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, col

from core.pages import PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of
from models.identity.sessions import OneTimeCode

IDENTITY_ORDER = "identity:newest"


class OidcLogin(Table, table=True):
    """One log in at a provider that somebody has started. Nothing in it is of use to a reader: what
    the provider gives back and what the client keeps are hashed, what we send later is sealed."""

    __tablename__ = "oidc_login"
    __table_args__ = (UniqueConstraint("state_hash"),)
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    provider: str = Field(sa_column=Column(text_of(30), nullable=False))
    state_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    handle_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    sealed: str = Field(sa_column=Column(text_of(1000), nullable=False))
    redirect_uri: str | None = Field(sa_column=Column(text_of(500)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))
    used_at: datetime | None = Field(sa_column=Column(Moment))


class LinkedIdentity(Table, table=True):
    """A person at a provider, by the provider's own name for them (`sub`), and their account here.
    An account has one at a provider, and it belongs to one account."""

    __tablename__ = "linked_identity"
    __table_args__ = (
        UniqueConstraint("provider", "subject"),
        UniqueConstraint("user_id", "provider"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    provider: str = Field(sa_column=Column(text_of(30), nullable=False))
    subject: str = Field(sa_column=Column(text_of(255), nullable=False))
    email: str | None = Field(sa_column=Column(text_of(254)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    last_used_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )


_SHOWN = (
    col(LinkedIdentity.id),
    col(LinkedIdentity.user_id),
    col(LinkedIdentity.provider),
    col(LinkedIdentity.email),
    col(LinkedIdentity.created_at),
    col(LinkedIdentity.last_used_at),
)


def add_oidc_login(lifetime: timedelta, **values: Any) -> Any:
    """A log in under way; gives until when it can be completed."""
    now = func.clock_timestamp()
    return (
        insert(OidcLogin)
        .values(created_at=now, expires_at=now + lifetime, **values)
        .returning(col(OidcLogin.expires_at))
    )


def open_oidc_login(provider: str, state_hash: str) -> Query:
    """Where a log in under way returns to, and whether it can still be completed."""
    return select(
        col(OidcLogin.redirect_uri),
        (
            (col(OidcLogin.expires_at) > func.clock_timestamp()) & col(OidcLogin.used_at).is_(None)
        ).label("is_open"),
    ).where(col(OidcLogin.provider) == provider, col(OidcLogin.state_hash) == state_hash)


def lock_oidc_login(provider: str, state_hash: str) -> Query:
    """A log in under way, locked: of two completions at once the second finds it used."""
    return (
        select(
            col(OidcLogin.id),
            col(OidcLogin.handle_hash),
            col(OidcLogin.sealed),
            col(OidcLogin.expires_at),
            col(OidcLogin.used_at),
        )
        .where(col(OidcLogin.provider) == provider, col(OidcLogin.state_hash) == state_hash)
        .with_for_update()
    )


def use_oidc_login(id_: UUID, at: datetime) -> Any:
    """A log in is completed once, whatever comes of it."""
    return change(OidcLogin).where(col(OidcLogin.id) == id_).values(used_at=at, sealed="")


def drop_old_oidc_logins(age: timedelta) -> Delete:
    """Removes log ins that could be completed until more than `age` ago."""
    return delete(OidcLogin).where(col(OidcLogin.expires_at) < func.now() - age)


def identity_of(provider: str, subject: str) -> Query:
    """The account that a person at a provider is linked to."""
    return select(col(LinkedIdentity.id), col(LinkedIdentity.user_id)).where(
        col(LinkedIdentity.provider) == provider, col(LinkedIdentity.subject) == subject
    )


def identity_at(user_id: UUID, provider: str) -> Query:
    """The identity of an account at a provider."""
    return select(col(LinkedIdentity.id)).where(
        col(LinkedIdentity.user_id) == user_id, col(LinkedIdentity.provider) == provider
    )


def add_identity(**values: Any) -> Any:
    """Links a person at a provider to an account; gives the id, or nothing when either is linked
    already."""
    return (
        insert(LinkedIdentity)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(col(LinkedIdentity.id))
    )


def use_identity(id_: UUID, email: str | None) -> Any:
    """An identity was logged in with, and the address that the provider knows now."""
    known = {} if email is None else {"email": email}
    return (
        change(LinkedIdentity)
        .where(col(LinkedIdentity.id) == id_)
        .values(last_used_at=func.clock_timestamp(), **known)
    )


def drop_identity(id_: UUID) -> Delete:
    """Unlinks one identity."""
    return delete(LinkedIdentity).where(col(LinkedIdentity.id) == id_)


def drop_identities_of(user_id: UUID) -> Delete:
    """Unlinks all identities of an account."""
    return delete(LinkedIdentity).where(col(LinkedIdentity.user_id) == user_id)


def drop_codes_of(user_id: UUID) -> Delete:
    """Voids every one-time code of an account."""
    return delete(OneTimeCode).where(col(OneTimeCode.user_id) == user_id)


def identity_ids_of(user_id: UUID) -> Query:
    """The identities of an account."""
    return select(col(LinkedIdentity.id)).where(col(LinkedIdentity.user_id) == user_id)


def identities_by_id(user_id: UUID, ids: Sequence[UUID]) -> Query:
    """Identities of an account: nobody sees another's."""
    return select(*_SHOWN).where(
        col(LinkedIdentity.user_id) == user_id, col(LinkedIdentity.id).in_(ids)
    )


def identity_page(user_id: UUID, page: PageRequest) -> Query:
    """One page of an account's identities, newest first."""
    return keyset_page(
        select(*_SHOWN).where(col(LinkedIdentity.user_id) == user_id),
        [col(LinkedIdentity.id)],
        page,
        IDENTITY_ORDER,
        descending=True,
    )


def identity_count(user_id: UUID) -> Query:
    """How many identities an account has."""
    return select(func.count()).where(col(LinkedIdentity.user_id) == user_id)

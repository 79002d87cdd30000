"""API keys: the table, who sees which, and the statements. Holds no key, only hashes. Decides
nothing: resolvers/identity/api_keys.py does (spec/10-admin-compliance.md#api-keys)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    Uuid,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, col

from auth.actor import Actor, Permission
from core.pages import PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of
from models.identity.users import User

KEY_ORDER = "api-key:newest"


class ApiKey(Table, table=True):
    """A key for programs. Revoking is final; nothing of the key itself is stored but its name and
    its SHA-256."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("prefix"),
        CheckConstraint("expires_at > created_at", name="expires_after_created"),
        CheckConstraint("revoked_at >= created_at", name="revoked_after_created"),
        CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['READ','WRITE','PAY','ADMIN']::varchar[]",
            name="scopes_known",
        ),
        Index("ix_api_key_owner", "owner_id", "id"),
        Index("ix_api_key_revoked", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    prefix: str = Field(sa_column=Column(text_of(8), nullable=False))
    secret_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    description: str | None = Field(sa_column=Column(text_of(200)))
    scopes: list[str] = Field(sa_column=Column(ARRAY(String(10)), nullable=False))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    expires_at: datetime | None = Field(sa_column=Column(Moment))
    last_used_at: datetime | None = Field(sa_column=Column(Moment))
    revoked_at: datetime | None = Field(sa_column=Column(Moment))


def _is_live() -> Any:
    now = func.clock_timestamp()
    unexpired = or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now)
    return col(ApiKey.revoked_at).is_(None) & unexpired


def keys_visible_to(actor: Actor) -> Any:
    """The condition for seeing a key: one's own; admins all; nobody by a key."""
    if actor.key_id is not None:
        return ~true()
    if actor.may(Permission.MANAGE_API_KEYS):
        return true()
    return col(ApiKey.owner_id) == actor.user_id


def _shown(actor: Actor) -> Query:
    return (
        select(
            col(ApiKey.id),
            col(ApiKey.owner_id),
            col(ApiKey.prefix),
            col(ApiKey.description),
            col(ApiKey.scopes),
            col(ApiKey.created_at),
            col(ApiKey.expires_at),
            col(ApiKey.last_used_at),
            col(ApiKey.revoked_at),
            (_is_live() & col(User.is_active)).label("active"),
        )
        .join(User, col(User.id) == col(ApiKey.owner_id))
        .where(keys_visible_to(actor))
    )


@dataclass(frozen=True, slots=True)
class KeyWishes:
    """Which keys a list holds; None means any."""

    owner_id: UUID | None = None
    active: bool | None = None


def _wished(actor: Actor, wishes: KeyWishes) -> Query:
    statement = _shown(actor)
    if wishes.owner_id is not None:
        statement = statement.where(col(ApiKey.owner_id) == wishes.owner_id)
    if wishes.active is not None:
        live = _is_live() & col(User.is_active)
        statement = statement.where(live if wishes.active else ~live)
    return statement


def key_page(actor: Actor, wishes: KeyWishes, page: PageRequest) -> Query:
    """One page of keys, newest first."""
    columns = [col(ApiKey.id)]
    return keyset_page(_wished(actor, wishes), columns, page, KEY_ORDER, descending=True)


def key_count(actor: Actor, wishes: KeyWishes) -> Query:
    """How many keys the list holds."""
    return select(func.count()).select_from(_wished(actor, wishes).subquery())


def keys_by_id(actor: Actor, ids: Sequence[UUID]) -> Query:
    """These keys, as far as the viewer may see them."""
    return _shown(actor).where(col(ApiKey.id).in_(ids))


def live_keys_of(owner_id: UUID) -> Query:
    """How many keys of an account can be used."""
    return select(func.count()).where(col(ApiKey.owner_id) == owner_id, _is_live())


def add_key(**values: Any) -> Any:
    """A new key; gives its id, or nothing when another has its prefix."""
    return insert(ApiKey).values(**values).on_conflict_do_nothing().returning(col(ApiKey.id))


def lock_key(actor: Actor, key_id: UUID) -> Query:
    """A key that the actor may see, locked."""
    return (
        select(
            col(ApiKey.id),
            col(ApiKey.owner_id),
            col(ApiKey.prefix),
            col(ApiKey.description),
            col(ApiKey.revoked_at),
        )
        .where(keys_visible_to(actor), col(ApiKey.id) == key_id)
        .with_for_update()
    )


def change_key(key_id: UUID, **values: Any) -> Any:
    """Changes a key."""
    return update(ApiKey).where(col(ApiKey.id) == key_id).values(**values)


def revoke_keys(*, only: UUID | None = None, owner_id: UUID | None = None) -> Any:
    """Ends one key, or all of an account; gives the ids of those that this ended. The moment is the
    database's own, because other processes look for it by that clock."""
    statement = update(ApiKey).where(col(ApiKey.revoked_at).is_(None))
    if only is not None:
        statement = statement.where(col(ApiKey.id) == only)
    else:
        statement = statement.where(col(ApiKey.owner_id) == owner_id)
    return statement.values(revoked_at=func.clock_timestamp()).returning(col(ApiKey.id))


def key_in_use(prefix: str) -> Query:
    """The key of a prefix with what decides whether it is taken: it lives and so does its owner's
    account, whose role is read afresh."""
    return (
        select(
            col(ApiKey.id),
            col(ApiKey.owner_id),
            col(ApiKey.secret_hash),
            col(ApiKey.scopes),
            col(ApiKey.expires_at),
            col(User.role),
            (_is_live() & col(User.is_active)).label("taken"),
            _is_unmarked().label("unmarked"),
        )
        .join(User, col(User.id) == col(ApiKey.owner_id))
        .where(col(ApiKey.prefix) == prefix)
    )


def _is_unmarked() -> Any:
    minute = func.date_trunc("minute", func.clock_timestamp())
    return or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < minute)


def mark_used(key_id: UUID) -> Any:
    """A key was used in this minute."""
    return (
        update(ApiKey)
        .where(col(ApiKey.id) == key_id, _is_unmarked())
        .values(last_used_at=func.date_trunc("minute", func.clock_timestamp()))
    )


def keys_revoked_since(age: timedelta) -> Query:
    """The keys that were revoked within the last `age`, and when."""
    return select(col(ApiKey.id), col(ApiKey.revoked_at)).where(
        col(ApiKey.revoked_at) > func.now() - age
    )

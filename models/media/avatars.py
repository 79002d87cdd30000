"""Avatar files: the table, who sees which row, the statements. The bytes lie in object storage.
Decides nothing: resolvers/media/avatars.py does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    delete,
    false,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, col

from auth.actor import Actor, Permission
from core.pages import PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of
from models.identity.users import User

AVATAR_ORDER = "avatar:newest"


class AvatarFile(Table, table=True):
    """A picture of a person. Whoever has its access key may see it."""

    __tablename__ = "avatar_file"
    __table_args__ = (
        UniqueConstraint("access_key"),
        CheckConstraint("file_size BETWEEN 1 AND 10485760", name="file_size_range"),
        CheckConstraint("access_key ~ '^[A-Za-z0-9]{12}$'", name="access_key_form"),
        CheckConstraint("is_active = (archived_at IS NULL)", name="archived_when"),
        Index("ix_avatar_file_owner", "owner_id", "id"),
        Index(
            "ix_avatar_file_archived",
            "archived_at",
            postgresql_where=text("archived_at IS NOT NULL"),
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    file_name: str = Field(sa_column=Column(text_of(255), nullable=False))
    mime_type: str = Field(sa_column=Column(text_of(40), nullable=False))
    file_size: int = Field(sa_column=Column(Integer, nullable=False))
    access_key: str = Field(sa_column=Column(text_of(12), nullable=False))
    sha256: str = Field(sa_column=Column(text_of(64), nullable=False))
    details: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


def avatars_visible_to(actor: Actor) -> Query:
    """The files that the viewer may see the particulars of: one's own; admins all, deleted ones
    included."""
    statement: Query = select(
        col(AvatarFile.id),
        col(AvatarFile.owner_id),
        col(AvatarFile.file_name),
        col(AvatarFile.mime_type),
        col(AvatarFile.file_size),
        col(AvatarFile.access_key),
        col(AvatarFile.details),
        col(AvatarFile.created_at),
        col(AvatarFile.is_active),
    )
    if actor.may(Permission.MANAGE_AVATARS):
        return statement.where(true())
    if actor.user_id is None:
        return statement.where(false())
    return statement.where(col(AvatarFile.owner_id) == actor.user_id, col(AvatarFile.is_active))


@dataclass(frozen=True, slots=True)
class AvatarWishes:
    """Which files a list holds; None means any. `mime_type` is a part of it."""

    owner_id: UUID | None = None
    mime_type: str | None = None


def _wished(actor: Actor, wishes: AvatarWishes) -> Query:
    statement = avatars_visible_to(actor)
    if wishes.owner_id is not None:
        statement = statement.where(col(AvatarFile.owner_id) == wishes.owner_id)
    if wishes.mime_type is not None:
        statement = statement.where(
            col(AvatarFile.mime_type).icontains(wishes.mime_type, autoescape=True)
        )
    return statement


def avatar_page(actor: Actor, wishes: AvatarWishes, page: PageRequest) -> Query:
    """One page of files, newest first."""
    columns = [col(AvatarFile.id)]
    return keyset_page(_wished(actor, wishes), columns, page, AVATAR_ORDER, descending=True)


def avatar_count(actor: Actor, wishes: AvatarWishes) -> Query:
    """How many files the list holds."""
    return select(func.count()).select_from(_wished(actor, wishes).subquery())


def avatars_by_id(actor: Actor, ids: Sequence[UUID]) -> Query:
    """These files, as far as the viewer may see them."""
    return avatars_visible_to(actor).where(col(AvatarFile.id).in_(ids))


def avatar_of_key(access_key: str) -> Query:
    """What whoever has the access key is shown."""
    return select(col(AvatarFile.id), col(AvatarFile.mime_type), col(AvatarFile.sha256)).where(
        col(AvatarFile.access_key) == access_key, col(AvatarFile.is_active)
    )


def avatars_kept(owner_id: UUID) -> Query:
    """How many files an account has."""
    return select(func.count()).where(
        col(AvatarFile.owner_id) == owner_id, col(AvatarFile.is_active)
    )


def avatars_since(owner_id: UUID, since: datetime) -> Query:
    """How many files an account has uploaded since."""
    return select(func.count()).where(
        col(AvatarFile.owner_id) == owner_id, col(AvatarFile.created_at) >= since
    )


def add_avatar(**values: Any) -> Any:
    """A new file; gives its id, or nothing when another has its access key."""
    statement = insert(AvatarFile).values(**values)
    return statement.on_conflict_do_nothing().returning(col(AvatarFile.id))


def lock_avatar(actor: Actor, file_id: UUID) -> Query:
    """A file that the actor may delete, deleted before or not, locked."""
    any_owner = true() if actor.may(Permission.MANAGE_AVATARS) else false()
    return (
        select(
            col(AvatarFile.id),
            col(AvatarFile.owner_id),
            col(AvatarFile.file_name),
            col(AvatarFile.access_key),
            col(AvatarFile.is_active),
        )
        .where(col(AvatarFile.id) == file_id)
        .where(or_(any_owner, col(AvatarFile.owner_id) == actor.user_id))
        .with_for_update()
    )


def archive_avatar(file_id: UUID, at: datetime) -> Any:
    """Takes a file out of sight."""
    return (
        update(AvatarFile)
        .where(col(AvatarFile.id) == file_id)
        .values(is_active=False, archived_at=at)
    )


def archive_avatars_of(owner_ids: Sequence[UUID]) -> Any:
    """Takes all files of these accounts out of sight, so that they are removed a day later."""
    return (
        update(AvatarFile)
        .where(col(AvatarFile.owner_id).in_(owner_ids), col(AvatarFile.is_active))
        .values(is_active=False, archived_at=func.now())
    )


def forget_avatar_url(user_id: UUID, address: str) -> Any:
    """Takes the address off the account's profile, where it stands there."""
    return (
        update(User)
        .where(
            col(User.id) == user_id,
            or_(col(User.avatar_url) == address, col(User.avatar_url).startswith(f"{address}/")),
        )
        .values(avatar_url=None, updated_at=func.clock_timestamp())
    )


def deleted_avatars(age: timedelta, batch: int) -> Query:
    """Files that were deleted more than `age` ago."""
    return (
        select(col(AvatarFile.id))
        .where(col(AvatarFile.archived_at) < func.now() - age)
        .order_by(col(AvatarFile.archived_at))
        .limit(batch)
    )


def drop_avatars(ids: Sequence[UUID]) -> Any:
    """Removes the rows of deleted files whose bytes are gone."""
    return delete(AvatarFile).where(col(AvatarFile.id).in_(ids), ~col(AvatarFile.is_active))

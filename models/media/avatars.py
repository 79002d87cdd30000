"""Avatar files: who sees which, their list, and what writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Interval,
    String,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from auth.actor import Actor, Permission
from core.database import Columns
from core.wording import Bound, Row
from models.base import Moment, Query, Viewer, among, only, viewer_id, viewer_of
from models.identity.users import User
from models.lists import Condition, Listed, Order, contains
from models.media.tables import AvatarFile
from models.statements import given, new, rows_of, value_of, written


class AvatarRow(Row):
    """An avatar file as its owner sees it. `file_size` is in bytes."""

    id: UUID
    owner_id: UUID
    file_name: str
    mime_type: str
    file_size: int
    access_key: str
    details: dict[str, Any] | None
    created_at: datetime
    is_active: bool


class FileOfKey(Row):
    """What whoever has an access key is shown."""

    id: UUID
    mime_type: str
    sha256: str


class FileId(Row):
    """The id of a file."""

    id: UUID


class LockedFile(Row):
    """What deleting a file needs to know of it, locked."""

    id: UUID
    owner_id: UUID
    file_name: str
    access_key: str
    is_active: bool


def _avatars_shown(viewer: Viewer) -> Query:
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
    if viewer.may(Permission.MANAGE_AVATARS):
        return statement
    if viewer.is_anonymous:
        return statement.where(false())
    return statement.where(col(AvatarFile.owner_id) == viewer_id(), col(AvatarFile.is_active))


@rows_of(AvatarRow)
def _avatars_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_avatars_shown(viewer), columns, "id").where(among(col(AvatarFile.id)))


def avatars_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[AvatarRow]:
    """These files, as far as the viewer may see them."""
    return _avatars_of_ids(viewer_of(actor), columns).bind(viewer=actor.user_id, ids=ids)


AVATARS = Listed(
    AvatarRow,
    _avatars_shown,
    {None: Order("avatar:newest", (col(AvatarFile.id),), descending=True)},
    conditions={
        "mime_type": contains(col(AvatarFile.mime_type), "mime_type"),
        "owner_id": Condition(col(AvatarFile.owner_id) == given("owner_id", AvatarFile.owner_id)),
        "user_id": Condition(col(AvatarFile.owner_id) == given("user_id", AvatarFile.owner_id)),
    },
)


@rows_of(FileOfKey)
def _avatar_of_key() -> Query:
    return select(col(AvatarFile.id), col(AvatarFile.mime_type), col(AvatarFile.sha256)).where(
        col(AvatarFile.access_key) == given("key", AvatarFile.access_key),
        col(AvatarFile.is_active),
    )


def avatar_of_key(access_key: str) -> Bound[FileOfKey]:
    """What whoever has the access key is shown."""
    return _avatar_of_key().bind(key=access_key)


@value_of(int)
def _avatars_kept() -> Query:
    return select(func.count()).where(
        col(AvatarFile.owner_id) == given("id", AvatarFile.owner_id), col(AvatarFile.is_active)
    )


def avatars_kept(owner_id: UUID) -> Bound[int]:
    """How many files an account has."""
    return _avatars_kept().bind(id=owner_id)


def avatars_since(owner_id: Any, since: Any) -> Any:
    """The expression of how many files an account has uploaded since."""
    uploads = select(func.count()).where(
        col(AvatarFile.owner_id) == owner_id, col(AvatarFile.created_at) >= since
    )
    return uploads.scalar_subquery()


@rows_of(FileId)
def _add_avatar(names: frozenset[str]) -> Any:
    columns: Any = AvatarFile.__table__.c  # type: ignore[attr-defined]  # SQLModel makes it
    values = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    statement = insert(AvatarFile).values(values)
    return statement.on_conflict_do_nothing().returning(col(AvatarFile.id))


def add_avatar(values: Mapping[str, Any]) -> Bound[FileId]:
    """A new file; gives its id, or nothing when another has its access key."""
    return _add_avatar(frozenset(values)).bind(**new(values))


@rows_of(LockedFile)
def _lock_avatar(viewer: Viewer) -> Query:
    any_owner = true() if viewer.may(Permission.MANAGE_AVATARS) else false()
    return (
        select(
            col(AvatarFile.id),
            col(AvatarFile.owner_id),
            col(AvatarFile.file_name),
            col(AvatarFile.access_key),
            col(AvatarFile.is_active),
        )
        .where(col(AvatarFile.id) == given("id", AvatarFile.id))
        .where(or_(any_owner, col(AvatarFile.owner_id) == viewer_id()))
        .with_for_update()
    )


def lock_avatar(actor: Actor, file_id: UUID) -> Bound[LockedFile]:
    """A file that the actor may delete, deleted before or not, locked."""
    return _lock_avatar(viewer_of(actor)).bind(viewer=actor.user_id, id=file_id)


@written
def _archive_avatar() -> Any:
    return (
        update(AvatarFile)
        .where(col(AvatarFile.id) == given("row_id", AvatarFile.id))
        .values(is_active=False, archived_at=bindparam("moment", type_=Moment))
    )


def archive_avatar(file_id: UUID, at: datetime) -> Bound[None]:
    """Takes a file out of sight."""
    return _archive_avatar().bind(row_id=file_id, moment=at)


@written
def _archive_avatars_of() -> Any:
    return (
        update(AvatarFile)
        .where(among(col(AvatarFile.owner_id)), col(AvatarFile.is_active))
        .values(is_active=False, archived_at=func.now())
    )


def archive_avatars_of(owner_ids: Sequence[UUID]) -> Bound[None]:
    """Takes all files of these accounts out of sight, so that they are removed a day later."""
    return _archive_avatars_of().bind(ids=owner_ids)


@written
def _forget_avatar_url() -> Any:
    address = bindparam("address", type_=String)
    return (
        update(User)
        .where(
            col(User.id) == given("row_id", User.id),
            or_(
                col(User.avatar_url) == address,
                func.starts_with(col(User.avatar_url), address.concat("/")),
            ),
        )
        .values(avatar_url=None, updated_at=func.clock_timestamp())
    )


def forget_avatar_url(user_id: UUID, address: str) -> Bound[None]:
    """Takes the address off the account's profile, where it stands there."""
    return _forget_avatar_url().bind(row_id=user_id, address=address)


@rows_of(FileId)
def _deleted_avatars() -> Query:
    return (
        select(col(AvatarFile.id))
        .where(col(AvatarFile.archived_at) < func.now() - bindparam("age", type_=Interval))
        .order_by(col(AvatarFile.archived_at))
        .limit(bindparam("batch", type_=Integer))
    )


def deleted_avatars(age: timedelta, batch: int) -> Bound[FileId]:
    """Files that were deleted more than `age` ago."""
    return _deleted_avatars().bind(age=age, batch=batch)


@written
def _drop_avatars() -> Any:
    return delete(AvatarFile).where(among(col(AvatarFile.id)), ~col(AvatarFile.is_active))


def drop_avatars(ids: Sequence[UUID]) -> Bound[None]:
    """Removes the rows of deleted files whose bytes are gone."""
    return _drop_avatars().bind(ids=ids)

"""Avatar files: taking, listing, showing, deleting them (spec/02-identity.md#user). They are judged
and rewritten as all pictures are (docs/decisions/0006-media.md)."""

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, Self
from uuid import UUID

import orjson
from pydantic import model_validator

from auth.actor import Actor
from core.commands import Command, Filter, IdOf, SearchText, one_line
from core.database import Columns, Database, UnitOfWork
from core.errors import BadUserInput, NotFound, RequestError, raises
from core.flow import Flow
from core.ids import encode_id
from core.pages import ListRequest, Page
from gateways.storage import Storage, StoredFile
from models.identity.accounts import lock_account
from models.media import avatars as sql
from models.media.avatars import AvatarRow
from resolvers.audit import record
from resolvers.identity.archiving import ERASURE
from resolvers.identity.people import UserId
from resolvers.media.events import MediaAction
from resolvers.media.pictures import THUMBNAIL_MIME_TYPE, Picture, ThumbnailSize
from resolvers.media.uploading import ORIGINAL, Uploads
from resolvers.pages import in_order, read_count, read_page

PREFIX: Final = "avf"
AT_MOST: Final = 20
KEPT: Final = timedelta(hours=24)
_BATCH: Final = 100
_LETTERS: Final = string.ascii_letters + string.digits
_KEY: Final = re.compile(r"[A-Za-z0-9]{12}")
_METADATA_BYTES: Final = 1_000
_VARIANTS: Final = (ORIGINAL, *(size.value for size in ThumbnailSize))


class AvatarFileFilter(Filter):
    """Which files a list holds; all conditions hold together."""

    mime_type: Annotated[SearchText, "A part of the type, such as `png`."] = None
    owner_id: Annotated[UserId | None, "Only those of this person."] = None
    user_id: Annotated[UserId | None, "The same as ownerId: who uploads owns."] = None

    @model_validator(mode="after")
    def _of_one_person(self) -> Self:
        if None not in (self.owner_id, self.user_id) and self.owner_id != self.user_id:
            raise BadUserInput("filter.userId: the same person as ownerId.", "filter.userId")
        return self


class DeleteAvatarFile(Command):
    """The file to delete."""

    avatar_file_id: Annotated[UUID, IdOf(PREFIX), "The file."]


class TooManyFiles(RequestError):
    """The account has as many avatar files as it may."""

    code = "too_many"


@dataclass(frozen=True, slots=True)
class Described:
    """What a client says of an avatar beside its bytes: shown again, never trusted."""

    file_name: str
    metadata: dict[str, Any] | None

    @classmethod
    def of(cls, file_name: str | None, metadata: str | None) -> "Described":
        """What was said, made harmless: a name without folders, metadata as a JSON object of at
        most 1,000 bytes. Raises BadUserInput."""
        bare = one_line(re.split(r"[/\\]", file_name or "")[-1])[-255:]
        if not metadata:
            return cls(bare or "avatar", None)
        try:
            found = orjson.loads(metadata)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or len(metadata.encode()) > _METADATA_BYTES:
            raise BadUserInput("metadata: a JSON object of at most 1,000 bytes.", "metadata")
        if "\\u0000" in metadata:
            raise BadUserInput("metadata: has characters that are not allowed.", "metadata")
        return cls(bare or "avatar", found)


@dataclass(frozen=True, slots=True)
class StoredAvatar:
    """An avatar that was taken. `size` is in bytes, as served."""

    id: UUID
    access_key: str
    mime_type: str
    size: int
    width: int
    height: int


def avatar_url(base_url: str, access_key: str, size: ThumbnailSize | None = None) -> str:
    """Where whoever has it sees the file of an access key, or its thumbnail."""
    address = f"{base_url}/avatars/files/{access_key}"
    return address if size is None else f"{address}/{size.value}"


async def store_avatar(
    database: Database,
    uploads: Uploads,
    actor: Actor,
    content: bytes,
    declared: str | None,
    said: Described,
) -> StoredAvatar:
    """Checks a file and stores it as one of the actor's avatars, at most 20; it becomes nobody's
    picture by that: updateProfile does. Raises Unauthenticated, NoFile, TooLarge, InvalidMime,
    TooManyFiles."""
    owner_id = actor.member()
    if await database.count(sql.avatars_kept(owner_id)) >= AT_MOST:
        raise _too_many()
    file_id, picture = await uploads.keep(actor, content, declared)
    key = await database.run(lambda work: _record(work, owner_id, file_id, picture, said))
    return StoredAvatar(
        id=file_id,
        access_key=key,
        mime_type=picture.mime_type,
        size=len(picture.content),
        width=picture.width,
        height=picture.height,
    )


def _too_many() -> TooManyFiles:
    return TooManyFiles(f"You have {AT_MOST} avatar files. Delete one that you do not need.")


async def _record(
    work: UnitOfWork, owner_id: UUID, file_id: UUID, picture: Picture, said: Described
) -> str:
    await work.first(lock_account(owner_id))  # uploads at once are counted one after the other
    if await work.count(sql.avatars_kept(owner_id)) >= AT_MOST:
        raise _too_many()
    made, key = None, ""
    while made is None:
        key = "".join(secrets.choice(_LETTERS) for _ in range(12))
        made = await work.first(
            sql.add_avatar(
                {
                    "id": file_id,
                    "owner_id": owner_id,
                    "file_name": said.file_name,
                    "mime_type": picture.mime_type,
                    "file_size": len(picture.content),
                    "access_key": key,
                    "sha256": picture.sha256,
                    "details": said.metadata,
                }
            )
        )
    return key


@raises(NotFound)
async def delete_avatar_file(flow: Flow, actor: Actor, command: DeleteAvatarFile) -> UUID:
    """Deletes a file: its owner's or, for admins, anybody's, and gives its id. Its address shows
    nothing any more, a profile that shows it gets the generated picture, and a day later the bytes
    are gone. Raises Unauthenticated, NotFound."""
    base_url = flow.settings.base_url
    return await flow.run(lambda work: _delete(work, actor, command.avatar_file_id, base_url))


async def _delete(work: UnitOfWork, actor: Actor, file_id: UUID, base_url: str) -> UUID:
    actor.member()
    found = await work.first(sql.lock_avatar(actor, file_id))
    if found is None:
        raise NotFound("There is no such file.", path=["input", "avatarFileId"])
    if not found.is_active:
        return file_id
    await work.execute(sql.archive_avatar(file_id, await work.clock()))
    address = avatar_url(base_url, found.access_key)
    await work.execute(sql.forget_avatar_url(found.owner_id, address))
    if found.owner_id != actor.user_id:
        await record(
            work,
            actor,
            MediaAction.AVATAR_DELETE,
            object_type="AvatarFile",
            object_id=encode_id(PREFIX, file_id),
            details={"owner": encode_id("usr", found.owner_id), "fileName": found.file_name},
        )
    return file_id


async def avatars_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[AvatarRow | None]:
    """Loader: the files of these ids that the actor may see the particulars of."""
    return in_order(await database.rows(sql.avatars_by_ids(actor, ids, columns)), ids)


async def list_avatars(
    database: Database, actor: Actor, request: ListRequest[AvatarFileFilter, None]
) -> Page[AvatarRow]:
    """A page of the actor's own files, or everybody's for admins, the newest first. Raises
    BadUserInput."""
    return await read_page(database, actor, sql.AVATARS, request)


async def count_avatars(
    database: Database, actor: Actor, request: ListRequest[AvatarFileFilter, None]
) -> int:
    """How many files the list holds."""
    return await read_count(database, actor, sql.AVATARS, request)


@ERASURE.part("avatars")
async def forget_avatars(work: UnitOfWork, user_ids: Sequence[UUID]) -> None:
    """Takes the files of people out of sight whose personal data go."""
    await work.execute(sql.archive_avatars_of(user_ids))


@dataclass(frozen=True, slots=True)
class ServedAvatar:
    """What is shown under an access key. `tag` changes when the bytes do."""

    file_id: UUID
    variant: str
    mime_type: str
    tag: str

    async def open(self, storage: Storage) -> StoredFile | None:
        """The stored bytes, None when the file has gone meanwhile."""
        return await storage.get(self.file_id, self.variant)


async def served_avatar(
    database: Database, access_key: str, size: ThumbnailSize | None
) -> ServedAvatar | None:
    """What whoever has an access key is shown; None when there is nothing."""
    if not _KEY.fullmatch(access_key):
        return None
    row = await database.first(sql.avatar_of_key(access_key))
    if row is None:
        return None
    if size is None:
        return ServedAvatar(row.id, ORIGINAL, row.mime_type, row.sha256)
    return ServedAvatar(row.id, size.value, THUMBNAIL_MIME_TYPE, f"{row.sha256}-{size.value}")


async def remove_deleted_avatars(database: Database, storage: Storage) -> int:
    """Removes files that were deleted a day ago, bytes first, then rows, and gives their number.
    Cut short anywhere, the next run goes on; two at once do no harm."""
    removed = 0
    while True:
        ids = [row.id for row in await database.rows(sql.deleted_avatars(KEPT, _BATCH))]
        for file_id in ids:
            await storage.delete(file_id, _VARIANTS)
        if ids:
            removed += await database.run(partial(_drop, ids))
        if len(ids) < _BATCH:
            return removed


async def _drop(ids: list[UUID], work: UnitOfWork) -> int:
    return await work.execute(sql.drop_avatars(ids))

"""Avatar files as clients see them; the files themselves travel by rest/media.py. Holds no rule."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from auth.actor import ApiKeyScope
from auth.who import SIGNED_IN
from core.ids import encode_ids
from graph.columns import addressed, computed, stored
from graph.entity import Node, entity
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.queries import by_id
from graph.relations import relation
from models.media.avatars import AvatarRow
from resolvers.media import avatars as cases
from schema.identity.types import PublicUser


def _owner_ids(files: Sequence[Any]) -> list[str]:
    return encode_ids("usr", [file.row["owner_id"].bytes for file in files])


@entity(
    cases.PREFIX,
    rows=cases.avatars_by_ids,
    row=AvatarRow,
    description="A picture that a person uploaded to be seen by; without metadata.",
)
class AvatarFile(Node):
    file_name: str = stored(
        "file_name", description="The name that it was uploaded by, at most 255 characters."
    )
    mime_type: str = stored(
        "mime_type",
        description="What it is: `image/jpeg`, `image/png`, `image/webp` or `image/gif`.",
    )
    file_size: int = stored(
        "file_size", description="How many bytes it has as served, at most 10485760."
    )
    access_key: str = stored(
        "access_key",
        description="12 characters that cannot be guessed: whoever has them sees the picture.",
    )
    owner_id: strawberry.ID = computed(_owner_ids, "owner_id", description="Whose it is.")
    metadata: JSON | None = stored(
        "details",
        description="What was said of it when it was uploaded, at most 1,000 bytes.",
    )
    created_at: datetime = stored("created_at", description="When it was uploaded.")
    is_active: bool = stored(
        "is_active", description="False when deleted; only admins see it then, for a day."
    )
    owner: PublicUser = relation(
        loader="public_user", column="owner_id", description="Whose it is."
    )
    url: str = addressed(
        lambda files, base_url: [
            cases.avatar_url(base_url, file.row["access_key"]) for file in files
        ],
        "access_key",
        description="Where whoever has this address sees it: updateProfile takes it as avatarUrl.",
    )


avatar_file = by_id(
    AvatarFile,
    scope=ApiKeyScope.READ,
    description="The avatar file of this id, one's own or, for ADMIN, anybody's; else null.",
    argument="The file's id.",
)
avatar_files = listing(
    AvatarFile,
    cases.list_avatars,
    cases.count_avatars,
    filter=cases.AvatarFileFilter,
    who=SIGNED_IN,
    scope=ApiKeyScope.READ,
    description="The own avatar files, newest first; ADMIN: everybody's.",
)


@payload("The file is deleted, now or before.")
class DeleteAvatarFilePayload(Payload):
    avatar_file_id: strawberry.ID = told(prefix=cases.PREFIX, description="The file that is gone.")


delete_avatar_file = mutation(
    cases.delete_avatar_file,
    DeleteAvatarFilePayload,
    scope=ApiKeyScope.WRITE,
    description="Deletes an avatar file; a profile that shows it gets the generated picture. Its "
    "owner or ADMIN. Idempotent.",
    doing="deleting an avatar file",
)

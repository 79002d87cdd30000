"""Avatar files as clients see them; the files themselves travel by rest/media.py. Holds no rule."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from auth.actor import Actor
from core.commands import wish
from core.errors import BadUserInput
from core.ids import decode_id, decode_optional, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.errors import NotFound
from graph.loading import Loader
from graph.relations import relation
from graph.unions import result
from models.media.avatars import AvatarWishes
from resolvers.media import avatars
from resolvers.media.avatars import PREFIX
from schema.identity.types import PublicUser


@strawberry.type(description="A picture that a person uploaded to be seen by; without metadata.")
class AvatarFile(Node):
    file_name: str = strawberry.field(
        description="The name that it was uploaded by, at most 255 characters."
    )
    mime_type: str = strawberry.field(
        description="What it is: `image/jpeg`, `image/png`, `image/webp` or `image/gif`."
    )
    file_size: int = strawberry.field(
        description="How many bytes it has as served, at most 10485760."
    )
    access_key: str = strawberry.field(
        description="12 characters that cannot be guessed: whoever has them sees the picture."
    )
    owner_id: strawberry.ID = strawberry.field(description="Whose it is.")
    metadata: JSON | None = strawberry.field(
        description="What was said of it when it was uploaded, at most 1,000 bytes."
    )
    created_at: datetime = strawberry.field(description="When it was uploaded.")
    is_active: bool = strawberry.field(
        description="False when deleted; only admins see it then, for a day."
    )
    user_id: strawberry.Private[UUID]

    owner: PublicUser = relation(loader="public_user", key="user_id", description="Whose it is.")

    @strawberry.field(
        description="Where whoever has this address sees it: updateProfile takes it as avatarUrl."
    )
    def url(self, info: Info) -> str:
        return avatars.avatar_url(info.context.services.settings.base_url, self.access_key)

    @classmethod
    def of(cls, row: Any, _: Actor) -> "AvatarFile":
        """The file of a row."""
        names = "file_name mime_type file_size access_key created_at is_active"
        return cls(
            id=strawberry.ID(encode_id(PREFIX, row.id)),
            owner_id=strawberry.ID(encode_id("usr", row.owner_id)),
            user_id=row.owner_id,
            metadata=row.details,
            **{name: getattr(row, name) for name in names.split()},
        )


@strawberry.input(description="Which files a list holds; all conditions hold together.")
class AvatarFileFilter:
    mime_type: str | None = strawberry.field(
        default=None, description="A part of the type, such as `png`."
    )
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of this person."
    )
    user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The same as ownerId: who uploads owns."
    )

    def wishes(self) -> AvatarWishes:
        """What it asks for. Raises BadUserInput."""
        owner_id = decode_optional("usr", self.owner_id, "filter.ownerId")
        user_id = decode_optional("usr", self.user_id, "filter.userId")
        if owner_id is not None and user_id is not None and owner_id != user_id:
            raise BadUserInput("filter.userId: the same person as ownerId.", "filter.userId")
        return AvatarWishes(owner_id or user_id, wish(self.mime_type, "filter.mimeType"))


@strawberry.input(description="The file to delete.")
class DeleteAvatarFileInput:
    avatar_file_id: strawberry.ID = strawberry.field(description="The file.")


@strawberry.type(description="The file is deleted, now or before.")
class DeleteAvatarFilePayload:
    avatar_file_id: strawberry.ID = strawberry.field(description="The file that is gone.")


DeleteAvatarFileResult = Annotated[
    DeleteAvatarFilePayload | NotFound, result("DeleteAvatarFileResult", "deleting an avatar file")
]


@strawberry.type
class AvatarQuery:
    """Reading avatar files."""

    @strawberry.field(
        description="The avatar file of this id, one's own or, for ADMIN, anybody's; else null."
    )
    async def avatar_file(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The file's id.")],
    ) -> AvatarFile | None:
        file_id = decode_id(PREFIX, id, "id")
        found: AvatarFile | None = await info.context.load("avatar_file", file_id)
        return found

    @strawberry.field(description="The own avatar files, newest first; ADMIN: everybody's.")
    async def avatar_files(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            AvatarFileFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[AvatarFile]:
        database, actor = info.context.database, info.context.actor
        wishes = AvatarWishes() if filter is None else filter.wishes()
        page = await avatars.list_avatars(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [AvatarFile.of(row, actor) for row in page.rows]
        made: Connection[AvatarFile] = connection_of(
            page, nodes, lambda _: avatars.count_avatars(database, actor, wishes)
        )
        return made


@strawberry.type
class AvatarMutation:
    """Deleting avatar files; they are uploaded by `POST /media?bucket=avatars`."""

    @strawberry.mutation(
        description="Deletes an avatar file; a profile that shows it gets the generated picture. "
        "Its owner or ADMIN. Idempotent."
    )
    async def delete_avatar_file(
        self, info: Info, input: DeleteAvatarFileInput
    ) -> DeleteAvatarFileResult:
        actor, base_url = info.context.actor, info.context.services.settings.base_url
        file_id = decode_id(PREFIX, input.avatar_file_id, "input.avatarFileId")
        await info.context.write(
            lambda work: avatars.delete_avatar_file(work, actor, file_id, base_url)
        )
        return DeleteAvatarFilePayload(avatar_file_id=input.avatar_file_id)


HANDLERS: list[Any] = []
LOADERS = {"avatar_file": Loader(avatars.avatars_by_id, AvatarFile.of)}
NODES = {PREFIX: "avatar_file"}
TYPES = [AvatarFile]

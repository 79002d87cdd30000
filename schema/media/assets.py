"""Pictures as clients see them. The files themselves travel by rest/media.py."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.ids import decode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.columns import addressed, needs, row_id, stored
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.enums import described
from graph.errors import NotFound
from graph.loading import Loader
from graph.relations import relation
from graph.unions import result
from models.media.assets import MediaWishes
from resolvers.media import reading
from resolvers.media.pictures import ThumbnailSize
from resolvers.media.removing import delete_media

if TYPE_CHECKING:
    from schema.catalogue.types import Product

described(
    ThumbnailSize,
    "The sizes of thumbnails. Smaller pictures are not enlarged.",
    SMALL="The longest side has 320 pixels.",
    LARGE="The longest side has 960 pixels.",
)


@strawberry.type(description="An uploaded picture: JPEG, PNG, WebP or GIF, without metadata.")
class MediaAsset(Node):
    row: strawberry.Private[Any]

    id: strawberry.ID = row_id(reading.PREFIX)
    mime_type: str = stored(
        "mime_type",
        description="What it is: `image/jpeg`, `image/png`, `image/webp` or `image/gif`.",
    )
    size: int = stored("size", description="How many bytes it has as served, at most 10485760.")
    width: int = stored("width", description="Its width in pixels as shown.")
    height: int = stored("height", description="Its height in pixels as shown.")
    url: str = addressed(
        lambda assets, base_url: reading.media_urls(base_url, [a.row["id"] for a in assets]),
        "id",
        description="Where anybody gets it by HTTP. It never changes.",
    )
    product: Annotated["Product", strawberry.lazy("schema.catalogue.types")] | None = relation(
        loader="product",
        column="product_id",
        description="The product that shows it; null when it is attached to nothing.",
    )

    @strawberry.field(
        description="Where anybody gets a small version of it, as WebP.", metadata=needs("id")
    )
    def thumbnail_url(
        self,
        info: Info,
        size: Annotated[
            ThumbnailSize, strawberry.argument(description="How small.")
        ] = ThumbnailSize.SMALL,
    ) -> str:
        base_url = info.context.services.settings.base_url
        return reading.media_url(base_url, self.row["id"], size)

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "MediaAsset":
        """The picture of a row."""
        return cls(row=row)


@strawberry.input(description="Which pictures a list holds; all conditions hold together.")
class MediaAssetFilter:
    orphans: bool | None = strawberry.field(
        default=None,
        description="True: only those attached to nothing, which are removed after 24 hours. "
        "False: only attached ones.",
    )


@strawberry.input(description="The picture to delete.")
class DeleteMediaAssetInput:
    media_asset_id: strawberry.ID = strawberry.field(description="The picture.")


@strawberry.type(description="The picture is out of sight.")
class DeleteMediaAssetPayload:
    media_asset_id: strawberry.ID = strawberry.field(description="The picture that is gone.")
    product_id: strawberry.Private[UUID | None]

    product: Annotated["Product", strawberry.lazy("schema.catalogue.types")] | None = relation(
        loader="product",
        key="product_id",
        description="The product that showed it, as it is now; null when none did.",
    )


DeleteMediaAssetResult = Annotated[
    DeleteMediaAssetPayload | NotFound, result("DeleteMediaAssetResult", "deleting a picture")
]


@strawberry.type
class Query:
    """Reading pictures."""

    @strawberry.field(description="The picture of this id; null when there is none to see.")
    async def media_asset(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The picture's id.")],
    ) -> MediaAsset | None:
        asset_id = decode_id(reading.PREFIX, id, "id")
        found: MediaAsset | None = await info.context.load("media_asset", asset_id)
        return found

    @strawberry.field(description="All pictures, newest first, deleted ones included. ADMIN.")
    async def media_assets(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            MediaAssetFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[MediaAsset]:
        database, actor = info.context.database, info.context.actor
        wishes = MediaWishes(orphans=filter.orphans if filter else None)
        page = await reading.list_media(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [MediaAsset.of(row, actor) for row in page.rows]
        made: Connection[MediaAsset] = connection_of(
            page, nodes, lambda _: reading.count_media(database, actor, wishes)
        )
        return made


@strawberry.type
class Mutation:
    """Writing pictures; they are uploaded by `POST /media`."""

    @strawberry.mutation(description="Deletes a picture, softly. Its owner or ADMIN.")
    async def delete_media_asset(
        self,
        info: Info,
        input: Annotated[
            DeleteMediaAssetInput, strawberry.argument(description="The picture to delete.")
        ],
    ) -> DeleteMediaAssetResult:
        actor = info.context.actor
        asset_id = decode_id(reading.PREFIX, input.media_asset_id, "input.mediaAssetId")
        product_id = await info.context.write(lambda work: delete_media(work, actor, asset_id))
        return DeleteMediaAssetPayload(media_asset_id=input.media_asset_id, product_id=product_id)


def _shown(rows: list[Any], actor: Actor) -> list[MediaAsset]:
    return [MediaAsset.of(row, actor) for row in rows]


LOADERS = {
    "media_asset": Loader(reading.load_media, MediaAsset.of, by_columns=True),
    "product_media": Loader(reading.media_of_products, _shown, by_columns=True),
}
NODES = {reading.PREFIX: "media_asset"}

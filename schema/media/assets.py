"""Pictures of goods as clients see them. The files themselves travel by rest/media.py."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from auth.actor import ApiKeyScope, Permission
from auth.who import may
from graph.columns import addressed, needs, stored
from graph.context import Info
from graph.entity import Node, entity
from graph.enums import described
from graph.kept import SHELF
from graph.lists import listing
from graph.loading import Loader
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.queries import by_id
from graph.relations import relation
from models.media.assets import AssetRow
from resolvers.media import assets as cases
from resolvers.media.pictures import ThumbnailSize

if TYPE_CHECKING:
    from schema.catalogue.types import Product

described(
    ThumbnailSize,
    "The sizes of thumbnails. Smaller pictures are not enlarged.",
    SMALL="The longest side has 320 pixels.",
    LARGE="The longest side has 960 pixels.",
)


@entity(
    cases.PREFIX,
    rows=cases.assets_by_ids,
    row=AssetRow,
    id_kept=SHELF,
    description="An uploaded picture: JPEG, PNG, WebP or GIF, without metadata.",
)
class MediaAsset(Node):
    mime_type: str = stored(
        "mime_type",
        kept=SHELF,
        description="What it is: `image/jpeg`, `image/png`, `image/webp` or `image/gif`.",
    )
    size: int = stored(
        "size", kept=SHELF, description="How many bytes it has as served, at most 10485760."
    )
    width: int = stored("width", kept=SHELF, description="Its width in pixels as shown.")
    height: int = stored("height", kept=SHELF, description="Its height in pixels as shown.")
    url: str = addressed(
        lambda assets, base_url: cases.media_urls(base_url, [a.row["id"] for a in assets]),
        "id",
        kept=SHELF,
        description="Where anybody gets it by HTTP. It never changes.",
    )
    product: Annotated["Product", strawberry.lazy("schema.catalogue.types")] | None = relation(
        column="product_id",
        kept=SHELF,
        description="The product that shows it; null when it is attached to nothing.",
    )

    @strawberry.field(
        description="Where anybody gets a small version of it, as WebP.",
        metadata=needs("id", kept=SHELF),
    )
    def thumbnail_url(
        self,
        info: Info,
        size: Annotated[
            ThumbnailSize, strawberry.argument(description="How small.")
        ] = ThumbnailSize.SMALL,
    ) -> str:
        base_url = info.context.services.settings.base_url
        return cases.media_url(base_url, self.row["id"], size)


ASSETS_OF_PRODUCTS = Loader(
    cases.assets_of_products,
    lambda rows, actor: [MediaAsset.of(row, actor) for row in rows],
    by_columns=True,
)
"""The pictures of each product, in its seller's order."""

media_asset = by_id(
    MediaAsset,
    scope=ApiKeyScope.READ,
    description="The picture of this id; null when there is none to see.",
    argument="The picture's id.",
)
media_assets = listing(
    MediaAsset,
    cases.list_assets,
    cases.count_assets,
    filter=cases.MediaAssetFilter,
    who=may(Permission.MANAGE_MEDIA),
    scope=ApiKeyScope.READ,
    description="All pictures, newest first, deleted ones included. ADMIN.",
)


@payload("The picture is out of sight.")
class DeleteMediaAssetPayload(Payload):
    media_asset_id: strawberry.ID = told(
        "asset_id", prefix=cases.PREFIX, description="The picture that is gone."
    )
    product: Annotated["Product", strawberry.lazy("schema.catalogue.types")] | None = relation(
        key="outcome.product_id",
        description="The product that showed it, as it is now; null when none did.",
    )


delete_media_asset = mutation(
    cases.delete_media_asset,
    DeleteMediaAssetPayload,
    scope=ApiKeyScope.WRITE,
    description="Deletes a picture, softly. Its owner or ADMIN.",
    doing="deleting a picture",
)

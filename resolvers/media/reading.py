"""Reading pictures: loaders, the list for admins, and files for the media endpoint. Every statement
starts from what the actor may see."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth.actor import ANONYMOUS, Actor, Permission
from core.database import Columns, Database
from core.ids import encode_ids
from core.pages import Page, PageRequest
from gateways.storage import Storage, StoredFile
from models.media import assets as sql
from models.media.assets import MediaWishes
from resolvers.media.pictures import THUMBNAIL_MIME_TYPE, ThumbnailSize
from resolvers.media.uploading import ORIGINAL
from resolvers.pages import in_order, one_page

PREFIX = "med"


def media_url(base_url: str, asset_id: UUID, size: ThumbnailSize | None = None) -> str:
    """Where a picture is served, or its thumbnail."""
    [address] = media_urls(base_url, [asset_id])
    return address if size is None else f"{address}/{size.value}"


def media_urls(base_url: str, asset_ids: Sequence[UUID]) -> list[str]:
    """Where many pictures are served."""
    return [f"{base_url}/media/{id}" for id in encode_ids(PREFIX, [id.bytes for id in asset_ids])]


async def load_media(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> list[Any | None]:
    """The picture of each id; None where there is none or the viewer may not see it."""
    return in_order(await database.rows(sql.media_by_ids(actor, ids, columns)), ids)


async def media_of_products(
    database: Database, actor: Actor, product_ids: list[UUID], columns: Columns = None
) -> list[list[Any]]:
    """The pictures of each product in their order, all in one statement."""
    by_product: dict[UUID, list[Any]] = defaultdict(list)
    for row in await database.rows(sql.media_of(actor, product_ids, columns)):
        by_product[row["product_id"]].append(row)
    return [by_product[product_id] for product_id in product_ids]


async def list_media(
    database: Database, actor: Actor, wishes: MediaWishes, page: PageRequest
) -> Page[Any]:
    """One page of all pictures, newest first. Admins only (coverage.csv, listProductListingMedia).
    Raises Unauthenticated, Forbidden."""
    actor.require(Permission.MANAGE_MEDIA)
    rows: Sequence[Any] = await database.rows(sql.media_page(actor, wishes, page))
    return one_page(rows, page, sql.MEDIA_NEWEST, lambda row: (row.id,))


async def count_media(database: Database, actor: Actor, wishes: MediaWishes) -> int:
    """How many pictures the list holds. Admins only. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.MANAGE_MEDIA)
    return int(await database.scalar(sql.media_count(actor, wishes)))


@dataclass(frozen=True, slots=True)
class ServedMedia:
    """What is served of a picture. `tag` changes when the bytes do."""

    asset_id: UUID
    variant: str
    mime_type: str
    tag: str

    async def open(self, storage: Storage) -> StoredFile | None:
        """The stored bytes, None when the file has gone meanwhile."""
        return await storage.get(self.asset_id, self.variant)


async def served_media(
    database: Database, asset_id: UUID, size: ThumbnailSize | None
) -> ServedMedia | None:
    """What anybody is served under a picture's address; None unless it is active."""
    row = await database.first(sql.media_by_ids(ANONYMOUS, [asset_id]))
    if row is None:
        return None
    if size is None:
        return ServedMedia(asset_id, ORIGINAL, row.mime_type, row.sha256)
    return ServedMedia(asset_id, size.value, THUMBNAIL_MIME_TYPE, f"{row.sha256}-{size.value}")

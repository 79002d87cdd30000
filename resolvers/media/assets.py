"""Pictures of goods: reading, attaching to products, deleting them
(spec/03-auctions.md#catalogue). Every reading starts from what the actor may see."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from auth.actor import ANONYMOUS, Actor, Permission
from core.commands import Command, Filter, IdOf
from core.database import Columns, Database, UnitOfWork
from core.errors import Forbidden, InvalidInput, NotFound, raises
from core.ids import encode_ids
from core.pages import ListRequest, Page
from gateways.storage import Storage, StoredFile
from models.media import assets as sql
from models.media.assets import AssetRow, LockedAsset
from resolvers.media.pictures import THUMBNAIL_MIME_TYPE, ThumbnailSize
from resolvers.media.uploading import ORIGINAL
from resolvers.pages import in_order, read_count, read_page

PREFIX = "med"
MOST_A_PRODUCT = 12
ORPHAN_AGE = timedelta(hours=24)
_BATCH = 100
_PATH = ["input", "mediaIds"]
_VARIANTS = (ORIGINAL, *(size.value for size in ThumbnailSize))
AssetId = Annotated[UUID, IdOf(PREFIX)]


class MediaAssetFilter(Filter):
    """Which pictures a list holds; all conditions hold together."""

    orphans: Annotated[
        bool | None,
        "True: only those attached to nothing, which are removed after 24 hours. False: only "
        "attached ones.",
    ] = None


class DeleteMediaAsset(Command):
    """The picture to delete."""

    media_asset_id: Annotated[AssetId, "The picture."]


@dataclass(frozen=True, slots=True)
class AssetDeleted:
    """A picture that is out of sight, and the product that showed it."""

    asset_id: UUID
    product_id: UUID | None


def media_url(base_url: str, asset_id: UUID, size: ThumbnailSize | None = None) -> str:
    """Where a picture is served, or its thumbnail."""
    [address] = media_urls(base_url, [asset_id])
    return address if size is None else f"{address}/{size.value}"


def media_urls(base_url: str, asset_ids: Sequence[UUID]) -> list[str]:
    """Where many pictures are served."""
    return [f"{base_url}/media/{id}" for id in encode_ids(PREFIX, [id.bytes for id in asset_ids])]


async def assets_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[AssetRow | None]:
    """Loader: the picture of each id; None where there is none or the viewer may not see it."""
    return in_order(await database.rows(sql.assets_by_ids(actor, ids, columns)), ids)


async def assets_of_products(
    database: Database, actor: Actor, product_ids: list[UUID], columns: Columns = None
) -> list[list[AssetRow]]:
    """Loader: the pictures of each product in their order, all in one statement."""
    by_product: dict[UUID | None, list[AssetRow]] = defaultdict(list)
    for row in await database.rows(sql.assets_of_products(actor, product_ids, columns)):
        by_product[row.product_id].append(row)
    return [by_product[product_id] for product_id in product_ids]


async def list_assets(
    database: Database, actor: Actor, request: ListRequest[MediaAssetFilter, None]
) -> Page[AssetRow]:
    """A page of pictures, the newest first. Raises BadUserInput."""
    return await read_page(database, actor, sql.ASSETS, request)


async def count_assets(
    database: Database, actor: Actor, request: ListRequest[MediaAssetFilter, None]
) -> int:
    """How many pictures the list holds."""
    return await read_count(database, actor, sql.ASSETS, request)


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
    row = await database.first(sql.assets_by_ids(ANONYMOUS, [asset_id]))
    if row is None:
        return None
    if size is None:
        return ServedMedia(asset_id, ORIGINAL, row.mime_type, row.sha256)
    return ServedMedia(asset_id, size.value, THUMBNAIL_MIME_TYPE, f"{row.sha256}-{size.value}")


async def attach_media(
    work: UnitOfWork, actor: Actor, product_id: UUID, seller_id: UUID, asset_ids: list[UUID]
) -> None:
    """Sets exactly these pictures on the product, in this order; others that it had are attached to
    nothing from now on. The caller has judged whether the actor may change the product and holds
    its row. Each picture is on this product already, or belongs to the actor (for an admin also: to
    the seller) and is on none. Raises InvalidInput."""
    if len(asset_ids) > MOST_A_PRODUCT:
        raise InvalidInput(f"A product has at most {MOST_A_PRODUCT} pictures.", path=_PATH)
    if len(set(asset_ids)) < len(asset_ids):
        raise InvalidInput("A picture is named twice. Name each once.", path=_PATH)
    owners = {actor.member()}
    if actor.may(Permission.MANAGE_MEDIA):
        owners.add(seller_id)
    found = {row.id: row for row in await work.rows(sql.lock_assets_of(product_id, asset_ids))}
    for asset_id in asset_ids:
        _require_usable(found.get(asset_id), product_id, owners)
    await work.execute(sql.detach_assets(product_id))
    if asset_ids:
        await work.execute(sql.place_assets(product_id, asset_ids))


def _require_usable(asset: LockedAsset | None, product_id: UUID, owners: set[UUID]) -> None:
    if asset is not None and asset.is_active:
        if asset.product_id == product_id:
            return
        if asset.owner_id in owners and asset.product_id is None:
            return
        if asset.owner_id in owners:
            raise InvalidInput(
                "A picture is on another product already. Upload it once more.", path=_PATH
            )
    raise InvalidInput("There is no such picture of yours. Upload it first.", path=_PATH)


@raises(NotFound)
async def delete_media_asset(
    work: UnitOfWork, actor: Actor, command: DeleteMediaAsset
) -> AssetDeleted:
    """Takes a picture out of sight, softly. Owner or admin (coverage.csv,
    deleteProductListingMedia). Raises Unauthenticated, NotFound, Forbidden."""
    actor.member()
    asset = await work.first(sql.lock_asset(command.media_asset_id))
    if asset is None or not asset.is_active:
        raise NotFound("There is no such picture.", path=["input", "mediaAssetId"])
    if asset.owner_id != actor.user_id and not actor.may(Permission.MANAGE_MEDIA):
        raise Forbidden("Only its owner may delete this picture.")
    await work.execute(sql.archive_asset(asset.id, await work.clock()))
    return AssetDeleted(asset.id, asset.product_id)


async def remove_orphans(database: Database, storage: Storage, now: datetime) -> int:
    """Removes pictures that have been attached to nothing for 24 hours, files and rows, and gives
    their number (spec/03-auctions.md#catalogue). Each is taken out of sight first, in a transaction
    that attaching waits for or is waited for; then its files go, then its row. Cut short anywhere,
    the next run goes on; two at once do no harm."""
    removed = 0
    while True:
        condemned = await database.run(lambda work: _condemned(work, now))
        for asset_id in condemned:
            await storage.delete(asset_id, _VARIANTS)
        if condemned:
            removed += await database.run(partial(_remove, condemned))
        if len(condemned) < _BATCH:
            return removed


async def _condemned(work: UnitOfWork, now: datetime) -> list[UUID]:
    statement = sql.condemn_orphans(now - ORPHAN_AGE, now, _BATCH)
    return [row.id for row in await work.rows(statement)]


async def _remove(asset_ids: list[UUID], work: UnitOfWork) -> int:
    return await work.execute(sql.remove_condemned(asset_ids))

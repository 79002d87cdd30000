"""Removing pictures: softly by people, for good when they are attached to nothing for a day."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from auth.actor import Actor, Permission
from core.database import Database, UnitOfWork
from core.errors import Forbidden, NotFound
from gateways.storage import Storage
from models.media import assets as sql
from resolvers.media.pictures import ThumbnailSize
from resolvers.media.uploading import ORIGINAL

ORPHAN_AGE = timedelta(hours=24)
_BATCH = 100
_VARIANTS = (ORIGINAL, *(size.value for size in ThumbnailSize))


async def delete_media(work: UnitOfWork, actor: Actor, asset_id: UUID) -> UUID | None:
    """Takes a picture out of sight, softly, and gives the id of the product that showed it. Owner
    or admin (coverage.csv, deleteProductListingMedia). Raises Unauthenticated, NotFound,
    Forbidden."""
    actor.member()
    asset = await work.first(sql.lock_media(asset_id))
    if asset is None or not asset.is_active:
        raise NotFound("There is no such picture.", path=["input", "mediaAssetId"])
    if asset.owner_id != actor.user_id and not actor.may(Permission.MANAGE_MEDIA):
        raise Forbidden("Only its owner may delete this picture.")
    await work.execute(sql.archive_media(asset_id, await work.clock()))
    product_id: UUID | None = asset.product_id
    return product_id


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

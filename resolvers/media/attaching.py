"""Which pictures a product shows, in which order (spec/03-auctions.md#catalogue)."""

from typing import Any
from uuid import UUID

from auth.actor import Actor, Permission
from core.database import UnitOfWork
from core.errors import InvalidInput
from models.media import assets as sql

MOST_A_PRODUCT = 12
_PATH = ["input", "mediaIds"]


async def attach_media(
    work: UnitOfWork, actor: Actor, product_id: UUID, asset_ids: list[UUID]
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
        owners.add(await work.scalar(sql.seller_of(product_id)))
    found = {row.id: row for row in await work.rows(sql.lock_media_of(product_id, asset_ids))}
    for asset_id in asset_ids:
        _require_usable(found.get(asset_id), product_id, owners)
    await work.execute(sql.detach_media(product_id))
    if asset_ids:
        await work.execute(sql.place_media(product_id, asset_ids))


def _require_usable(asset: Any | None, product_id: UUID, owners: set[UUID]) -> None:
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

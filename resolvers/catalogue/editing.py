"""Changing and removing products: by the seller or an admin, and never what bidders rely on
(spec/03-auctions.md#catalogue). What a kind of product has of its own, its part decides
(kinds.py)."""

from typing import Annotated, Any
from uuid import UUID

from auth.actor import Actor, Permission
from core.commands import Command
from core.database import UnitOfWork
from core.errors import Forbidden, InvalidInput, NotFound, raises
from core.money import Money
from models.catalogue import ShippingMethod
from models.catalogue import products as sql
from models.catalogue.products import LockedProduct
from models.catalogue.tables import archived
from models.media.assets import asset_ids_of
from resolvers.catalogue.errors import ProductLocked
from resolvers.catalogue.kinds import (
    KINDS,
    ProductId,
    UpdateProduct,
    one_currency,
    require_place,
    shipping_cost,
)
from resolvers.media.assets import attach_media


class DeleteProduct(Command):
    """The product to remove."""

    product_id: Annotated[ProductId, "The product."]


@raises(InvalidInput, NotFound, ProductLocked)
async def update_product(work: UnitOfWork, actor: Actor, command: UpdateProduct) -> UUID:
    """Changes a product and gives its id. Raises Unauthenticated, Forbidden for anybody but the
    seller and admins, NotFound, InvalidInput, ProductLocked."""
    product = await _editable(work, actor, command.product_id)
    now = await work.clock()
    kind = KINDS[product.kind.value]
    _require_fields_of_kind(product, command)
    kind.require_unlocked(product, command, now)
    changes = {**_texts(product, command), **_shipping(product, command), "updated_at": now}
    if command.category_id is not None or command.subcategory_id is not None:
        category_id = command.category_id or product.category_id
        subcategory_id = command.subcategory_id or product.subcategory_id
        await require_place(work, category_id, subcategory_id)
        changes |= {"category_id": category_id, "subcategory_id": subcategory_id}
    changes |= kind.changes(product, command, now)
    await work.execute(sql.change_product(command.product_id, changes))
    await _media(work, actor, product.seller_id, command)
    return command.product_id


@raises(NotFound, ProductLocked)
async def delete_product(work: UnitOfWork, actor: Actor, command: DeleteProduct) -> UUID:
    """Takes a product out of sight, softly, and gives its id; an auction without bids is cancelled
    by it. Raises Unauthenticated, Forbidden, NotFound, ProductLocked for an auction with bids: it
    can be ended early instead."""
    product = await _editable(work, actor, command.product_id)
    kind = KINDS[product.kind.value]
    beside = kind.removal(product)
    now = await work.clock()
    await work.execute(sql.change_product(product.id, {**archived(now), **beside}))
    await kind.removed(work, product, now)
    return product.id


async def _editable(work: UnitOfWork, actor: Actor, product_id: UUID) -> LockedProduct:
    actor.member()
    product = await work.first(sql.lock_for_edit(product_id))
    if product is None or not product.is_active:
        raise NotFound("There is no such product.", path=["input", "productId"])
    if product.seller_id != actor.user_id and not actor.may(Permission.MANAGE_PRODUCTS):
        raise Forbidden("Only its seller may change this product.")
    return product


def _require_fields_of_kind(product: LockedProduct, command: UpdateProduct) -> None:
    own = KINDS[product.kind.value].fields
    others = {name for kind in KINDS for name in kind.fields} - own
    wrong = sorted(command.model_fields_set & others)
    if wrong:
        raise InvalidInput(
            f"A product of kind {product.kind} has no {wrong[0].replace('_', ' ')}.",
            path=["input"],
        )


def _texts(product: LockedProduct, command: UpdateProduct) -> dict[str, Any]:
    changes = {
        name: value
        for name in ("title", "description", "condition")
        if (value := getattr(command, name)) is not None
    }
    if command.description_addition is not None:
        text = changes.get("description", product.description)
        text = f"{text}\n\n{command.description_addition}"
        if len(text) > 10_000:
            raise InvalidInput(
                "The description would become longer than 10,000 characters.",
                path=["input", "descriptionAddition"],
            )
        changes["description"] = text
    if "estimated_delivery" in command.model_fields_set:
        changes["estimated_delivery"] = command.estimated_delivery
    return changes


def _shipping(product: LockedProduct, command: UpdateProduct) -> dict[str, Any]:
    if not command.model_fields_set & {"shipping_method", "shipping_cost"}:
        return {}
    one_currency(product.currency, ("shippingCost", command.shipping_cost))
    method = command.shipping_method or product.shipping_method
    cost = command.shipping_cost
    if "shipping_cost" not in command.model_fields_set and method is not ShippingMethod.FREE:
        cost = Money(product.shipping_cost_minor, product.currency)
    return {"shipping_method": method, "shipping_cost_minor": shipping_cost(method, cost)}


async def _media(work: UnitOfWork, actor: Actor, seller_id: UUID, command: UpdateProduct) -> None:
    if not command.model_fields_set & {"media_ids", "add_media_ids", "remove_media_ids"}:
        return
    if command.media_ids is not None:
        wanted = list(command.media_ids)
    else:
        wanted = [row.id for row in await work.rows(asset_ids_of(command.product_id))]
    added, removed = command.add_media_ids or (), command.remove_media_ids or ()
    wanted = [media_id for media_id in wanted if media_id not in removed]
    wanted += [media_id for media_id in added if media_id not in wanted]
    await attach_media(work, actor, command.product_id, seller_id, wanted)

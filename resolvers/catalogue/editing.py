"""Changing and removing products: by the seller or an admin, and never what bidders rely on
(spec/03-auctions.md#catalogue)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, Permission
from core.commands import Command, Trimmed
from core.database import UnitOfWork
from core.errors import Forbidden, InvalidInput, NotFound
from core.money import Money
from models.catalogue import AuctionStatus, Product, ProductCondition, ProductKind, ShippingMethod
from models.catalogue import statements as sql
from models.catalogue.tables import archived
from models.media.assets import asset_ids_of
from resolvers.auctions.events import record_cancelled_auction
from resolvers.catalogue.errors import ProductLocked
from resolvers.catalogue.listing import (
    Delivery,
    Description,
    MediaIds,
    Quantity,
    SoftClose,
    Title,
    auction_prices,
    offer_thresholds,
    one_currency,
    require_place,
    shipping_cost,
)
from resolvers.media.assets import attach_media

# What may change also while somebody has bid (spec/03-auctions.md#catalogue).
_ALWAYS = {
    "product_id",
    "description_addition",
    "media_ids",
    "add_media_ids",
    "remove_media_ids",
    "shipping_method",
    "shipping_cost",
    "estimated_delivery",
}
_FIXED_ONLY = {"price", "quantity", "accept_offers", "auto_accept", "auto_decline"}
_AUCTION_ONLY = {
    "start_price",
    "reserve_price",
    "buy_now_price",
    "starts_at",
    "ends_at",
    "proxy_bidding",
    "soft_close_seconds",
}
_RUNNING = (AuctionStatus.SCHEDULED, AuctionStatus.OPEN)


Addition = Annotated[Annotated[str, Field(max_length=2_000)] | None, Trimmed]


class UpdateProduct(Command):
    """What changes of a product; what is not named stays. `description_addition` is put behind the
    description, which bidders have read."""

    product_id: UUID
    title: Title | None = None
    description: Description | None = None
    description_addition: Addition = None
    condition: ProductCondition | None = None
    category_id: UUID | None = None
    subcategory_id: UUID | None = None
    shipping_method: ShippingMethod | None = None
    shipping_cost: Money | None = None
    estimated_delivery: Delivery = None
    media_ids: MediaIds | None = None
    add_media_ids: MediaIds = ()
    remove_media_ids: MediaIds = ()
    price: Money | None = None
    quantity: Quantity | None = None
    accept_offers: bool | None = None
    auto_accept: Money | None = None
    auto_decline: Money | None = None
    start_price: Money | None = None
    reserve_price: Money | None = None
    buy_now_price: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    proxy_bidding: bool | None = None
    soft_close_seconds: SoftClose | None = None


async def update_product(work: UnitOfWork, actor: Actor, command: UpdateProduct) -> UUID:
    """Changes a product and gives its id. Raises Unauthenticated, Forbidden for anybody but the
    seller and admins, NotFound, InvalidInput, ProductLocked."""
    product = await _editable(work, actor, command.product_id)
    now = await work.clock()
    _require_fields_of_kind(product, command)
    _require_unlocked(product, command, now)
    changes = {**_texts(product, command), **_shipping(product, command), "updated_at": now}
    if command.category_id is not None or command.subcategory_id is not None:
        category_id = command.category_id or product.category_id
        subcategory_id = command.subcategory_id or product.subcategory_id
        await require_place(work, category_id, subcategory_id)
        changes |= {"category_id": category_id, "subcategory_id": subcategory_id}
    if product.kind is ProductKind.FIXED:
        changes |= _fixed_price(product, command)
    else:
        changes |= _auction(product, command, now)
    await work.execute(sql.update_row(Product, command.product_id, changes))
    await _media(work, actor, product.seller_id, command)
    return command.product_id


async def delete_product(work: UnitOfWork, actor: Actor, product_id: UUID) -> UUID:
    """Takes a product out of sight, softly; an auction without bids is cancelled by it. Raises
    Unauthenticated, Forbidden, NotFound, ProductLocked for an auction with bids: it can be ended
    early instead."""
    product = await _editable(work, actor, product_id)
    if product.bid_count:
        raise ProductLocked("It has bids: end the auction early instead of removing it.")
    now = await work.clock()
    changes = archived(now)
    if product.kind is ProductKind.AUCTION and product.status in _RUNNING:
        changes["status"] = AuctionStatus.CANCELLED
    await work.execute(sql.update_row(Product, product_id, changes))
    if "status" in changes:
        await record_cancelled_auction(work, product_id, now)
    return product_id


async def _editable(work: UnitOfWork, actor: Actor, product_id: UUID) -> Any:
    actor.member()
    product = await work.first(sql.lock_for_edit(product_id))
    if product is None or not product.is_active:
        raise NotFound("There is no such product.", path=["input", "productId"])
    if product.seller_id != actor.user_id and not actor.may(Permission.MANAGE_PRODUCTS):
        raise Forbidden("Only its seller may change this product.")
    return product


def _given(command: UpdateProduct) -> set[str]:
    return set(command.model_fields_set)


def _require_fields_of_kind(product: Any, command: UpdateProduct) -> None:
    other = _AUCTION_ONLY if product.kind is ProductKind.FIXED else _FIXED_ONLY
    wrong = sorted(_given(command) & other)
    if wrong:
        raise InvalidInput(
            f"A product of kind {product.kind} has no {wrong[0].replace('_', ' ')}.",
            path=["input"],
        )


def _require_unlocked(product: Any, command: UpdateProduct, now: datetime) -> None:
    if product.kind is ProductKind.FIXED or not (_given(command) - _ALWAYS):
        return
    if product.bid_count:
        raise ProductLocked(
            "It has bids: only description additions, media and shipping may change."
        )
    if product.status not in _RUNNING or product.ends_at <= now:
        raise ProductLocked(
            "It is over: only description additions, media and shipping may change."
        )


def _texts(product: Any, command: UpdateProduct) -> dict[str, Any]:
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
    if "estimated_delivery" in _given(command):
        changes["estimated_delivery"] = command.estimated_delivery
    return changes


def _shipping(product: Any, command: UpdateProduct) -> dict[str, Any]:
    if not _given(command) & {"shipping_method", "shipping_cost"}:
        return {}
    one_currency(product.currency, ("shippingCost", command.shipping_cost))
    method = command.shipping_method or product.shipping_method
    cost = command.shipping_cost
    if "shipping_cost" not in _given(command) and method is not ShippingMethod.FREE:
        cost = Money(product.shipping_cost_minor, product.currency)
    return {"shipping_method": method, "shipping_cost_minor": shipping_cost(method, cost)}


def _amount(product: Any, command: UpdateProduct, name: str, column: str) -> Money | None:
    if name in _given(command):
        value: Money | None = getattr(command, name)
        return value
    minor = getattr(product, column)
    return None if minor is None else Money(minor, product.currency)


def _fixed_price(product: Any, command: UpdateProduct) -> dict[str, Any]:
    price = command.price or Money(product.price_minor, product.currency)
    accept = _amount(product, command, "auto_accept", "auto_accept_minor")
    decline = _amount(product, command, "auto_decline", "auto_decline_minor")
    one_currency(
        product.currency,
        ("price", price),
        ("autoAcceptAmount", accept),
        ("autoDeclineAmount", decline),
    )
    offers = product.accept_offers if command.accept_offers is None else command.accept_offers
    offer_thresholds(price, offers, accept, decline)
    quantity = command.quantity or product.quantity
    taken = product.quantity - product.quantity_available
    if quantity < taken:
        raise InvalidInput(f"{taken} are sold or held already.", path=["input", "quantity"])
    return {
        "price_minor": price.amount_minor,
        "accept_offers": offers,
        "auto_accept_minor": accept and accept.amount_minor,
        "auto_decline_minor": decline and decline.amount_minor,
        "quantity": quantity,
        "quantity_available": quantity - taken,
    }


def _auction(product: Any, command: UpdateProduct, now: datetime) -> dict[str, Any]:
    if not _given(command) & _AUCTION_ONLY:
        return {}
    start = command.start_price or Money(product.start_price_minor, product.currency)
    reserve = _amount(product, command, "reserve_price", "reserve_minor")
    buy_now = _amount(product, command, "buy_now_price", "buy_now_minor")
    one_currency(
        product.currency, ("startPrice", start), ("reservePrice", reserve), ("buyNowPrice", buy_now)
    )
    auction_prices(start, reserve, buy_now)
    starts_at = product.starts_at if command.starts_at is None else max(now, command.starts_at)
    ends_at = command.ends_at or product.ends_at
    if ends_at <= max(starts_at, now):
        raise InvalidInput(
            "endsAt must be after the start, and not past.", path=["input", "endsAt"]
        )
    changes: Mapping[str, Any] = {
        "proxy_bidding": command.proxy_bidding,
        "soft_close_seconds": command.soft_close_seconds,
    }
    return {
        "price_minor": start.amount_minor,
        "start_price_minor": start.amount_minor,
        "reserve_minor": reserve and reserve.amount_minor,
        "buy_now_minor": buy_now and buy_now.amount_minor,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "status": AuctionStatus.SCHEDULED if starts_at > now else AuctionStatus.OPEN,
        **{name: value for name, value in changes.items() if value is not None},
    }


async def _media(work: UnitOfWork, actor: Actor, seller_id: UUID, command: UpdateProduct) -> None:
    if not _given(command) & {"media_ids", "add_media_ids", "remove_media_ids"}:
        return
    if command.media_ids is not None:
        wanted = list(command.media_ids)
    else:
        wanted = [row[0] for row in await work.rows(asset_ids_of(command.product_id))]
    wanted = [media_id for media_id in wanted if media_id not in command.remove_media_ids]
    wanted += [media_id for media_id in command.add_media_ids if media_id not in wanted]
    await attach_media(work, actor, command.product_id, seller_id, wanted)

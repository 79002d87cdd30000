"""Listing products: both kinds, with the rules that a new product must keep
(spec/03-auctions.md#catalogue)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from auth.actor import Actor
from core.commands import Command, Text, Trimmed
from core.database import UnitOfWork
from core.errors import AccountInactive, InvalidInput, NotFound
from core.ids import new_id
from core.money import Money
from models.auctions.writing import is_active_account
from models.catalogue import (
    AuctionStatus,
    Product,
    ProductCondition,
    ProductKind,
    ShippingMethod,
)
from models.catalogue import statements as sql
from models.catalogue.categories import active_place
from resolvers.media.assets import attach_media

Title = Annotated[Text, Field(min_length=1, max_length=120)]
Description = Annotated[Text, Field(min_length=1, max_length=10_000)]
Delivery = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
MediaIds = Annotated[tuple[UUID, ...], Field(max_length=12)]
SoftClose = Annotated[int, Field(ge=0, le=3600)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class NewProduct(Command):
    """What both kinds of product have."""

    title: Title
    description: Description
    condition: ProductCondition
    category_id: UUID
    subcategory_id: UUID
    shipping_method: ShippingMethod
    shipping_cost: Money | None = None
    estimated_delivery: Delivery = None
    media_ids: MediaIds = ()


class CreateFixedPrice(NewProduct):
    """A new product at a fixed price."""

    price: Money
    quantity: Quantity = 1
    accept_offers: bool = False
    auto_accept: Money | None = None
    auto_decline: Money | None = None


class CreateAuction(NewProduct):
    """A new auction. Without `starts_at` it starts at once."""

    start_price: Money
    reserve_price: Money | None = None
    buy_now_price: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime
    proxy_bidding: bool = True
    soft_close_seconds: SoftClose = 0


def one_currency(currency: str, *amounts: tuple[str, Money | None]) -> None:
    """Every price of one product is in one currency and above zero. Raises InvalidInput."""
    for name, amount in amounts:
        if amount is None:
            continue
        path = ["input", name, "amount"]
        if amount.currency != currency:
            raise InvalidInput(
                f"All prices of a product are in one currency, here {currency}.",
                path=["input", name, "currency"],
            )
        if amount.amount_minor <= 0 and name != "shippingCost":
            raise InvalidInput(f"{name} must be more than zero.", path=path)
        if amount.amount_minor < 0:
            raise InvalidInput(f"{name} must not be negative.", path=path)


def shipping_cost(method: ShippingMethod, cost: Money | None) -> int:
    """What shipping costs, in minor units; FREE costs nothing. Raises InvalidInput."""
    minor = 0 if cost is None else cost.amount_minor
    if method is ShippingMethod.FREE and minor:
        raise InvalidInput(
            "FREE shipping costs nothing: leave shippingCost out or choose another method.",
            path=["input", "shippingCost"],
        )
    return minor


def auction_prices(start: Money, reserve: Money | None, buy_now: Money | None) -> None:
    """A reserve and a buy-now price lie at or above the start price, and buying now at or above the
    reserve. Raises InvalidInput."""
    if reserve is not None and reserve.amount_minor < start.amount_minor:
        raise InvalidInput(
            f"The reserve must be at least the start price, {start}.",
            path=["input", "reservePrice"],
        )
    least = reserve or start
    if buy_now is not None and buy_now.amount_minor < least.amount_minor:
        raise InvalidInput(
            f"The buy-now price must be at least {least}.", path=["input", "buyNowPrice"]
        )


def offer_thresholds(
    price: Money, accept_offers: bool, accept: Money | None, decline: Money | None
) -> None:
    """The amounts from which offers are accepted and below which they are declined lie below the
    price, in order. Raises InvalidInput."""
    if (accept or decline) and not accept_offers:
        raise InvalidInput("Set acceptOffers to use thresholds.", path=["input", "acceptOffers"])
    if accept is not None and accept.amount_minor > price.amount_minor:
        raise InvalidInput(
            f"autoAcceptAmount must not be above the price, {price}.",
            path=["input", "autoAcceptAmount"],
        )
    ceiling = accept or price
    if decline is not None and decline.amount_minor >= ceiling.amount_minor:
        raise InvalidInput(
            f"autoDeclineAmount must be below {ceiling}.", path=["input", "autoDeclineAmount"]
        )


async def require_place(work: UnitOfWork, category_id: UUID, subcategory_id: UUID) -> None:
    """Both exist, are active, and the one belongs to the other. Raises NotFound, InvalidInput."""
    place = await work.first(active_place(category_id, subcategory_id))
    if place is None:
        raise NotFound("There is no such category or subcategory.", path=["input", "categoryId"])
    if not place.belongs:
        raise InvalidInput(
            "The subcategory belongs to another category.", path=["input", "subcategoryId"]
        )


async def create_fixed_price(work: UnitOfWork, actor: Actor, command: CreateFixedPrice) -> UUID:
    """Lists a product at a fixed price and gives its id. Raises InvalidInput, NotFound."""
    one_currency(
        command.price.currency,
        ("price", command.price),
        ("shippingCost", command.shipping_cost),
        ("autoAcceptAmount", command.auto_accept),
        ("autoDeclineAmount", command.auto_decline),
    )
    offer_thresholds(
        command.price, command.accept_offers, command.auto_accept, command.auto_decline
    )
    own = {
        "kind": ProductKind.FIXED,
        "currency": command.price.currency,
        "price_minor": command.price.amount_minor,
        "quantity": command.quantity,
        "quantity_available": command.quantity,
        "accept_offers": command.accept_offers,
        "auto_accept_minor": command.auto_accept and command.auto_accept.amount_minor,
        "auto_decline_minor": command.auto_decline and command.auto_decline.amount_minor,
    }
    return await _create(work, actor, command, own)


async def create_auction(work: UnitOfWork, actor: Actor, command: CreateAuction) -> UUID:
    """Lists an auction and gives its id. Its times are held against the database's clock; a start
    in the past means now. Raises InvalidInput, NotFound."""
    one_currency(
        command.start_price.currency,
        ("startPrice", command.start_price),
        ("reservePrice", command.reserve_price),
        ("buyNowPrice", command.buy_now_price),
        ("shippingCost", command.shipping_cost),
    )
    auction_prices(command.start_price, command.reserve_price, command.buy_now_price)
    now = await work.clock()
    starts_at = max(now, command.starts_at or now)
    if command.ends_at <= starts_at:
        raise InvalidInput(
            "endsAt must be after the start, and not past.", path=["input", "endsAt"]
        )
    own = {
        "kind": ProductKind.AUCTION,
        "currency": command.start_price.currency,
        "price_minor": command.start_price.amount_minor,
        "start_price_minor": command.start_price.amount_minor,
        "reserve_minor": command.reserve_price and command.reserve_price.amount_minor,
        "buy_now_minor": command.buy_now_price and command.buy_now_price.amount_minor,
        "starts_at": starts_at,
        "ends_at": command.ends_at,
        "status": AuctionStatus.SCHEDULED if starts_at > now else AuctionStatus.OPEN,
        "proxy_bidding": command.proxy_bidding,
        "soft_close_seconds": command.soft_close_seconds,
    }
    return await _create(work, actor, command, own)


async def _create(
    work: UnitOfWork, actor: Actor, command: NewProduct, own: dict[str, object]
) -> UUID:
    seller_id = actor.member()
    if not await work.scalar(is_active_account(seller_id)):
        raise AccountInactive("This account is archived. Log in again to restore it.")
    await require_place(work, command.category_id, command.subcategory_id)
    product_id = new_id()
    shared = {
        "id": product_id,
        "seller_id": seller_id,
        "category_id": command.category_id,
        "subcategory_id": command.subcategory_id,
        "title": command.title,
        "description": command.description,
        "condition": command.condition,
        "shipping_method": command.shipping_method,
        "shipping_cost_minor": shipping_cost(command.shipping_method, command.shipping_cost),
        "estimated_delivery": command.estimated_delivery,
    }
    await work.execute(sql.insert_row(Product, {**shared, **own}))
    if command.media_ids:
        await attach_media(work, actor, product_id, seller_id, list(command.media_ids))
    return product_id

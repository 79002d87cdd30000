"""The inputs of product mutations, and the commands that they become."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from core.ids import decode_id
from graph.money import MoneyInput
from resolvers.catalogue.editing import UpdateProduct
from resolvers.catalogue.listing import CreateAuction, CreateFixedPrice
from schema.catalogue.words import ProductCondition, ShippingMethod


@strawberry.input(description="A new product at a fixed price.")
class CreateFixedPriceProductInput:
    title: str = strawberry.field(description="At most 120 characters.")
    description: str = strawberry.field(description="At most 10,000 characters of plain text.")
    condition: ProductCondition = strawberry.field(description="In what state the goods are.")
    category_id: strawberry.ID = strawberry.field(description="The category that it is in.")
    subcategory_id: strawberry.ID = strawberry.field(description="A subcategory of it.")
    price: MoneyInput = strawberry.field(description="What one costs.")
    quantity: int | None = strawberry.field(
        default=1, description="How many are for sale, at most 1,000,000."
    )
    accept_offers: bool | None = strawberry.field(
        default=False, description="Buyers may offer less."
    )
    auto_accept_amount: MoneyInput | None = strawberry.field(
        default=None, description="Offers from this amount on are accepted by themselves."
    )
    auto_decline_amount: MoneyInput | None = strawberry.field(
        default=None, description="Offers below this amount are declined by themselves."
    )
    shipping_method: ShippingMethod = strawberry.field(description="How the goods travel.")
    shipping_cost: MoneyInput | None = strawberry.field(
        default=None, description="What shipping costs; nothing when left out."
    )
    estimated_delivery: str | None = strawberry.field(
        default=None, description="When the goods arrive, at most 100 characters."
    )
    media_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Your uploaded pictures in order, at most 12."
    )


@strawberry.input(description="A new auction.")
class CreateAuctionProductInput:
    title: str = strawberry.field(description="At most 120 characters.")
    description: str = strawberry.field(description="At most 10,000 characters of plain text.")
    condition: ProductCondition = strawberry.field(description="In what state the goods are.")
    category_id: strawberry.ID = strawberry.field(description="The category that it is in.")
    subcategory_id: strawberry.ID = strawberry.field(description="A subcategory of it.")
    start_price: MoneyInput = strawberry.field(description="The least first bid.")
    reserve_price: MoneyInput | None = strawberry.field(
        default=None, description="Below this you need not sell; secret."
    )
    buy_now_price: MoneyInput | None = strawberry.field(
        default=None, description="What it can be bought for at once."
    )
    starts_at: datetime | None = strawberry.field(
        default=None, description="When bids are taken from; now when left out."
    )
    ends_at: datetime = strawberry.field(description="When bidding ends.")
    proxy_bidding: bool | None = strawberry.field(
        default=True, description="True: bids are secret maxima. False: bids are prices."
    )
    soft_close_seconds: int | None = strawberry.field(
        default=0, description="A bid in the last so many seconds moves the end; at most 3,600."
    )
    shipping_method: ShippingMethod = strawberry.field(description="How the goods travel.")
    shipping_cost: MoneyInput | None = strawberry.field(
        default=None, description="What shipping costs; nothing when left out."
    )
    estimated_delivery: str | None = strawberry.field(
        default=None, description="When the goods arrive, at most 100 characters."
    )
    media_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Your uploaded pictures in order, at most 12."
    )


@strawberry.input(
    description="What changes of a product; what is left out stays. Fields of the other kind are "
    "refused."
)
class UpdateProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    title: str | None = strawberry.field(default=UNSET, description="At most 120 characters.")
    description: str | None = strawberry.field(
        default=UNSET, description="At most 10,000 characters of plain text."
    )
    description_addition: str | None = strawberry.field(
        default=UNSET,
        description="Put behind the description, at most 2,000 characters; allowed with bids too.",
    )
    condition: ProductCondition | None = strawberry.field(
        default=UNSET, description="In what state the goods are."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The category that it is in."
    )
    subcategory_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A subcategory of it."
    )
    shipping_method: ShippingMethod | None = strawberry.field(
        default=UNSET, description="How the goods travel."
    )
    shipping_cost: MoneyInput | None = strawberry.field(
        default=UNSET, description="What shipping costs; null for nothing."
    )
    estimated_delivery: str | None = strawberry.field(
        default=UNSET, description="When the goods arrive; null removes it."
    )
    media_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Exactly these pictures in this order."
    )
    add_media_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Pictures to put behind the others."
    )
    remove_media_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Pictures to take away."
    )
    price: MoneyInput | None = strawberry.field(default=UNSET, description="What one costs.")
    quantity: int | None = strawberry.field(default=UNSET, description="How many are offered.")
    accept_offers: bool | None = strawberry.field(
        default=UNSET, description="Buyers may offer less."
    )
    auto_accept_amount: MoneyInput | None = strawberry.field(
        default=UNSET, description="Offers from this amount on are accepted; null for never."
    )
    auto_decline_amount: MoneyInput | None = strawberry.field(
        default=UNSET, description="Offers below this amount are declined; null for never."
    )
    start_price: MoneyInput | None = strawberry.field(
        default=UNSET, description="The least first bid."
    )
    reserve_price: MoneyInput | None = strawberry.field(
        default=UNSET, description="Below this you need not sell; null removes it."
    )
    buy_now_price: MoneyInput | None = strawberry.field(
        default=UNSET, description="What it can be bought for at once; null removes it."
    )
    starts_at: datetime | None = strawberry.field(
        default=UNSET, description="When bids are taken from."
    )
    ends_at: datetime | None = strawberry.field(default=UNSET, description="When bidding ends.")
    proxy_bidding: bool | None = strawberry.field(
        default=UNSET, description="True: bids are secret maxima. False: bids are prices."
    )
    soft_close_seconds: int | None = strawberry.field(
        default=UNSET, description="A bid in the last so many seconds moves the end."
    )


@strawberry.input(description="The product to remove.")
class DeleteProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")


def _money(amount: MoneyInput | None, path: str) -> Any:
    return None if amount is None else amount.parse(path)


def _media(ids: list[strawberry.ID] | None, name: str) -> tuple[UUID, ...]:
    return tuple(decode_id("med", id, f"input.{name}") for id in ids or ())


def _shared(input: CreateFixedPriceProductInput | CreateAuctionProductInput) -> dict[str, Any]:
    return {
        "title": input.title,
        "description": input.description,
        "condition": input.condition,
        "category_id": decode_id("cat", input.category_id, "input.categoryId"),
        "subcategory_id": decode_id("sub", input.subcategory_id, "input.subcategoryId"),
        "shipping_method": input.shipping_method,
        "shipping_cost": _money(input.shipping_cost, "shippingCost"),
        "estimated_delivery": input.estimated_delivery,
        "media_ids": _media(input.media_ids, "mediaIds"),
    }


def fixed_price_command(input: CreateFixedPriceProductInput) -> CreateFixedPrice:
    """The command of the input. Raises InvalidInput, BadUserInput."""
    return CreateFixedPrice.of(
        **_shared(input),
        price=input.price.parse("price"),
        quantity=1 if input.quantity is None else input.quantity,
        accept_offers=bool(input.accept_offers),
        auto_accept=_money(input.auto_accept_amount, "autoAcceptAmount"),
        auto_decline=_money(input.auto_decline_amount, "autoDeclineAmount"),
    )


def auction_command(input: CreateAuctionProductInput) -> CreateAuction:
    """The command of the input. Raises InvalidInput, BadUserInput."""
    return CreateAuction.of(
        **_shared(input),
        start_price=input.start_price.parse("startPrice"),
        reserve_price=_money(input.reserve_price, "reservePrice"),
        buy_now_price=_money(input.buy_now_price, "buyNowPrice"),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        proxy_bidding=input.proxy_bidding is not False,
        soft_close_seconds=input.soft_close_seconds or 0,
    )


_PLAIN = (
    "title",
    "description",
    "description_addition",
    "condition",
    "shipping_method",
    "estimated_delivery",
    "quantity",
    "accept_offers",
    "starts_at",
    "ends_at",
    "proxy_bidding",
    "soft_close_seconds",
)
_MONEY = {
    "shipping_cost": ("shipping_cost", "shippingCost"),
    "price": ("price", "price"),
    "auto_accept": ("auto_accept_amount", "autoAcceptAmount"),
    "auto_decline": ("auto_decline_amount", "autoDeclineAmount"),
    "start_price": ("start_price", "startPrice"),
    "reserve_price": ("reserve_price", "reservePrice"),
    "buy_now_price": ("buy_now_price", "buyNowPrice"),
}
_MEDIA = {
    "media_ids": "mediaIds",
    "add_media_ids": "addMediaIds",
    "remove_media_ids": "removeMediaIds",
}
_PLACES = {"category_id": ("cat", "categoryId"), "subcategory_id": ("sub", "subcategoryId")}


def update_command(input: UpdateProductInput) -> UpdateProduct:
    """The command with what the client named. Raises InvalidInput, BadUserInput."""
    values: dict[str, Any] = {
        name: value for name in _PLAIN if (value := getattr(input, name)) is not UNSET
    }
    for name, (attribute, path) in _MONEY.items():
        if (amount := getattr(input, attribute)) is not UNSET:
            values[name] = _money(amount, path)
    for name, path in _MEDIA.items():
        if (ids := getattr(input, name)) is not UNSET:
            values[name] = _media(ids, path)
    for name, (prefix, path) in _PLACES.items():
        if (id := getattr(input, name)) is not UNSET and id is not None:
            values[name] = decode_id(prefix, id, f"input.{path}")
    product_id = decode_id("prd", input.product_id, "input.productId")
    return UpdateProduct.of(product_id=product_id, **values)

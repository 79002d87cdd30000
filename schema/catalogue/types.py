"""Categories and products as clients see them. Made of rows; no rule and no SQL here."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.ids import encode_id
from core.money import currency_digits
from models.bidding import steps_for
from models.catalogue import ProductKind
from resolvers.auctions.events import AuctionState
from schema.catalogue.words import (
    AuctionStatus,
    ProductCondition,
    ShippingMethod,
    SubcategoryGroup,
)
from schema.identity import PublicUser
from schema.media import MediaAsset
from schema.money import Money
from schema.nodes import Connection, Node
from schema.relation import paged_relation, relation
from schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from schema.auctions.types import Bid


@strawberry.type(description="A category of goods.")
class Category(Node):
    title: str = strawberry.field(description="Its name, at most 100 characters.")
    subtitle: str | None = strawberry.field(description="More of it, at most 200 characters.")
    image_url: str | None = strawberry.field(description="A picture, at most 500 characters.")
    row_id: strawberry.Private[UUID]

    subcategories: Connection["Subcategory"] = paged_relation(
        loader="category_subcategories",
        key="row_id",
        description="Its subcategories by name.",
        backwards=False,
    )

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "Category":
        """The category of a row."""
        return cls(
            id=strawberry.ID(encode_id("cat", row.id)),
            title=row.title,
            subtitle=row.subtitle,
            image_url=row.image_url,
            row_id=row.id,
        )


@strawberry.type(description="A part of a category.")
class Subcategory(Node):
    name: str = strawberry.field(description="Its name, at most 100 characters.")
    group: SubcategoryGroup = strawberry.field(description="Where it is shown.")
    category_id: strawberry.Private[UUID]

    category: Category = relation(
        loader="category", key="category_id", description="The category that it is part of."
    )

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "Subcategory":
        """The subcategory of a row."""
        return cls(
            id=strawberry.ID(encode_id("sub", row.id)),
            name=row.name,
            group=row.group_name,
            category_id=row.category_id,
        )


@strawberry.interface(description="Goods for sale, at a fixed price or by auction.")
class Product(Node):
    title: str = strawberry.field(description="At most 120 characters.")
    description: str = strawberry.field(description="At most 10,000 characters of plain text.")
    condition: ProductCondition = strawberry.field(description="In what state the goods are.")
    currency: CurrencyCode = strawberry.field(description="The currency of all its prices.")
    shipping_method: ShippingMethod = strawberry.field(description="How the goods travel.")
    shipping_cost: Money = strawberry.field(description="What shipping costs the buyer.")
    estimated_delivery: str | None = strawberry.field(
        description="When the goods arrive, in the seller's words, at most 100 characters."
    )
    created_at: datetime = strawberry.field(description="When it was listed.")
    row_id: strawberry.Private[UUID]
    seller_id: strawberry.Private[UUID]
    category_id: strawberry.Private[UUID]
    subcategory_id: strawberry.Private[UUID]

    seller: PublicUser = relation(
        loader="public_user", key="seller_id", description="Who sells it."
    )
    category: Category = relation(
        loader="category", key="category_id", description="The category that it is in."
    )
    subcategory: Subcategory = relation(
        loader="subcategory", key="subcategory_id", description="The subcategory that it is in."
    )
    media: list[MediaAsset] = relation(
        loader="product_media",
        key="row_id",
        description="Its pictures in the seller's order, at most 12.",
    )


@strawberry.type(description="Goods at a fixed price.")
class FixedPriceProduct(Product):
    price: Money = strawberry.field(description="What one costs.")
    quantity: int = strawberry.field(description="How many were offered.")
    quantity_available: int = strawberry.field(description="How many can be bought now.")
    accept_offers: bool = strawberry.field(description="Buyers may offer less.")
    auto_accept_amount: Money | None = strawberry.field(
        description="Offers from this amount on are accepted. Only its seller sees it."
    )
    auto_decline_amount: Money | None = strawberry.field(
        description="Offers below this amount are declined. Only its seller sees it."
    )


@strawberry.type(description="Goods sold to the highest bidder.")
class AuctionProduct(Product):
    start_price: Money = strawberry.field(description="The least first bid.")
    current_price: Money | None = strawberry.field(
        description="What it stands at; null while nobody has bid."
    )
    minimum_next_bid: Money = strawberry.field(description="The least amount that is accepted now.")
    bid_count: int = strawberry.field(description="How many bids count.")
    reserve_price: Money | None = strawberry.field(
        description="Below this the seller need not sell. Only the seller sees it."
    )
    reserve_met: bool | None = strawberry.field(
        description="Whether the highest bid reaches the reserve; null when there is none."
    )
    buy_now_price: Money | None = strawberry.field(
        description="What it can be bought for at once, while nobody has bid or the reserve is "
        "not met."
    )
    starts_at: datetime = strawberry.field(description="When bids are taken from.")
    ends_at: datetime = strawberry.field(description="When bidding ends.")
    status: AuctionStatus = strawberry.field(description="Where the auction stands.")
    proxy_bidding: bool = strawberry.field(
        description="True: bids are secret maxima. False: bids are prices."
    )
    soft_close_seconds: int = strawberry.field(
        description="A bid in the last so many seconds moves the end as far behind it; 0 for never."
    )
    leader_key: strawberry.Private[tuple[UUID, UUID, bool] | None]

    highest_bidder: PublicUser | None = relation(
        loader="bidder",
        key="leader_key",
        description="Who leads; masked for everyone but the seller and the leader.",
    )
    bids: Connection[Annotated["Bid", strawberry.lazy("schema.auctions.types")]] = paged_relation(
        loader="auction_bids",
        key="row_id",
        description="The accepted bids, newest first.",
    )


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money.of(minor, currency)


def product_of(row: Any, actor: Actor, state: AuctionState | None = None) -> Product:
    """The product of a row, of either kind; with `state` an auction as it stood then."""
    shared: dict[str, Any] = {
        "id": strawberry.ID(encode_id("prd", row.id)),
        "title": row.title,
        "description": row.description,
        "condition": row.condition,
        "currency": row.currency,
        "shipping_method": row.shipping_method,
        "shipping_cost": Money.of(row.shipping_cost_minor, row.currency),
        "estimated_delivery": row.estimated_delivery,
        "created_at": row.created_at,
        "row_id": row.id,
        "seller_id": row.seller_id,
        "category_id": row.category_id,
        "subcategory_id": row.subcategory_id,
    }
    if row.kind is ProductKind.FIXED:
        return FixedPriceProduct(
            **shared,
            price=Money.of(row.price_minor, row.currency),
            quantity=row.quantity,
            quantity_available=row.quantity_available,
            accept_offers=row.accept_offers,
            auto_accept_amount=_money(row.auto_accept_minor, row.currency),
            auto_decline_amount=_money(row.auto_decline_minor, row.currency),
        )
    state = state or state_of_row(row)
    return AuctionProduct(
        **shared,
        start_price=Money.of(row.start_price_minor, row.currency),
        current_price=_money(state.price_minor, row.currency),
        minimum_next_bid=Money.of(state.minimum_next_minor, row.currency),
        bid_count=state.bid_count,
        reserve_price=_money(row.reserve_minor, row.currency),
        reserve_met=state.reserve_met,
        buy_now_price=_money(row.buy_now_minor, row.currency),
        starts_at=row.starts_at,
        ends_at=state.ends_at,
        status=state.status,
        proxy_bidding=row.proxy_bidding,
        soft_close_seconds=row.soft_close_seconds,
        leader_key=leader_key(row.id, row.seller_id, state.leader_id, actor),
    )


def leader_key(
    product_id: UUID, seller_id: UUID, leader_id: UUID | None, actor: Actor
) -> tuple[UUID, UUID, bool] | None:
    """The key of the loader `bidder`: auction, bidder, and whether the viewer may know who it
    is."""
    if leader_id is None:
        return None
    known = actor.is_admin or actor.user_id in (seller_id, leader_id)
    return product_id, leader_id, known


def state_of_row(row: Any) -> AuctionState:
    """How an auction stands by its row."""
    price = row.price_minor if row.bid_count else None
    steps = steps_for(row.currency, currency_digits(row.currency))
    return AuctionState(
        price_minor=price,
        minimum_next_minor=row.start_price_minor if price is None else price + steps.step(price),
        bid_count=row.bid_count,
        ends_at=row.ends_at,
        status=AuctionStatus(row.status),
        leader_id=row.leader_id,
        reserve_met=bool(row.leader_meets_reserve) if row.has_reserve else None,
    )

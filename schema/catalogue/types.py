"""Categories and products as clients see them. Made of rows; no rule and no SQL here."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.money import currency_digits
from graph.columns import derived, row_id, stored
from graph.connections import Connection, count_loader, paged_loader
from graph.entity import Node, entity
from graph.kept import STILL
from graph.money import Money
from graph.relations import paged_relation, relation
from graph.scalars import CurrencyCode
from models.catalogue import ProductKind
from models.catalogue.categories import CategoryRow, SubcategoryRow
from resolvers.auctions.events import AuctionState
from resolvers.catalogue import categories
from rules.bidding import steps_for
from schema.catalogue.words import (
    AuctionStatus,
    ProductCondition,
    ShippingMethod,
    SubcategoryGroup,
)
from schema.identity import PublicUser
from schema.media import ASSETS_OF_PRODUCTS, MediaAsset

if TYPE_CHECKING:
    from schema.auctions.types import Bid


_SUBCATEGORIES = paged_loader(
    categories.subcategory_pages,
    lambda row, actor: Subcategory.of(row, actor),
    count_loader(categories.subcategory_counts),
    by_columns=True,
)


@entity(
    "cat",
    rows=categories.categories_by_ids,
    row=CategoryRow,
    id_kept=STILL,
    description="A category of goods.",
)
class Category(Node):
    title: str = stored("title", kept=STILL, description="Its name, at most 100 characters.")
    subtitle: str | None = stored(
        "subtitle", kept=STILL, description="More of it, at most 200 characters."
    )
    image_url: str | None = stored(
        "image_url", kept=STILL, description="A picture, at most 500 characters."
    )
    subcategories: Connection["Subcategory"] = paged_relation(
        loader=_SUBCATEGORIES,
        column="id",
        kept=STILL,
        description="Its subcategories by name.",
        backwards=False,
    )


@entity(
    "sub",
    rows=categories.subcategories_by_ids,
    row=SubcategoryRow,
    id_kept=STILL,
    description="A part of a category.",
)
class Subcategory(Node):
    name: str = stored("name", kept=STILL, description="Its name, at most 100 characters.")
    group: SubcategoryGroup = stored(
        "group_name", words=SubcategoryGroup, kept=STILL, description="Where it is shown."
    )
    category: Category = relation(
        column="category_id", kept=STILL, description="The category that it is part of."
    )


def _money(column: str, description: str) -> Any:
    """A field with the amount of a column of minor units; null where the column is."""

    def of(product: "Product") -> Money | None:
        minor = product.row[column]
        return None if minor is None else Money.of(minor, product.row["currency"])

    return derived(of, column, "currency", description=description)


@strawberry.interface(description="Goods for sale, at a fixed price or by auction.")
class Product(Node):
    row: strawberry.Private[Any]

    id: strawberry.ID = row_id("prd")
    title: str = stored("title", description="At most 120 characters.")
    description: str = stored("description", description="At most 10,000 characters of plain text.")
    condition: ProductCondition = stored(
        "condition", words=ProductCondition, description="In what state the goods are."
    )
    currency: CurrencyCode = stored("currency", description="The currency of all its prices.")
    shipping_method: ShippingMethod = stored(
        "shipping_method", words=ShippingMethod, description="How the goods travel."
    )
    shipping_cost: Money = _money("shipping_cost_minor", "What shipping costs the buyer.")
    estimated_delivery: str | None = stored(
        "estimated_delivery",
        description="When the goods arrive, in the seller's words, at most 100 characters.",
    )
    created_at: datetime = stored("created_at", description="When it was listed.")
    seller: PublicUser = relation(
        loader="public_user", column="seller_id", description="Who sells it."
    )
    category: Category = relation(column="category_id", description="The category that it is in.")
    subcategory: Subcategory = relation(
        column="subcategory_id",
        description="The subcategory that it is in.",
    )
    media: list[MediaAsset] = relation(
        loader=ASSETS_OF_PRODUCTS,
        column="id",
        description="Its pictures in the seller's order, at most 12.",
    )


@strawberry.type(description="Goods at a fixed price.")
class FixedPriceProduct(Product):
    price: Money = _money("price_minor", "What one costs.")
    quantity: int = stored("quantity", description="How many were offered.")
    quantity_available: int = stored(
        "quantity_available", description="How many can be bought now."
    )
    accept_offers: bool = stored("accept_offers", description="Buyers may offer less.")
    auto_accept_amount: Money | None = _money(
        "auto_accept_minor",
        "Offers from this amount on are accepted. Only its seller sees it.",
    )
    auto_decline_amount: Money | None = _money(
        "auto_decline_minor", "Offers below this amount are declined. Only its seller sees it."
    )


_STATUSES = {status.value: status for status in AuctionStatus}


class Standing:
    """How an auction stands by its row, as an AuctionState tells it; each figure needs only its own
    columns."""

    __slots__ = ("_row",)

    def __init__(self, row: Any) -> None:
        self._row = row

    @property
    def price_minor(self) -> int | None:
        """What it stands at in minor units; None while nobody has bid."""
        price: int = self._row["price_minor"]
        return price if self._row["bid_count"] else None

    @property
    def minimum_next_minor(self) -> int:
        """The least amount that is accepted now, in minor units."""
        price, currency = self.price_minor, self._row["currency"]
        if price is None:
            least: int = self._row["start_price_minor"]
            return least
        return price + steps_for(currency, currency_digits(currency)).step(price)

    @property
    def bid_count(self) -> int:
        """How many bids count."""
        count: int = self._row["bid_count"]
        return count

    @property
    def ends_at(self) -> datetime:
        """When bidding ends."""
        moment: datetime = self._row["ends_at"]
        return moment

    @property
    def status(self) -> AuctionStatus:
        """Where it stands."""
        return _STATUSES[self._row["status"]]

    @property
    def leader_id(self) -> UUID | None:
        """Who leads."""
        leader: UUID | None = self._row["leader_id"]
        return leader

    @property
    def reserve_met(self) -> bool | None:
        """Whether the highest bid reaches the reserve; None when there is none."""
        return bool(self._row["leader_meets_reserve"]) if self._row["has_reserve"] else None


@strawberry.type(description="Goods sold to the highest bidder.")
class AuctionProduct(Product):
    actor: strawberry.Private[Actor]
    standing: strawberry.Private[AuctionState | Standing]

    start_price: Money = _money("start_price_minor", "The least first bid.")
    current_price: Money | None = derived(
        lambda auction: auction.amount(auction.standing.price_minor),
        "price_minor",
        "bid_count",
        "currency",
        description="What it stands at; null while nobody has bid.",
    )
    minimum_next_bid: Money = derived(
        lambda auction: auction.amount(auction.standing.minimum_next_minor),
        "price_minor",
        "bid_count",
        "start_price_minor",
        "currency",
        description="The least amount that is accepted now.",
    )
    bid_count: int = derived(
        lambda auction: auction.standing.bid_count,
        "bid_count",
        description="How many bids count.",
    )
    reserve_price: Money | None = _money(
        "reserve_minor", "Below this the seller need not sell. Only the seller sees it."
    )
    reserve_met: bool | None = derived(
        lambda auction: auction.standing.reserve_met,
        "leader_meets_reserve",
        "has_reserve",
        description="Whether the highest bid reaches the reserve; null when there is none.",
    )
    buy_now_price: Money | None = _money(
        "buy_now_minor",
        "What it can be bought for at once, while nobody has bid or the reserve is not met.",
    )
    starts_at: datetime = stored("starts_at", description="When bids are taken from.")
    ends_at: datetime = derived(
        lambda auction: auction.standing.ends_at, "ends_at", description="When bidding ends."
    )
    status: AuctionStatus = derived(
        lambda auction: auction.standing.status,
        "status",
        description="Where the auction stands.",
    )
    proxy_bidding: bool = stored(
        "proxy_bidding", description="True: bids are secret maxima. False: bids are prices."
    )
    soft_close_seconds: int = stored(
        "soft_close_seconds",
        description="A bid in the last so many seconds moves the end as far behind it; 0 for "
        "never.",
    )
    highest_bidder: PublicUser | None = relation(
        loader="bidder",
        of=lambda auction: auction.leader_key(),
        columns=("id", "seller_id", "leader_id"),
        description="Who leads; masked for everyone but the seller and the leader.",
    )
    bids: Connection[Annotated["Bid", strawberry.lazy("schema.auctions.types")]] = paged_relation(
        loader="auction_bids",
        column="id",
        description="The accepted bids, newest first.",
    )

    def amount(self, minor: int | None) -> Money | None:
        """Minor units of the auction's currency; None for none."""
        return None if minor is None else Money.of(minor, self.row["currency"])

    def leader_key(self) -> tuple[UUID, UUID, bool] | None:
        """The key of the loader `bidder`: auction, bidder, and whether the viewer may know who it
        is."""
        leader_id = self.standing.leader_id
        if leader_id is None:
            return None
        known = self.actor.is_admin or self.actor.user_id in (self.row["seller_id"], leader_id)
        return self.row["id"], leader_id, known


def product_of(row: Any, actor: Actor, state: AuctionState | None = None) -> Product:
    """The product of a row, of either kind; with `state` an auction as it stood then."""
    if row["kind"] == ProductKind.FIXED:
        return FixedPriceProduct(row=row)
    return AuctionProduct(row=row, actor=actor, standing=state or Standing(row))

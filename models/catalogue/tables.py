"""Categories and products: tables, constraints and who may see which row. Bids: models/auctions/.
Statements of the catalogue: models/catalogue/statements.py."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlmodel import Field

from models.base import Moment, Table, text_of, words


class SubcategoryGroup(StrEnum):
    """Where a subcategory is shown."""

    MOST_POPULAR = "MOST_POPULAR"
    MORE = "MORE"


class ProductKind(StrEnum):
    """How a product is sold. It never changes."""

    FIXED = "FIXED"
    AUCTION = "AUCTION"


class ProductCondition(StrEnum):
    """In what state the goods are."""

    BRAND_NEW = "BRAND_NEW"
    NEW = "NEW"
    USED = "USED"


class ShippingMethod(StrEnum):
    """How the goods travel."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"
    FREE = "FREE"


class AuctionStatus(StrEnum):
    """Where an auction stands (spec/03-auctions.md#bidding)."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


class Category(Table, table=True):
    """A category of goods."""

    __tablename__ = "category"
    __table_args__ = (Index("ix_category_title", "title", "id"),)
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    title: str = Field(sa_column=Column(text_of(100), nullable=False))
    subtitle: str | None = Field(sa_column=Column(text_of(200)))
    image_url: str | None = Field(sa_column=Column(text_of(500)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


class Subcategory(Table, table=True):
    """A part of a category."""

    __tablename__ = "subcategory"
    __table_args__ = (
        # What a product's foreign key refers to: its subcategory belongs to its category.
        UniqueConstraint("id", "category_id"),
        Index("ix_subcategory_category", "category_id", "name", "id"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    category_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("category.id"), nullable=False))
    name: str = Field(sa_column=Column(text_of(100), nullable=False))
    group_name: SubcategoryGroup = Field(
        sa_column=Column(words(SubcategoryGroup, "group"), nullable=False)
    )
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


class Product(Table, table=True):
    """Goods for sale, both kinds in one table, so that one index serves each sort of the catalogue
    (docs/decisions/0003-one-product-table.md). Amounts are minor units of `currency`.

    `price_minor` is what it costs now: the fixed price, or the auction's current price, or its
    start price while nobody has bid. `leader_max_minor` and `runner_up_max_minor` are secret: only
    resolvers/auctions reads them."""

    __tablename__ = "product"
    __table_args__ = (
        ForeignKeyConstraint(
            ["subcategory_id", "category_id"],
            ["subcategory.id", "subcategory.category_id"],
            onupdate="CASCADE",  # a subcategory moves to another category with its products
        ),
        CheckConstraint("length(title) BETWEEN 1 AND 120", name="title_length"),
        CheckConstraint("length(description) BETWEEN 1 AND 10000", name="description_length"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint("shipping_cost_minor >= 0", name="shipping_cost_positive"),
        CheckConstraint(
            "shipping_method <> 'FREE' OR shipping_cost_minor = 0",
            name="free_shipping_costs_nothing",
        ),
        CheckConstraint(
            "(kind = 'FIXED') = (quantity IS NOT NULL)"
            " AND (kind = 'AUCTION') = (status IS NOT NULL)"
            " AND (kind = 'AUCTION') = (start_price_minor IS NOT NULL)"
            " AND (kind = 'AUCTION') = (starts_at IS NOT NULL)"
            " AND (kind = 'AUCTION') = (ends_at IS NOT NULL)"
            " AND (kind = 'AUCTION' OR reserve_minor IS NULL)"
            " AND (kind = 'AUCTION' OR buy_now_minor IS NULL)"
            " AND (kind = 'AUCTION' OR bid_count = 0)"
            " AND (kind = 'FIXED' OR NOT accept_offers)",
            name="fields_of_the_kind",
        ),
        CheckConstraint("quantity >= 0", name="quantity_positive"),
        CheckConstraint(
            "quantity_available BETWEEN 0 AND quantity", name="available_within_quantity"
        ),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("soft_close_seconds BETWEEN 0 AND 3600", name="soft_close_range"),
        CheckConstraint("start_price_minor > 0", name="start_price_positive"),
        CheckConstraint("reserve_minor >= start_price_minor", name="reserve_from_start"),
        CheckConstraint("buy_now_minor >= start_price_minor", name="buy_now_from_start"),
        CheckConstraint("bid_count >= 0", name="bid_count_positive"),
        CheckConstraint(
            "(bid_count = 0) = (leader_id IS NULL)"
            " AND (leader_id IS NULL) = (leader_max_minor IS NULL)",
            name="leader_with_bids",
        ),
        CheckConstraint("leader_id <> seller_id", name="seller_never_leads"),
        CheckConstraint("price_minor <= leader_max_minor", name="price_within_maximum"),
        CheckConstraint(
            "auto_decline_minor < auto_accept_minor AND auto_accept_minor <= price_minor",
            name="offer_thresholds",
        ),
        Index("ix_product_newest", "id", postgresql_where=text("is_active")),
        Index("ix_product_seller", "seller_id", "id"),
        Index("ix_product_subcategory", "subcategory_id", "id", postgresql_where=text("is_active")),
        Index("ix_product_category", "category_id", "id", postgresql_where=text("is_active")),
        Index(
            "ix_product_price", "currency", "price_minor", "id", postgresql_where=text("is_active")
        ),
        Index("ix_product_bids", "bid_count", "id", postgresql_where=text("is_active")),
        Index(
            "ix_product_running",
            "ends_at",
            "id",
            postgresql_where=text("status IN ('SCHEDULED', 'OPEN')"),
        ),
        Index(
            "ix_product_title",
            "title",
            postgresql_using="gin",
            postgresql_ops={"title": "gin_trgm_ops"},
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: ProductKind = Field(sa_column=Column(words(ProductKind, "kind"), nullable=False))
    seller_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    category_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("category.id"), nullable=False))
    subcategory_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    title: str = Field(sa_column=Column(text_of(120), nullable=False))
    description: str = Field(sa_column=Column(text_of(10_000), nullable=False))
    condition: ProductCondition = Field(
        sa_column=Column(words(ProductCondition, "condition"), nullable=False)
    )
    currency: str = Field(sa_column=Column(text_of(3), nullable=False))
    price_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    shipping_method: ShippingMethod = Field(
        sa_column=Column(words(ShippingMethod, "shipping_method"), nullable=False)
    )
    shipping_cost_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    estimated_delivery: str | None = Field(sa_column=Column(text_of(100)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    updated_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))
    # A fixed price.
    quantity: int | None = Field(sa_column=Column(Integer))
    quantity_available: int | None = Field(sa_column=Column(Integer))
    accept_offers: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    auto_accept_minor: int | None = Field(sa_column=Column(BigInteger))
    auto_decline_minor: int | None = Field(sa_column=Column(BigInteger))
    # An auction.
    start_price_minor: int | None = Field(sa_column=Column(BigInteger))
    reserve_minor: int | None = Field(sa_column=Column(BigInteger))
    buy_now_minor: int | None = Field(sa_column=Column(BigInteger))
    starts_at: datetime | None = Field(sa_column=Column(Moment))
    ends_at: datetime | None = Field(sa_column=Column(Moment))
    status: AuctionStatus | None = Field(sa_column=Column(words(AuctionStatus, "status")))
    proxy_bidding: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("true"))
    )
    soft_close_seconds: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    bid_count: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    last_bid_number: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    leader_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("user_account.id")))
    leader_max_minor: int | None = Field(sa_column=Column(BigInteger))
    runner_up_max_minor: int | None = Field(sa_column=Column(BigInteger))


def archived(moment: datetime) -> dict[str, Any]:
    """What a soft delete writes (spec/01-api-conventions.md#who-may-do-what)."""
    return {"is_active": False, "archived_at": moment}

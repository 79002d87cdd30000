"""Products: who sees which, with what they may know of it, in all orders, and what writes them.
What a product's secrets are, no statement for readers selects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, case, func, literal_column, null, select
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.wording import Bound, Row
from models.base import Query, Viewer, among, only, viewer_id, viewer_of
from models.catalogue.tables import (
    AuctionStatus,
    Product,
    ProductCondition,
    ProductKind,
    ShippingMethod,
)
from models.lists import Condition, Listed, Order, contains
from models.statements import given, inserting, new, rows_of, setting, written


class ProductSort(StrEnum):
    """The orders of a list of products."""

    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    ENDING_SOONEST = "ENDING_SOONEST"
    MOST_BIDS = "MOST_BIDS"


class ProductRow(Row):
    """A product of either kind as its viewer sees it; amounts are minor units of `currency`.
    `status` is that of the moment of reading, `leader_meets_reserve` null without a reserve or a
    bid."""

    id: UUID
    kind: ProductKind
    seller_id: UUID
    category_id: UUID
    subcategory_id: UUID
    title: str
    description: str
    condition: ProductCondition
    currency: str
    price_minor: int
    shipping_method: ShippingMethod
    shipping_cost_minor: int
    estimated_delivery: str | None
    created_at: datetime
    quantity: int | None
    quantity_available: int | None
    accept_offers: bool
    auto_accept_minor: int | None
    auto_decline_minor: int | None
    start_price_minor: int | None
    reserve_minor: int | None
    leader_meets_reserve: bool | None
    has_reserve: bool
    buy_now_minor: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    status: AuctionStatus | None
    proxy_bidding: bool
    soft_close_seconds: int
    bid_count: int
    leader_id: UUID | None


class LockedProduct(Row):
    """A product with everything that decides whether it may be changed, locked."""

    id: UUID
    kind: ProductKind
    seller_id: UUID
    is_active: bool
    currency: str
    description: str
    category_id: UUID
    subcategory_id: UUID
    price_minor: int
    quantity: int
    quantity_available: int
    accept_offers: bool
    auto_accept_minor: int | None
    auto_decline_minor: int | None
    shipping_method: ShippingMethod
    shipping_cost_minor: int
    start_price_minor: int
    reserve_minor: int | None
    buy_now_minor: int | None
    starts_at: datetime
    ends_at: datetime
    status: AuctionStatus
    bid_count: int


def status_now() -> Any:
    """An auction's status at the time of reading: what the row says, moved on by the clock, as
    models/auctions/writing.Auction.status_at does for a locked one."""
    now, status = func.statement_timestamp(), col(Product.status)
    return case(
        (~_undecided(), status),
        (now < col(Product.starts_at), _word(AuctionStatus.SCHEDULED)),
        (now < col(Product.ends_at), _word(AuctionStatus.OPEN)),
        (status.is_not(None), _word(AuctionStatus.ENDED)),
    )


def _word(status: AuctionStatus) -> Any:
    # Written out: the database must see it to know that a partial index will do.
    return literal_column(f"'{status.value}'")


def _undecided() -> Any:
    return col(Product.status).in_([_word(AuctionStatus.SCHEDULED), _word(AuctionStatus.OPEN)])


def _sellers_only(viewer: Viewer, column: Any) -> Any:
    # What only the seller and admins may know is null for everybody else already in the statement.
    if viewer.is_admin:
        return column
    if viewer.is_anonymous:
        return null()
    return case((col(Product.seller_id) == viewer_id(), column))


def _products_shown(viewer: Viewer) -> Query:
    """The products that the viewer may see, with what they may know of each: active ones; admins
    all. Reserve and thresholds are the seller's (spec/03-auctions.md#catalogue)."""

    def secret(column: Any) -> Any:
        return _sellers_only(viewer, column)

    statement: Query = select(
        col(Product.id),
        col(Product.kind),
        col(Product.seller_id),
        col(Product.category_id),
        col(Product.subcategory_id),
        col(Product.title),
        col(Product.description),
        col(Product.condition),
        col(Product.currency),
        col(Product.price_minor),
        col(Product.shipping_method),
        col(Product.shipping_cost_minor),
        col(Product.estimated_delivery),
        col(Product.created_at),
        col(Product.quantity),
        col(Product.quantity_available),
        col(Product.accept_offers),
        secret(col(Product.auto_accept_minor)).label("auto_accept_minor"),
        secret(col(Product.auto_decline_minor)).label("auto_decline_minor"),
        col(Product.start_price_minor),
        secret(col(Product.reserve_minor)).label("reserve_minor"),
        (col(Product.leader_max_minor) >= col(Product.reserve_minor)).label("leader_meets_reserve"),
        col(Product.reserve_minor).is_not(None).label("has_reserve"),
        col(Product.buy_now_minor),
        col(Product.starts_at),
        col(Product.ends_at),
        status_now().label("status"),
        col(Product.proxy_bidding),
        col(Product.soft_close_seconds),
        col(Product.bid_count),
        col(Product.leader_id),
    )
    return statement if viewer.is_admin else statement.where(col(Product.is_active))


@rows_of(ProductRow)
def _products_of_ids(viewer: Viewer, columns: Columns) -> Query:
    shown = only(_products_shown(viewer), columns, "id", "kind")
    return shown.where(among(col(Product.id)))


def products_by_ids(
    actor: Actor, ids: Sequence[UUID], columns: Columns = None
) -> Bound[ProductRow]:
    """These products, as far as the viewer may see them."""
    return _products_of_ids(viewer_of(actor), columns).bind(viewer=actor.user_id, ids=ids)


def _equal(name: str) -> Condition:
    column: Any = getattr(Product, name)
    return Condition(col(column) == given(name, column))


_PRICE, _ID = col(Product.price_minor), col(Product.id)
_BY_PRICE = (col(Product.currency), _PRICE, _ID)
PRODUCTS = Listed(
    ProductRow,
    _products_shown,
    {
        ProductSort.NEWEST: Order("products:NEWEST", (_ID,), descending=True),
        # Prices of different currencies cannot be compared: they are ordered by currency first.
        ProductSort.PRICE_ASC: Order("products:PRICE_ASC", _BY_PRICE),
        ProductSort.PRICE_DESC: Order("products:PRICE_DESC", _BY_PRICE, descending=True),
        ProductSort.ENDING_SOONEST: Order(
            "products:ENDING_SOONEST",
            (col(Product.ends_at), _ID),
            # Only what still runs has an end to wait for.
            where=(_undecided(), col(Product.ends_at) > func.statement_timestamp()),
        ),
        ProductSort.MOST_BIDS: Order(
            "products:MOST_BIDS", (col(Product.bid_count), _ID), descending=True
        ),
    },
    conditions={
        **{
            name: _equal(name)
            for name in ("kind", "category_id", "subcategory_id", "seller_id", "currency")
        },
        "condition": Condition(among(col(Product.condition), "condition")),
        "price_min": Condition(bindparam("price_min", type_=BigInteger) <= _PRICE),
        "price_max": Condition(bindparam("price_max", type_=BigInteger) >= _PRICE),
        "title": contains(col(Product.title), "title"),
    },
    needed=("id", "kind"),
)


@rows_of(LockedProduct)
def _lock_for_edit() -> Query:
    return (
        select(
            col(Product.id),
            col(Product.kind),
            col(Product.seller_id),
            col(Product.is_active),
            col(Product.currency),
            col(Product.description),
            col(Product.category_id),
            col(Product.subcategory_id),
            col(Product.price_minor),
            col(Product.quantity),
            col(Product.quantity_available),
            col(Product.accept_offers),
            col(Product.auto_accept_minor),
            col(Product.auto_decline_minor),
            col(Product.shipping_method),
            col(Product.shipping_cost_minor),
            col(Product.start_price_minor),
            col(Product.reserve_minor),
            col(Product.buy_now_minor),
            col(Product.starts_at),
            col(Product.ends_at),
            col(Product.status),
            col(Product.bid_count),
        )
        .where(col(Product.id) == given("id", Product.id))
        .with_for_update(key_share=True)
    )


def lock_for_edit(product_id: UUID) -> Bound[LockedProduct]:
    """Locks a product with everything that decides whether it may be changed."""
    return _lock_for_edit().bind(id=product_id)


@written
def _add_product(names: frozenset[str]) -> Any:
    return inserting(Product, names)


def add_product(values: Mapping[str, Any]) -> Bound[None]:
    """Writes a product."""
    return _add_product(frozenset(values)).bind(**new(values))


@written
def _change_product(names: frozenset[str]) -> Any:
    return setting(Product, names).where(col(Product.id) == given("row_id", Product.id))


def change_product(product_id: UUID, values: Mapping[str, Any]) -> Bound[None]:
    """Changes a product."""
    return _change_product(frozenset(values)).bind(row_id=product_id, **new(values))

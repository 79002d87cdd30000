"""Reading products: who sees which, with what they may know of it, in all orders. What a
product's secrets are, no statement here selects."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, String, bindparam, case, func, literal_column, null, select
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.pages import PageRequest
from core.wording import Bound
from models.base import (
    PageShape,
    Query,
    Viewer,
    among,
    keyset_shape,
    keyset_values,
    only,
    page_shape,
    viewer_id,
    viewer_of,
)
from models.catalogue.tables import AuctionStatus, Product, ProductCondition, ProductKind

_STATEMENTS = 1_000


class ProductSort(StrEnum):
    """The orders of a list of products."""

    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    ENDING_SOONEST = "ENDING_SOONEST"
    MOST_BIDS = "MOST_BIDS"


@dataclass(frozen=True, slots=True)
class ProductWishes:
    """Which products a list holds; None and empty mean any. Prices are minor units of
    `currency`."""

    kind: ProductKind | None = None
    category_id: UUID | None = None
    subcategory_id: UUID | None = None
    seller_id: UUID | None = None
    conditions: tuple[ProductCondition, ...] = ()
    currency: str | None = None
    price_min_minor: int | None = None
    price_max_minor: int | None = None
    title: str | None = None


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


@cache
def _all_columns(viewer: Viewer) -> Query:
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


def _visible_to(viewer: Viewer, columns: Columns, *needed: str) -> Query:
    """The products that the viewer may see, with what they may know of each: active ones; admins
    all. Reserve and thresholds are the seller's (spec/03-auctions.md#catalogue). Run it with
    `viewer`."""
    return only(_all_columns(viewer), columns, "id", "kind", *needed)


@lru_cache(_STATEMENTS)
def _of_ids(viewer: Viewer, columns: Columns) -> Query:
    return _visible_to(viewer, columns).where(among(col(Product.id)))


def products_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[Any]:
    """These products, as far as the viewer may see them."""
    values = {"viewer": actor.user_id, "ids": ids}
    return Bound(_of_ids(viewer_of(actor), columns), values)


def _condition(name: str) -> Any:
    if name == "conditions":
        return among(col(Product.condition), "conditions")
    if name == "price_min_minor":
        return col(Product.price_minor) >= bindparam(name, type_=BigInteger)
    if name == "price_max_minor":
        return col(Product.price_minor) <= bindparam(name, type_=BigInteger)
    column: Any = getattr(Product, name)
    if name == "title":
        return column.ilike(bindparam(name, type_=String), escape="/")
    return column == bindparam(name, type_=column.type)


def _wished(wishes: ProductWishes) -> dict[str, Any]:
    """The conditions that are asked for, and the values of each."""
    asked = {name: getattr(wishes, name) for name in _WISHES}
    values = {name: value for name, value in asked.items() if value not in (None, ())}
    if wishes.title is not None:
        escaped = wishes.title
        for special in "/%_":
            escaped = escaped.replace(special, f"/{special}")
        values["title"] = f"%{escaped}%"
    return values


_WISHES = [field.name for field in fields(ProductWishes)]


def _sort_columns(sort: ProductSort) -> tuple[list[str], bool]:
    if sort is ProductSort.NEWEST:
        return ["id"], True
    if sort is ProductSort.MOST_BIDS:
        return ["bid_count", "id"], True
    if sort is ProductSort.ENDING_SOONEST:
        return ["ends_at", "id"], False
    return ["currency", "price_minor", "id"], sort is ProductSort.PRICE_DESC


def sort_key(sort: ProductSort, row: Any) -> tuple[Any, ...]:
    """The values that place a row in its list."""
    return tuple(row[name] for name in _sort_columns(sort)[0])


def _listed(statement: Query, wished: tuple[str, ...], sort: ProductSort) -> Query:
    statement = statement.where(*map(_condition, wished))
    if sort is ProductSort.ENDING_SOONEST:
        # Only what still runs has an end to wait for.
        statement = statement.where(_undecided(), col(Product.ends_at) > func.statement_timestamp())
    return statement


@lru_cache(_STATEMENTS)
def _page(
    viewer: Viewer, columns: Columns, wished: tuple[str, ...], sort: ProductSort, shape: PageShape
) -> Query:
    names, descending = _sort_columns(sort)
    listed = _listed(_visible_to(viewer, columns, *names), wished, sort)
    keys = [getattr(Product, name) for name in names]
    return keyset_shape(listed, keys, shape, descending=descending)


def product_page(
    actor: Actor,
    wishes: ProductWishes,
    sort: ProductSort,
    page: PageRequest,
    columns: Columns = None,
) -> Bound[Any]:
    """One page of products in an order; prices of different currencies are ordered by currency
    first, because they cannot be compared."""
    wished = _wished(wishes)
    statement = _page(viewer_of(actor), columns, tuple(wished), sort, page_shape(page))
    keys = [getattr(Product, name) for name in _sort_columns(sort)[0]]
    places = keyset_values(keys, page, f"products:{sort}", columns)
    return Bound(statement, {"viewer": actor.user_id, **wished, **places})


@lru_cache(_STATEMENTS)
def _count(viewer: Viewer, wished: tuple[str, ...], sort: ProductSort) -> Query:
    listed = _listed(_visible_to(viewer, frozenset()), wished, sort).subquery()
    return select(func.count()).select_from(listed)


def product_count(actor: Actor, wishes: ProductWishes, sort: ProductSort) -> Bound[Any]:
    """How many products the list holds."""
    wished = _wished(wishes)
    return Bound(_count(viewer_of(actor), tuple(wished), sort), {"viewer": actor.user_id, **wished})

"""Reading and writing the catalogue: who sees which category and product, pages, and the writes of
resolvers/catalogue. What a product's secrets are, no statement here selects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, func, insert, literal, null, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from auth.actor import Actor
from core.database import Bound
from core.pages import PageRequest
from models.base import Query, keyset_page
from models.catalogue import (
    AuctionStatus,
    Category,
    Product,
    ProductCondition,
    ProductKind,
    Subcategory,
    SubcategoryGroup,
)

CATEGORIES_BY_TITLE = "categories:title"
SUBCATEGORIES_BY_NAME = "subcategories:name"


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


def categories_visible_to(actor: Actor) -> Query:
    """The categories that the viewer may see: active ones, admins all."""
    statement: Query = select(
        col(Category.id), col(Category.title), col(Category.subtitle), col(Category.image_url)
    )
    return statement if actor.is_admin else statement.where(col(Category.is_active))


def subcategories_visible_to(actor: Actor) -> Query:
    """The subcategories that the viewer may see: active ones of active categories, admins all."""
    statement: Query = select(
        col(Subcategory.id),
        col(Subcategory.category_id),
        col(Subcategory.name),
        col(Subcategory.group_name),
    )
    if actor.is_admin:
        return statement
    return statement.join(Category, col(Category.id) == col(Subcategory.category_id)).where(
        col(Subcategory.is_active), col(Category.is_active)
    )


def status_now() -> Any:
    """An auction's status at the time of reading: what the row says, moved on by the clock, as
    models/auctions/writing.Auction.status_at does for a locked one."""
    now = func.statement_timestamp()
    return case(
        (
            col(Product.status).not_in([AuctionStatus.SCHEDULED, AuctionStatus.OPEN]),
            col(Product.status),
        ),
        (now < col(Product.starts_at), AuctionStatus.SCHEDULED.value),
        (now < col(Product.ends_at), AuctionStatus.OPEN.value),
        (col(Product.status).is_not(None), AuctionStatus.ENDED.value),
    )


def _sellers_only(actor_is_admin: bool, anonymous: bool, column: Any) -> Any:
    # What only the seller and admins may know is null for everybody else already in the statement.
    if actor_is_admin:
        return column
    if anonymous:
        return null()
    return case((col(Product.seller_id) == bindparam("viewer", type_=Uuid), column))


@cache
def _products(is_admin: bool, anonymous: bool) -> Query:
    # Built once for each kind of viewer: with so many columns, building it costs more than running.
    def secret(column: Any) -> Any:
        return _sellers_only(is_admin, anonymous, column)

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
    return statement if is_admin else statement.where(col(Product.is_active))


def products_visible_to(actor: Actor) -> Query:
    """The products that the viewer may see, with what they may know of each: active ones; admins
    all. Reserve and thresholds are the seller's (spec/03-auctions.md#catalogue). Run it with
    `viewer`: see `_for`."""
    return _products(actor.is_admin, actor.is_anonymous)


def _for(actor: Actor, statement: Query, **values: Any) -> Bound:
    return Bound(statement, {"viewer": actor.user_id, **values})


@cache
def _products_of_ids(is_admin: bool, anonymous: bool) -> Query:
    return _products(is_admin, anonymous).where(
        col(Product.id).in_(bindparam("ids", expanding=True))
    )


def products_by_ids(actor: Actor, ids: Sequence[UUID]) -> Bound:
    """These products, as far as the viewer may see them."""
    return _for(actor, _products_of_ids(actor.is_admin, actor.is_anonymous), ids=list(ids))


def by_ids(statement: Query, table: Any, ids: Sequence[UUID]) -> Query:
    """The rows of these ids among those the statement shows."""
    return statement.where(table.id.in_(ids))


def _wished(statement: Query, wishes: ProductWishes) -> Query:
    equal = (
        (Product.kind, wishes.kind),
        (Product.category_id, wishes.category_id),
        (Product.subcategory_id, wishes.subcategory_id),
        (Product.seller_id, wishes.seller_id),
        (Product.currency, wishes.currency),
    )
    for column, value in equal:
        if value is not None:
            statement = statement.where(col(column) == value)
    if wishes.conditions:
        statement = statement.where(col(Product.condition).in_(wishes.conditions))
    if wishes.price_min_minor is not None:
        statement = statement.where(col(Product.price_minor) >= wishes.price_min_minor)
    if wishes.price_max_minor is not None:
        statement = statement.where(col(Product.price_minor) <= wishes.price_max_minor)
    if wishes.title is not None:
        statement = statement.where(col(Product.title).icontains(wishes.title, autoescape=True))
    return statement


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
    return tuple(getattr(row, name) for name in _sort_columns(sort)[0])


def _listed(actor: Actor, wishes: ProductWishes, sort: ProductSort) -> Query:
    statement = _wished(products_visible_to(actor), wishes)
    if sort is ProductSort.ENDING_SOONEST:
        # Only what still runs has an end to wait for.
        statement = statement.where(
            col(Product.status).in_([AuctionStatus.SCHEDULED, AuctionStatus.OPEN]),
            col(Product.ends_at) > func.statement_timestamp(),
        )
    return statement


def product_page(
    actor: Actor, wishes: ProductWishes, sort: ProductSort, page: PageRequest
) -> Bound:
    """One page of products in an order; prices of different currencies are ordered by currency
    first, because they cannot be compared."""
    names, descending = _sort_columns(sort)
    columns = [getattr(Product, name) for name in names]
    listed = _listed(actor, wishes, sort)
    order = f"products:{sort}"
    return _for(actor, keyset_page(listed, columns, page, order, descending=descending))


def product_count(actor: Actor, wishes: ProductWishes, sort: ProductSort) -> Bound:
    """How many products the list holds."""
    listed = _listed(actor, wishes, sort).with_only_columns(col(Product.id)).subquery()
    return _for(actor, select(func.count()).select_from(listed))


def category_page(actor: Actor, title: str | None, page: PageRequest) -> Query:
    """One page of categories by title; `title` is a part of it."""
    return keyset_page(
        _categories(actor, title),
        [Category.title, Category.id],
        page,
        CATEGORIES_BY_TITLE,
        descending=False,
    )


def _categories(actor: Actor, title: str | None) -> Query:
    statement = categories_visible_to(actor)
    if title is not None:
        statement = statement.where(col(Category.title).icontains(title, autoescape=True))
    return statement


def category_count(actor: Actor, title: str | None) -> Query:
    """How many categories the list holds."""
    return select(func.count()).select_from(_categories(actor, title).subquery())


@dataclass(frozen=True, slots=True)
class SubcategoryWishes:
    """Which subcategories a list holds; None means any."""

    category_id: UUID | None = None
    name: str | None = None
    group: SubcategoryGroup | None = None


def _subcategories(actor: Actor, wishes: SubcategoryWishes) -> Query:
    statement = subcategories_visible_to(actor)
    if wishes.category_id is not None:
        statement = statement.where(col(Subcategory.category_id) == wishes.category_id)
    if wishes.name is not None:
        statement = statement.where(col(Subcategory.name).icontains(wishes.name, autoescape=True))
    if wishes.group is not None:
        statement = statement.where(col(Subcategory.group_name) == wishes.group)
    return statement


def subcategory_page(actor: Actor, wishes: SubcategoryWishes, page: PageRequest) -> Query:
    """One page of subcategories by name."""
    return keyset_page(
        _subcategories(actor, wishes),
        [Subcategory.name, Subcategory.id],
        page,
        SUBCATEGORIES_BY_NAME,
        descending=False,
    )


def subcategory_count(actor: Actor, wishes: SubcategoryWishes) -> Query:
    """How many subcategories the list holds."""
    return select(func.count()).select_from(_subcategories(actor, wishes).subquery())


def subcategory_pages(actor: Actor, category_ids: Sequence[UUID], page: PageRequest) -> Query:
    """The same page of the subcategories of many categories in one statement."""
    parents = select(
        func.unnest(literal(list(category_ids), ARRAY(Uuid))).label("parent_id")
    ).subquery()
    part = keyset_page(
        subcategories_visible_to(actor).where(col(Subcategory.category_id) == parents.c.parent_id),
        [Subcategory.name, Subcategory.id],
        page,
        SUBCATEGORIES_BY_NAME,
        descending=False,
    ).lateral()
    return select(part).select_from(parents.join(part, true()))


def subcategory_counts(actor: Actor, category_ids: Sequence[UUID]) -> Query:
    """How many subcategories each category shows."""
    shown = (
        subcategories_visible_to(actor)
        .where(col(Subcategory.category_id).in_(category_ids))
        .subquery()
    )
    return select(shown.c.category_id, func.count()).group_by(shown.c.category_id)


def insert_row(table: Any, values: dict[str, Any]) -> Any:
    """Writes a category, subcategory or product."""
    return insert(table).values(**values)


def update_row(table: Any, row_id: UUID, values: dict[str, Any]) -> Any:
    """Changes a category, subcategory or product; counts the rows it found."""
    return update(table).where(table.id == row_id).values(**values)


def locked(table: Any, row_id: UUID) -> Query:
    """Locks a category or subcategory and tells whether it is active."""
    return (
        select(table.id, table.is_active).where(table.id == row_id).with_for_update(key_share=True)
    )


def active_products_in(column: Any, row_id: UUID) -> Query:
    """How many active products a category or subcategory has."""
    return select(func.count()).where(col(column) == row_id, col(Product.is_active))


def active_place(category_id: UUID, subcategory_id: UUID) -> Query:
    """Whether an active category and an active subcategory of these ids exist and the one belongs
    to the other; holds both until the transaction ends, so that neither is deleted meanwhile."""
    return (
        select(col(Category.id), (col(Subcategory.category_id) == category_id).label("belongs"))
        .join(Subcategory, col(Subcategory.id) == subcategory_id)
        .where(
            col(Category.id) == category_id,
            col(Category.is_active),
            col(Subcategory.is_active),
        )
        .with_for_update(read=True)
    )


def lock_for_edit(product_id: UUID) -> Query:
    """Locks a product with everything that decides whether it may be changed."""
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
        .where(col(Product.id) == product_id)
        .with_for_update(key_share=True)
    )


def archived(moment: datetime) -> dict[str, Any]:
    """What a soft delete writes (spec/01-api-conventions.md#who-may-do-what)."""
    return {"is_active": False, "archived_at": moment}

"""Reading categories, and the writes of resolvers/catalogue. Reading products: products.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, true, update
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
    keyset_page,
    keyset_shape,
    keyset_values,
    only,
    page_shape,
    parents_of_pages,
    viewer_of,
)
from models.catalogue.tables import Category, Product, Subcategory, SubcategoryGroup

CATEGORIES_BY_TITLE = "categories:title"
SUBCATEGORIES_BY_NAME = "subcategories:name"

_BY_NAME = [col(Subcategory.name), col(Subcategory.id)]
_STATEMENTS = 1_000


@cache
def _categories_shown(viewer: Viewer) -> Query:
    statement: Query = select(
        col(Category.id), col(Category.title), col(Category.subtitle), col(Category.image_url)
    )
    return statement if viewer.is_admin else statement.where(col(Category.is_active))


def categories_visible_to(actor: Actor) -> Query:
    """The categories that the viewer may see: active ones, admins all."""
    return _categories_shown(viewer_of(actor))


@cache
def _subcategories_shown(viewer: Viewer) -> Query:
    statement: Query = select(
        col(Subcategory.id),
        col(Subcategory.category_id),
        col(Subcategory.name),
        col(Subcategory.group_name),
    )
    if viewer.is_admin:
        return statement
    return statement.join(Category, col(Category.id) == col(Subcategory.category_id)).where(
        col(Subcategory.is_active), col(Category.is_active)
    )


def subcategories_visible_to(actor: Actor) -> Query:
    """The subcategories that the viewer may see: active ones of active categories, admins all."""
    return _subcategories_shown(viewer_of(actor))


@lru_cache(_STATEMENTS)
def _categories_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_categories_shown(viewer), columns, "id").where(among(col(Category.id)))


def categories_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound:
    """These categories, as far as the viewer may see them."""
    return Bound(_categories_of_ids(viewer_of(actor), columns), {"ids": ids})


@lru_cache(_STATEMENTS)
def _subcategories_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_subcategories_shown(viewer), columns, "id").where(among(col(Subcategory.id)))


def subcategories_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound:
    """These subcategories, as far as the viewer may see them."""
    return Bound(_subcategories_of_ids(viewer_of(actor), columns), {"ids": ids})


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
        _BY_NAME,
        page,
        SUBCATEGORIES_BY_NAME,
        descending=False,
    )


def subcategory_count(actor: Actor, wishes: SubcategoryWishes) -> Query:
    """How many subcategories the list holds."""
    return select(func.count()).select_from(_subcategories(actor, wishes).subquery())


@lru_cache(_STATEMENTS)
def _subcategory_pages(viewer: Viewer, shape: PageShape, columns: Columns) -> Query:
    parents = parents_of_pages()
    part = keyset_shape(
        only(_subcategories_shown(viewer), columns, "id", "name", "category_id").where(
            col(Subcategory.category_id) == parents.c.parent_id
        ),
        _BY_NAME,
        shape,
        descending=False,
    ).lateral()
    return select(part).select_from(parents.join(part, true()))


def subcategory_pages(
    actor: Actor, category_ids: Sequence[UUID], page: PageRequest, columns: Columns = None
) -> Bound:
    """The same page of the subcategories of many categories in one statement."""
    statement = _subcategory_pages(viewer_of(actor), page_shape(page), columns)
    values = keyset_values(_BY_NAME, page, SUBCATEGORIES_BY_NAME, columns)
    return Bound(statement, {"parents": category_ids, **values})


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
    """A category or subcategory as it is, locked."""
    return select(table.__table__).where(table.id == row_id).with_for_update(key_share=True)


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

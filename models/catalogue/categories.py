"""Categories and subcategories: who sees which, their lists, and what writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from auth.actor import Actor
from core.commands import Filter, IdOf, Marker, SearchText
from core.database import Columns
from core.wording import Bound, Row
from models.base import Query, Viewer, among, only, viewer_of
from models.catalogue.tables import Category, Product, Subcategory, SubcategoryGroup
from models.lists import Condition, Listed, Order, contains
from models.statements import given, inserting, new, rows_of, setting, value_of, written


class CategoryRow(Row):
    """A category as its viewer sees it."""

    id: UUID
    title: str
    subtitle: str | None
    image_url: str | None


class SubcategoryRow(Row):
    """A subcategory as its viewer sees it."""

    id: UUID
    category_id: UUID
    name: str
    group_name: SubcategoryGroup


class LockedCategory(Row):
    """A category as it is, locked."""

    id: UUID
    title: str
    subtitle: str | None
    image_url: str | None
    created_at: datetime
    is_active: bool
    archived_at: datetime | None


class LockedSubcategory(Row):
    """A subcategory as it is, locked."""

    id: UUID
    category_id: UUID
    name: str
    group_name: SubcategoryGroup
    created_at: datetime
    is_active: bool
    archived_at: datetime | None


class Place(Row):
    """A category, and whether a subcategory belongs to it."""

    id: UUID
    belongs: bool


class CategoryFilter(Filter):
    """Which categories a list holds; all conditions hold together."""

    title: Annotated[SearchText, Marker.ARGUMENT, "Only those with this in their title."] = None


class SubcategoryFilter(Filter):
    """Which subcategories a list holds; all conditions hold together."""

    category_id: Annotated[UUID | None, IdOf("cat"), "Only those of this category."] = None
    name: Annotated[SearchText, "A part of the name."] = None
    group: Annotated[SubcategoryGroup | None, "Only those of this group."] = None


def _categories_shown(viewer: Viewer) -> Query:
    """The categories that the viewer may see: active ones, admins all."""
    statement: Query = select(
        col(Category.id), col(Category.title), col(Category.subtitle), col(Category.image_url)
    )
    return statement if viewer.is_admin else statement.where(col(Category.is_active))


def _subcategories_shown(viewer: Viewer) -> Query:
    """The subcategories that the viewer may see: active ones of active categories, admins all."""
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


@rows_of(CategoryRow)
def _categories_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_categories_shown(viewer), columns, "id").where(among(col(Category.id)))


def categories_by_ids(
    actor: Actor, ids: Sequence[UUID], columns: Columns = None
) -> Bound[CategoryRow]:
    """These categories, as far as the viewer may see them."""
    return _categories_of_ids(viewer_of(actor), columns).bind(ids=ids)


@rows_of(SubcategoryRow)
def _subcategories_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_subcategories_shown(viewer), columns, "id").where(among(col(Subcategory.id)))


def subcategories_by_ids(
    actor: Actor, ids: Sequence[UUID], columns: Columns = None
) -> Bound[SubcategoryRow]:
    """These subcategories, as far as the viewer may see them."""
    return _subcategories_of_ids(viewer_of(actor), columns).bind(ids=ids)


CATEGORIES = Listed(
    CategoryRow,
    _categories_shown,
    {None: Order("categories:title", (col(Category.title), col(Category.id)))},
    conditions={"title": contains(col(Category.title), "title")},
)
SUBCATEGORIES = Listed(
    SubcategoryRow,
    _subcategories_shown,
    {None: Order("subcategories:name", (col(Subcategory.name), col(Subcategory.id)))},
    conditions={
        "category_id": Condition(
            col(Subcategory.category_id) == given("category_id", Subcategory.category_id)
        ),
        "name": contains(col(Subcategory.name), "name"),
        "group": Condition(col(Subcategory.group_name) == given("group", Subcategory.group_name)),
    },
    parent=col(Subcategory.category_id),
)


@rows_of(LockedCategory)
def _lock_category() -> Query:
    table = Category.__table__  # type: ignore[attr-defined]  # SQLModel makes it
    return (
        select(table)
        .where(col(Category.id) == given("id", Category.id))
        .with_for_update(key_share=True)
    )


def lock_category(category_id: UUID) -> Bound[LockedCategory]:
    """A category as it is, locked until the transaction ends."""
    return _lock_category().bind(id=category_id)


@rows_of(LockedSubcategory)
def _lock_subcategory() -> Query:
    table = Subcategory.__table__  # type: ignore[attr-defined]  # SQLModel makes it
    return (
        select(table)
        .where(col(Subcategory.id) == given("id", Subcategory.id))
        .with_for_update(key_share=True)
    )


def lock_subcategory(subcategory_id: UUID) -> Bound[LockedSubcategory]:
    """A subcategory as it is, locked until the transaction ends."""
    return _lock_subcategory().bind(id=subcategory_id)


@written
def _add_category(names: frozenset[str]) -> Any:
    return inserting(Category, names)


def add_category(values: Mapping[str, Any]) -> Bound[None]:
    """Writes a category."""
    return _add_category(frozenset(values)).bind(**new(values))


@written
def _add_subcategory(names: frozenset[str]) -> Any:
    return inserting(Subcategory, names)


def add_subcategory(values: Mapping[str, Any]) -> Bound[None]:
    """Writes a subcategory."""
    return _add_subcategory(frozenset(values)).bind(**new(values))


@written
def _change_category(names: frozenset[str]) -> Any:
    return setting(Category, names).where(col(Category.id) == given("row_id", Category.id))


def change_category(category_id: UUID, values: Mapping[str, Any]) -> Bound[None]:
    """Changes a category."""
    return _change_category(frozenset(values)).bind(row_id=category_id, **new(values))


@written
def _change_subcategory(names: frozenset[str]) -> Any:
    return setting(Subcategory, names).where(col(Subcategory.id) == given("row_id", Subcategory.id))


def change_subcategory(subcategory_id: UUID, values: Mapping[str, Any]) -> Bound[None]:
    """Changes a subcategory."""
    return _change_subcategory(frozenset(values)).bind(row_id=subcategory_id, **new(values))


@value_of(int)
def _products_in_category() -> Query:
    category = col(Product.category_id) == given("id", Product.category_id)
    return select(func.count()).where(category, col(Product.is_active))


def products_in_category(category_id: UUID) -> Bound[int]:
    """How many active products a category has."""
    return _products_in_category().bind(id=category_id)


@value_of(int)
def _products_in_subcategory() -> Query:
    subcategory = col(Product.subcategory_id) == given("id", Product.subcategory_id)
    return select(func.count()).where(subcategory, col(Product.is_active))


def products_in_subcategory(subcategory_id: UUID) -> Bound[int]:
    """How many active products a subcategory has."""
    return _products_in_subcategory().bind(id=subcategory_id)


@rows_of(Place)
def _active_place() -> Query:
    category_id = given("category_id", Category.id)
    return (
        select(col(Category.id), (col(Subcategory.category_id) == category_id).label("belongs"))
        .join(Subcategory, col(Subcategory.id) == given("subcategory_id", Subcategory.id))
        .where(
            col(Category.id) == category_id,
            col(Category.is_active),
            col(Subcategory.is_active),
        )
        .with_for_update(read=True)
    )


def active_place(category_id: UUID, subcategory_id: UUID) -> Bound[Place]:
    """Whether an active category and an active subcategory of these ids exist and the one belongs
    to the other; holds both until the transaction ends, so that neither is deleted meanwhile."""
    return _active_place().bind(category_id=category_id, subcategory_id=subcategory_id)

"""Reading the catalogue: pages and loaders. Every statement starts from what the actor may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Columns, Database
from core.pages import Page, PageRequest
from models.catalogue import products
from models.catalogue import statements as sql
from models.catalogue.products import ProductSort, ProductWishes
from models.catalogue.statements import SubcategoryWishes
from resolvers.pages import in_order, one_page, pages_of_parents


def _title_key(row: Any) -> tuple[str, UUID]:
    return row.title, row.id


def _name_key(row: Any) -> tuple[str, UUID]:
    return row.name, row.id


async def categories_by_id(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[Any | None]:
    """Loader: categories."""
    return in_order(await database.rows(sql.categories_by_ids(actor, ids, columns)), ids)


async def subcategories_by_id(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[Any | None]:
    """Loader: subcategories."""
    return in_order(await database.rows(sql.subcategories_by_ids(actor, ids, columns)), ids)


async def products_by_id(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[Any | None]:
    """Loader: products."""
    return in_order(await database.rows(products.products_by_ids(actor, ids, columns)), ids)


async def subcategory_pages(
    database: Database,
    actor: Actor,
    keys: list[tuple[UUID, PageRequest]],
    columns: Columns = None,
) -> Sequence[Page[Any]]:
    """Loader: a page of subcategories for each pair of category and page; one statement for all
    categories that want the same page."""
    return await pages_of_parents(
        database,
        keys,
        lambda ids, page: sql.subcategory_pages(actor, ids, page, columns),
        "category_id",
        sql.SUBCATEGORIES_BY_NAME,
        _name_key,
    )


async def subcategory_counts(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[int]:
    """Loader: how many subcategories each category shows."""
    counts = {row[0]: row[1] for row in await database.rows(sql.subcategory_counts(actor, ids))}
    return [counts.get(id, 0) for id in ids]


async def list_categories(
    database: Database, actor: Actor, title: str | None, page: PageRequest
) -> Page[Any]:
    """A page of categories by title."""
    rows = await database.rows(sql.category_page(actor, title, page))
    return one_page(rows, page, sql.CATEGORIES_BY_TITLE, _title_key)


async def count_categories(database: Database, actor: Actor, title: str | None) -> int:
    """How many categories the list holds."""
    return int(await database.scalar(sql.category_count(actor, title)))


async def list_subcategories(
    database: Database, actor: Actor, wishes: SubcategoryWishes, page: PageRequest
) -> Page[Any]:
    """A page of subcategories by name."""
    rows = await database.rows(sql.subcategory_page(actor, wishes, page))
    return one_page(rows, page, sql.SUBCATEGORIES_BY_NAME, _name_key)


async def count_subcategories(database: Database, actor: Actor, wishes: SubcategoryWishes) -> int:
    """How many subcategories the list holds."""
    return int(await database.scalar(sql.subcategory_count(actor, wishes)))


async def list_products(
    database: Database,
    actor: Actor,
    wishes: ProductWishes,
    sort: ProductSort,
    page: PageRequest,
    columns: Columns = None,
) -> Page[Any]:
    """A page of products in an order (spec/01-api-conventions.md#lists)."""
    rows = await database.rows(products.product_page(actor, wishes, sort, page, columns))
    return one_page(rows, page, f"products:{sort}", lambda row: products.sort_key(sort, row))


async def count_products(
    database: Database, actor: Actor, wishes: ProductWishes, sort: ProductSort
) -> int:
    """How many products the list holds."""
    return int(await database.scalar(products.product_count(actor, wishes, sort)))

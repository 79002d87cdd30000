"""Reading the catalogue: pages and loaders. Every statement starts from what the actor may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Columns, Database
from core.pages import Page, PageRequest
from models.catalogue import products
from models.catalogue.products import ProductSort, ProductWishes
from resolvers.pages import in_order, one_page


async def products_by_id(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[Any | None]:
    """Loader: products."""
    return in_order(await database.rows(products.products_by_ids(actor, ids, columns)), ids)


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
    return await database.count(products.product_count(actor, wishes, sort))

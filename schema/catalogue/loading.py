"""The loaders of the catalogue: which rows, and which objects are made of them."""

from functools import partial
from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Database
from core.pages import Page, PageRequest
from resolvers.catalogue import reading
from schema.catalogue.types import Category, Subcategory, product_of
from schema.context import Loader
from schema.nodes import connection_of


async def _subcategory_pages(
    database: Database, actor: Actor, keys: list[tuple[UUID, PageRequest]]
) -> list[tuple[Page[Any], Any]]:
    pages = await reading.subcategory_pages(database, actor, keys)

    async def count(category_id: UUID) -> int:
        return (await reading.subcategory_counts(database, actor, [category_id]))[0]

    return [(page, partial(count, key[0])) for page, key in zip(pages, keys, strict=True)]


def _subcategory_connection(found: tuple[Page[Any], Any], actor: Actor) -> Any:
    page, counter = found
    return connection_of(page, [Subcategory.of(row, actor) for row in page.rows], counter)


LOADERS = {
    "category": Loader(reading.categories_by_id, Category.of),
    "subcategory": Loader(reading.subcategories_by_id, Subcategory.of),
    "product": Loader(reading.products_by_id, product_of),
    "category_subcategories": Loader(_subcategory_pages, _subcategory_connection),
}
NODES = {"cat": "category", "sub": "subcategory", "prd": "product"}

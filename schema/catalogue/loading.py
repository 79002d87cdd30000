"""The loaders of the catalogue: which rows, and which objects are made of them."""

from graph.connections import count_loader, paged_loader
from graph.loading import Loader
from resolvers.catalogue import reading
from schema.catalogue.types import Category, Subcategory, product_of

LOADERS = {
    "category": Loader(reading.categories_by_id, Category.of, by_columns=True),
    "subcategory": Loader(reading.subcategories_by_id, Subcategory.of, by_columns=True),
    "product": Loader(reading.products_by_id, product_of, by_columns=True),
    "category_subcategories": paged_loader(
        reading.subcategory_pages, Subcategory.of, "subcategory_count", by_columns=True
    ),
    "subcategory_count": count_loader(reading.subcategory_counts),
}
NODES = {"cat": "category", "sub": "subcategory", "prd": "product"}

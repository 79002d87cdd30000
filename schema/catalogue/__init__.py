"""The catalogue as clients see it: categories, products of both kinds, and what is done to them."""

import strawberry

from graph.domain import gather
from schema.catalogue import categories, types
from schema.catalogue.errors import HANDLERS
from schema.catalogue.loading import LOADERS, NODES
from schema.catalogue.mutations import ProductMutation
from schema.catalogue.queries import ProductQuery
from schema.catalogue.types import (
    AuctionProduct,
    Category,
    FixedPriceProduct,
    Product,
    Subcategory,
    product_of,
)


@strawberry.type
class Query(ProductQuery):
    """All reading of the catalogue."""


@strawberry.type
class Mutation(ProductMutation):
    """All writing of the catalogue."""


DOMAIN = gather("catalogue", types, categories)
TYPES = (FixedPriceProduct, AuctionProduct)

__all__ = [
    "DOMAIN",
    "HANDLERS",
    "LOADERS",
    "NODES",
    "TYPES",
    "AuctionProduct",
    "Category",
    "FixedPriceProduct",
    "Mutation",
    "Product",
    "Query",
    "Subcategory",
    "product_of",
]

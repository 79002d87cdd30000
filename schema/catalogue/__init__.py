"""The catalogue as clients see it: categories, products of both kinds, and what is done to them."""

from graph.domain import gather
from schema.catalogue import categories, errors, products, types
from schema.catalogue.types import Product

DOMAIN = gather("catalogue", types, categories, products)
HANDLERS = errors.HANDLERS

__all__ = ["DOMAIN", "HANDLERS", "Product"]

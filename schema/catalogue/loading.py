"""The loaders of the catalogue: which rows, and which objects are made of them."""

from graph.loading import Loader
from resolvers.catalogue import reading
from schema.catalogue.types import product_of

LOADERS = {"product": Loader(reading.products_by_id, product_of, by_columns=True)}
NODES = {"prd": "product"}

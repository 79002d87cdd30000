"""Customers as clients see them. Holds no rule: resolvers/customers does."""

import strawberry

from graph.loading import Loader
from resolvers.customers.keeping import PREFIX
from resolvers.customers.reading import customers_by_ids
from schema.customers.deletion import DeletionMutation
from schema.customers.mutations import CustomerMutation
from schema.customers.queries import CustomerQuery
from schema.customers.types import Customer

__all__ = ["LOADERS", "NODES", "TYPES", "Customer", "Mutation", "Query"]


@strawberry.type
class Query(CustomerQuery):
    """Reading."""


@strawberry.type
class Mutation(CustomerMutation, DeletionMutation):
    """Writing."""


LOADERS = {"customer": Loader(customers_by_ids, Customer.of)}
NODES = {PREFIX: "customer"}
TYPES = [Customer]

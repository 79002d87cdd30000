"""Customers as clients see them. Holds no rule: resolvers/customers does."""

from graph.domain import gather
from schema.customers import customers, deletion, types

DOMAIN = gather("customers", types, customers, deletion)

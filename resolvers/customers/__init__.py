"""Customers: keeping them, and deleting them (spec/02-identity.md#customers-seed-002). Knows
nothing of GraphQL or HTTP."""

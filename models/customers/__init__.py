"""Customers: tables and statements, a file a feature."""

from models.customers.tables import Customer, CustomerDeletion

__all__ = ["Customer", "CustomerDeletion"]

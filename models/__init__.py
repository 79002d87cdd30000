"""What is stored: tables, constraints and statements, one module a domain. Importing the package
registers every table, so that migrations see all of them."""

from models import auctions, audit, catalogue, customers, events, idempotency, media
from models.identity import api_keys, groups, oidc, second_factors, sessions, users

__all__ = [
    "api_keys",
    "auctions",
    "audit",
    "catalogue",
    "customers",
    "events",
    "groups",
    "idempotency",
    "media",
    "oidc",
    "second_factors",
    "sessions",
    "users",
]

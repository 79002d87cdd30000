"""What is stored: tables, constraints and statements, one module a domain. Importing the package
registers every table, so that migrations see all of them."""

from models import auctions, catalogue, events, idempotency, media, sessions, users

__all__ = ["auctions", "catalogue", "events", "idempotency", "media", "sessions", "users"]

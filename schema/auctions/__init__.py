"""Auctions as clients see them: bids, bidding, watching live, and second chances."""

from graph.domain import gather
from schema.auctions import auctions, bids, cancelling, errors, events, second_chances, types

DOMAIN = gather("auctions", types, auctions, bids, cancelling, second_chances, events)
HANDLERS = errors.HANDLERS

__all__ = ["DOMAIN", "HANDLERS"]

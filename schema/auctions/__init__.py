"""Auctions as clients see them: bids, bidding, and watching live."""

from schema.auctions.errors import HANDLERS
from schema.auctions.loading import LOADERS, NODES
from schema.auctions.mutations import Mutation
from schema.auctions.queries import Query
from schema.auctions.subscription import Subscription
from schema.auctions.types import Bid

__all__ = ["HANDLERS", "LOADERS", "NODES", "Bid", "Mutation", "Query", "Subscription"]

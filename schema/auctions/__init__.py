"""Auctions as clients see them: bids, bidding, watching live, and second chances."""

import strawberry

from schema.auctions import loading, mutations, queries, second_chance
from schema.auctions.errors import HANDLERS
from schema.auctions.subscription import Subscription
from schema.auctions.types import Bid


@strawberry.type
class Query(queries.Query, second_chance.SecondChanceQuery):
    """All reading of auctions."""


@strawberry.type
class Mutation(mutations.Mutation, second_chance.SecondChanceMutation):
    """All writing of auctions."""


LOADERS = {**loading.LOADERS, **second_chance.LOADERS}
NODES = {**loading.NODES, **second_chance.NODES}

__all__ = ["HANDLERS", "LOADERS", "NODES", "Bid", "Mutation", "Query", "Subscription"]

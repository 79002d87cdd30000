"""Listing auctions, as clients see it."""

from auth.actor import ApiKeyScope
from graph.mutations import mutation
from graph.payloads import Payload, payload
from graph.relations import relation
from resolvers.auctions import auctions as cases
from schema.auctions.types import AuctionProduct


@payload("The auction is listed.")
class CreateAuctionProductPayload(Payload):
    product: AuctionProduct = relation(key="outcome", description="The new auction.")


create_auction_product = mutation(
    cases.create_auction_product,
    CreateAuctionProductPayload,
    scope=ApiKeyScope.WRITE,
    description="Lists an auction. Signed in.",
    doing="listing an auction",
)

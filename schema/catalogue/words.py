"""The enums of the catalogue, described. Whoever shows one imports it from here."""

from graph.enums import described
from models.catalogue import (
    AuctionStatus,
    ProductCondition,
    ProductKind,
    ShippingMethod,
    SubcategoryGroup,
)
from models.catalogue.products import ProductSort

__all__ = [
    "AuctionStatus",
    "ProductCondition",
    "ProductKind",
    "ProductSort",
    "ShippingMethod",
    "SubcategoryGroup",
]

described(
    ProductCondition,
    "In what state the goods are.",
    BRAND_NEW="Unused and in its sealed packaging.",
    NEW="Unused.",
    USED="Used before.",
)
described(
    ShippingMethod,
    "How the goods travel.",
    STANDARD="By ordinary post or parcel.",
    EXPRESS="By a faster service.",
    FREE="At no cost for the buyer.",
)
described(
    AuctionStatus,
    "Where an auction stands.",
    SCHEDULED="It has not started.",
    OPEN="Bids are taken.",
    ENDED="Its time is over and the outcome is about to be recorded.",
    SETTLED="The outcome is recorded: sold, or not.",
    CANCELLED="It was taken back before its end.",
)
described(
    SubcategoryGroup,
    "Where a subcategory is shown.",
    MOST_POPULAR="In the sections for what is popular.",
    MORE="Among the others.",
)
described(
    ProductKind,
    "How a product is sold.",
    FIXED="At a fixed price.",
    AUCTION="To the highest bidder.",
)
described(
    ProductSort,
    "The order of a list of products.",
    NEWEST="The latest listed first.",
    PRICE_ASC="The cheapest first, by what it costs now; currency by currency.",
    PRICE_DESC="The dearest first, by what it costs now; currency by currency.",
    ENDING_SOONEST="Auctions that still run, the next to end first.",
    MOST_BIDS="The one with most bids first.",
)

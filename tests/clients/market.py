"""What most tests of the market do through the schema: make a shelf, list goods, bid."""

from datetime import UTC, datetime, timedelta
from typing import Any

from auth.actor import Role
from tests.clients.client import Client, Souk

MONEY = "{ amount currency }"

CREATE_CATEGORY = """mutation($input: CreateCategoryInput!) { createCategory(input: $input) {
  __typename ... on CreateCategoryPayload { category { id title subtitle imageUrl } }
  ... on UserError { code message path } } }"""

CREATE_SUBCATEGORY = """mutation($input: CreateSubcategoryInput!) {
  createSubcategory(input: $input) {
  __typename ... on CreateSubcategoryPayload { subcategory { id name group category { id } } }
  ... on UserError { code message path } } }"""

AUCTION_FIELDS = f"""id title status bidCount proxyBidding reserveMet startsAt endsAt
  startPrice {MONEY} currentPrice {MONEY} minimumNextBid {MONEY}
  reservePrice {MONEY} buyNowPrice {MONEY} highestBidder {{ id fullname }}"""

CREATE_AUCTION = f"""mutation($input: CreateAuctionProductInput!) {{
  createAuctionProduct(input: $input) {{
  __typename ... on CreateAuctionProductPayload {{ product {{ {AUCTION_FIELDS} }} }}
  ... on UserError {{ code message path }} }} }}"""

CREATE_FIXED = f"""mutation($input: CreateFixedPriceProductInput!) {{
  createFixedPriceProduct(input: $input) {{
  __typename ... on CreateFixedPriceProductPayload {{
    product {{ id title price {MONEY} quantityAvailable acceptOffers }} }}
  ... on UserError {{ code message path }} }} }}"""

PLACE_BID = f"""mutation($input: PlaceBidInput!) {{ placeBid(input: $input) {{
  __typename
  ... on PlaceBidPayload {{ isHighestBidder bid {{ id amount {MONEY} status }}
    product {{ {AUCTION_FIELDS} }} }}
  ... on BidTooLow {{ minimum {MONEY} }}
  ... on AuctionNotOpen {{ status }}
  ... on UserError {{ code message path }} }} }}"""

AUCTION = f"""query($id: ID!) {{ product(id: $id) {{ ... on AuctionProduct {{ {AUCTION_FIELDS}
  bids(first: 100) {{ totalCount nodes {{ id amount {MONEY} status bidder {{ id fullname }} }} }}
}} }} }}"""

WATCH = f"""subscription($id: ID!, $after: String) {{ auction(productId: $id, after: $after) {{
  kind cursor occurredAt product {{ {AUCTION_FIELDS} }}
  bid {{ id amount {MONEY} status bidder {{ id fullname }} }} }} }}"""


def usd(amount: str) -> dict[str, str]:
    """An amount of dollars as clients send it."""
    return {"amount": amount, "currency": "USD"}


def in_future(**delta: float) -> str:
    """A moment so far from now, as clients send it."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


class Market:
    """A server with one category, one subcategory and the goods that a test lists."""

    def __init__(self, souk: Souk, category_id: str, subcategory_id: str) -> None:
        self.souk = souk
        self.category_id = category_id
        self.subcategory_id = subcategory_id

    @classmethod
    async def opened(cls, souk: Souk) -> "Market":
        """The market of a server: its shelf is made by an admin."""
        admin = await souk.member("Ada Admin", Role.ADMIN)
        made = await admin.run(CREATE_CATEGORY, input={"title": "Electronics"})
        category_id = made["createCategory"]["category"]["id"]
        made = await admin.run(
            CREATE_SUBCATEGORY, input={"categoryId": category_id, "name": "Handhelds"}
        )
        return cls(souk, category_id, made["createSubcategory"]["subcategory"]["id"])

    def goods(self, **changes: Any) -> dict[str, Any]:
        """The input that both kinds of product share."""
        return {
            "title": "Palm Vx",
            "description": "Works; a scratch on the back.",
            "condition": "USED",
            "categoryId": self.category_id,
            "subcategoryId": self.subcategory_id,
            "shippingMethod": "STANDARD",
            **changes,
        }

    async def auction(self, seller: Client, **changes: Any) -> dict[str, Any]:
        """A listed auction: from 10 dollars, for a day, unless changed."""
        auction = {"startPrice": usd("10.00"), "endsAt": in_future(days=1), **changes}
        made = await seller.run(CREATE_AUCTION, input=self.goods(**auction))
        result = made["createAuctionProduct"]
        assert result["__typename"] == "CreateAuctionProductPayload", result
        product: dict[str, Any] = result["product"]
        return product

    async def fixed(self, seller: Client, **changes: Any) -> dict[str, Any]:
        """A listed product at a fixed price: 25 dollars unless changed."""
        made = await seller.run(
            CREATE_FIXED, input=self.goods(**{"price": usd("25.00"), **changes})
        )
        result = made["createFixedPriceProduct"]
        assert result["__typename"] == "CreateFixedPriceProductPayload", result
        product: dict[str, Any] = result["product"]
        return product

    async def bid(
        self, bidder: Client, product_id: str, amount: str, key: str | None = None
    ) -> dict[str, Any]:
        """The result of a bid in dollars: a payload or a typed error."""
        bid: dict[str, Any] = {"productId": product_id, "amount": usd(amount)}
        if key is not None:
            bid["idempotencyKey"] = key
        result: dict[str, Any] = (await bidder.run(PLACE_BID, input=bid))["placeBid"]
        return result

    async def look(self, viewer: Client, product_id: str) -> dict[str, Any]:
        """An auction and its history as a viewer sees it."""
        product: dict[str, Any] = (await viewer.run(AUCTION, id=product_id))["product"]
        return product

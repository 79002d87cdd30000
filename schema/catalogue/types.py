"""Categories and products as clients see them. Made of rows; no rule and no SQL here. What an
auction is, schema/auctions says."""

from datetime import datetime
from typing import Any

from core.money import CurrencyCode
from graph.columns import derived, stored
from graph.connections import Connection, count_loader, paged_loader
from graph.entity import Node, entity, variant
from graph.enums import described
from graph.kept import LIVE, SHELF, STILL
from graph.money import Money
from graph.relations import paged_relation, relation
from models.catalogue import (
    ProductCondition,
    ProductKind,
    ShippingMethod,
    SubcategoryGroup,
)
from models.catalogue.categories import CategoryRow, SubcategoryRow
from models.catalogue.products import ProductRow, ProductSort
from resolvers.catalogue import categories, products
from schema.identity import PublicUser
from schema.media import ASSETS_OF_PRODUCTS, MediaAsset

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


_SUBCATEGORIES = paged_loader(
    categories.subcategory_pages,
    lambda row, actor: Subcategory.of(row, actor),
    count_loader(categories.subcategory_counts),
    by_columns=True,
)


@entity(
    "cat",
    rows=categories.categories_by_ids,
    row=CategoryRow,
    id_kept=STILL,
    description="A category of goods.",
)
class Category(Node):
    title: str = stored("title", kept=STILL, description="Its name, at most 100 characters.")
    subtitle: str | None = stored(
        "subtitle", kept=STILL, description="More of it, at most 200 characters."
    )
    image_url: str | None = stored(
        "image_url", kept=STILL, description="A picture, at most 500 characters."
    )
    subcategories: Connection["Subcategory"] = paged_relation(
        loader=_SUBCATEGORIES,
        column="id",
        kept=STILL,
        description="Its subcategories by name.",
        backwards=False,
    )


@entity(
    "sub",
    rows=categories.subcategories_by_ids,
    row=SubcategoryRow,
    id_kept=STILL,
    description="A part of a category.",
)
class Subcategory(Node):
    name: str = stored("name", kept=STILL, description="Its name, at most 100 characters.")
    group: SubcategoryGroup = stored(
        "group_name", words=SubcategoryGroup, kept=STILL, description="Where it is shown."
    )
    category: Category = relation(
        column="category_id", kept=STILL, description="The category that it is part of."
    )


def money(column: str, description: str, *, kept: int | None = None) -> Any:
    """A field with the amount of a column of minor units; null where the column is."""

    def of(product: "Product") -> Money | None:
        minor = product.row[column]
        return None if minor is None else Money.of(minor, product.row["currency"])

    return derived(of, column, "currency", description=description, kept=kept)


@entity(
    "prd",
    rows=products.products_by_ids,
    row=ProductRow,
    variants="kind",
    id_kept=SHELF,
    description="Goods for sale, at a fixed price or by auction.",
)
class Product(Node):
    title: str = stored("title", kept=SHELF, description="At most 120 characters.")
    description: str = stored(
        "description", kept=SHELF, description="At most 10,000 characters of plain text."
    )
    condition: ProductCondition = stored(
        "condition",
        words=ProductCondition,
        kept=SHELF,
        description="In what state the goods are.",
    )
    currency: CurrencyCode = stored(
        "currency", kept=SHELF, description="The currency of all its prices."
    )
    shipping_method: ShippingMethod = stored(
        "shipping_method", words=ShippingMethod, kept=SHELF, description="How the goods travel."
    )
    shipping_cost: Money = money(
        "shipping_cost_minor", "What shipping costs the buyer.", kept=SHELF
    )
    estimated_delivery: str | None = stored(
        "estimated_delivery",
        kept=SHELF,
        description="When the goods arrive, in the seller's words, at most 100 characters.",
    )
    created_at: datetime = stored("created_at", kept=SHELF, description="When it was listed.")
    seller: PublicUser = relation(
        loader="public_user", column="seller_id", kept=SHELF, description="Who sells it."
    )
    category: Category = relation(
        column="category_id", kept=SHELF, description="The category that it is in."
    )
    subcategory: Subcategory = relation(
        column="subcategory_id", kept=SHELF, description="The subcategory that it is in."
    )
    media: list[MediaAsset] = relation(
        loader=ASSETS_OF_PRODUCTS,
        column="id",
        kept=SHELF,
        description="Its pictures in the seller's order, at most 12.",
    )


@variant(ProductKind.FIXED.value, description="Goods at a fixed price.")
class FixedPriceProduct(Product):
    price: Money = money("price_minor", "What one costs.", kept=LIVE)
    quantity: int = stored("quantity", kept=LIVE, description="How many were offered.")
    quantity_available: int = stored(
        "quantity_available", kept=LIVE, description="How many can be bought now."
    )
    accept_offers: bool = stored("accept_offers", kept=LIVE, description="Buyers may offer less.")
    auto_accept_amount: Money | None = money(
        "auto_accept_minor",
        "Offers from this amount on are accepted. Only its seller sees it.",
    )
    auto_decline_amount: Money | None = money(
        "auto_decline_minor", "Offers below this amount are declined. Only its seller sees it."
    )

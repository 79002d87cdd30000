"""Categories and products: `tables`, reading `products`, and the other `statements`."""

from models.catalogue.tables import (
    AuctionStatus,
    Category,
    Product,
    ProductCondition,
    ProductKind,
    ShippingMethod,
    Subcategory,
    SubcategoryGroup,
)

__all__ = [
    "AuctionStatus",
    "Category",
    "Product",
    "ProductCondition",
    "ProductKind",
    "ShippingMethod",
    "Subcategory",
    "SubcategoryGroup",
]

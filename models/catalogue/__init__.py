"""Categories and products: `tables` and the `statements` over them."""

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

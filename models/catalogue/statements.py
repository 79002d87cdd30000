"""Writing products. Reading them: products.py; categories: categories.py."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import col

from models.base import Query
from models.catalogue.tables import Product


def insert_row(table: Any, values: dict[str, Any]) -> Any:
    """Writes a product."""
    return insert(table).values(**values)


def update_row(table: Any, row_id: UUID, values: dict[str, Any]) -> Any:
    """Changes a product; counts the rows it found."""
    return update(table).where(table.id == row_id).values(**values)


def lock_for_edit(product_id: UUID) -> Query:
    """Locks a product with everything that decides whether it may be changed."""
    return (
        select(
            col(Product.id),
            col(Product.kind),
            col(Product.seller_id),
            col(Product.is_active),
            col(Product.currency),
            col(Product.description),
            col(Product.category_id),
            col(Product.subcategory_id),
            col(Product.price_minor),
            col(Product.quantity),
            col(Product.quantity_available),
            col(Product.accept_offers),
            col(Product.auto_accept_minor),
            col(Product.auto_decline_minor),
            col(Product.shipping_method),
            col(Product.shipping_cost_minor),
            col(Product.start_price_minor),
            col(Product.reserve_minor),
            col(Product.buy_now_minor),
            col(Product.starts_at),
            col(Product.ends_at),
            col(Product.status),
            col(Product.bid_count),
        )
        .where(col(Product.id) == product_id)
        .with_for_update(key_share=True)
    )

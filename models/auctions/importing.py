"""Statements that write many rows at once, for importers and demo data. Judges no row: the importer
and the constraints do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.auctions import Bid, BidStatus, CancelReason


def insert_many(table: Any) -> Any:
    """Writes one row for each of the values it is run with; all name the same columns."""
    return insert(table)


def insert_missing(table: Any) -> Any:
    """The same, leaving out rows that are there already."""
    return insert(table).on_conflict_do_nothing()


def withdraw_all_bids(product_id: UUID, moment: datetime, price_minor: int) -> Any:
    """Marks every bid of an auction as withdrawn by an admin, also those that won or lost, and
    keeps what of their amounts had been revealed."""
    return (
        update(Bid)
        .where(col(Bid.product_id) == product_id, col(Bid.status) != BidStatus.CANCELLED)
        .values(
            status=BidStatus.CANCELLED,
            cancelled_at=moment,
            cancel_reason=CancelReason.REMOVED_BY_ADMIN,
            revealed_minor=func.least(col(Bid.amount_minor), price_minor),
        )
    )

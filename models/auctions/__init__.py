"""Bids: `tables`, what viewers see of them (`reading`), and the write side (`writing`)."""

from models.auctions.tables import (
    Bid,
    BidStatus,
    CancelReason,
)

__all__ = ["Bid", "BidStatus", "CancelReason"]

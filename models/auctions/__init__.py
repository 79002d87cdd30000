"""Bids: `tables`, what viewers see of them (`reading`), and the write side (`writing`); both sides
of `second_chances`."""

from models.auctions.tables import (
    Bid,
    BidStatus,
    CancelReason,
    SecondChance,
)

__all__ = ["Bid", "BidStatus", "CancelReason", "SecondChance"]

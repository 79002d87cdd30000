"""Bids: the table. No rule of bidding here: models/bidding.py has them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field

from models.base import Moment, Table, words


class BidStatus(StrEnum):
    """What became of a bid."""

    ACTIVE = "ACTIVE"
    WON = "WON"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


class CancelReason(StrEnum):
    """Why a bid was withdrawn (spec/03-auctions.md#bidding)."""

    WRONG_AMOUNT = "WRONG_AMOUNT"
    DESCRIPTION_CHANGED = "DESCRIPTION_CHANGED"
    SELLER_UNREACHABLE = "SELLER_UNREACHABLE"
    REMOVED_BY_SELLER = "REMOVED_BY_SELLER"
    REMOVED_BY_ADMIN = "REMOVED_BY_ADMIN"


class Bid(Table, table=True):
    """An accepted bid. `amount_minor` is the bidder's maximum in proxy bidding, and secret;
    `number` counts the bids of an auction in their order of arrival, without gaps. When a bid is
    cancelled, `revealed_minor` keeps what of its amount had been revealed by then."""

    __tablename__ = "bid"
    __table_args__ = (
        UniqueConstraint("product_id", "number"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(status = 'CANCELLED') = (cancelled_at IS NOT NULL)"
            " AND (status = 'CANCELLED') = (revealed_minor IS NOT NULL)",
            name="cancelled_fields",
        ),
        Index("ix_bid_bidder", "bidder_id", "id"),
        Index(
            "uq_bid_one_winner", "product_id", unique=True, postgresql_where=text("status = 'WON'")
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    product_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("product.id"), nullable=False))
    bidder_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    placed_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    status: BidStatus = Field(
        sa_column=Column(words(BidStatus, "status"), nullable=False, server_default="ACTIVE")
    )
    cancelled_at: datetime | None = Field(sa_column=Column(Moment))
    cancel_reason: CancelReason | None = Field(
        sa_column=Column(words(CancelReason, "cancel_reason"))
    )
    revealed_minor: int | None = Field(sa_column=Column(BigInteger))

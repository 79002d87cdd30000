"""Bids and second chances: the tables. No rule of bidding here: rules/bidding.py has them."""

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


class SecondChance(Table, table=True):
    """The seller's offer of unsold goods to a losing bidder, at the amount of that bidder's last
    bid in minor units of the product's currency. `closed_at` is when it stopped standing: its
    answer, or its recorded expiry once a writer has noticed. An offer past `expires_at` is over
    also while `closed_at` is still null (docs/decisions/0013-second-chance.md)."""

    __tablename__ = "second_chance"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("expires_at > offered_at", name="expires_after_offered"),
        CheckConstraint("accepted_at < expires_at", name="accepted_in_time"),
        CheckConstraint("bidder_id <> seller_id", name="seller_is_no_bidder"),
        CheckConstraint(
            "num_nonnulls(accepted_at, declined_at, withdrawn_at) <= 1", name="one_answer"
        ),
        CheckConstraint(
            "closed_at IS NOT DISTINCT FROM coalesce(accepted_at, declined_at, withdrawn_at)"
            " OR closed_at = expires_at"
            " AND num_nonnulls(accepted_at, declined_at, withdrawn_at) = 0",
            name="closed_by_answer_or_expiry",
        ),
        Index(
            "uq_second_chance_open",
            "product_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_second_chance_expiry", "expires_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_second_chance_bidder", "bidder_id", "id"),
        Index("ix_second_chance_seller", "seller_id", "id"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    product_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("product.id"), nullable=False))
    bid_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("bid.id"), nullable=False))
    seller_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    bidder_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    offered_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    accepted_at: datetime | None = Field(sa_column=Column(Moment))
    declined_at: datetime | None = Field(sa_column=Column(Moment))
    withdrawn_at: datetime | None = Field(sa_column=Column(Moment))
    closed_at: datetime | None = Field(sa_column=Column(Moment))

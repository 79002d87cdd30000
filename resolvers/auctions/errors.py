"""Why a bid, a purchase or a cancellation is refused."""

from dataclasses import dataclass
from typing import ClassVar

from core.errors import DomainError, ErrorCode
from core.money import Money
from models.catalogue import AuctionStatus


@dataclass(eq=False)
class BidTooLow(DomainError):
    """Below what this bidder must at least bid; for a leader, their own maximum counts."""

    code: ClassVar[ErrorCode] = ErrorCode.BID_TOO_LOW
    minimum: Money


@dataclass(eq=False)
class AuctionNotOpen(DomainError):
    """The auction has not started, is over or was cancelled."""

    code: ClassVar[ErrorCode] = ErrorCode.AUCTION_NOT_OPEN
    status: AuctionStatus


@dataclass(eq=False)
class OwnProduct(DomainError):
    """Sellers do not bid on what they sell."""

    code: ClassVar[ErrorCode] = ErrorCode.OWN_PRODUCT


@dataclass(eq=False)
class NotAnAuction(DomainError):
    """The product is sold at a fixed price."""

    code: ClassVar[ErrorCode] = ErrorCode.NOT_AN_AUCTION


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """The amount is in another currency than the product."""

    code: ClassVar[ErrorCode] = ErrorCode.CURRENCY_MISMATCH


@dataclass(eq=False)
class BuyNowUnavailable(DomainError):
    """There is no buy-now price, or bidding has gone past it."""

    code: ClassVar[ErrorCode] = ErrorCode.BUY_NOW_UNAVAILABLE


@dataclass(eq=False)
class CancellationRefused(DomainError):
    """It is too late to take back this bid, or to end this auction."""

    code: ClassVar[ErrorCode] = ErrorCode.CANCELLATION_REFUSED


@dataclass(eq=False)
class SecondChanceRefused(DomainError):
    """The goods cannot be offered to this bidder, or the offer no longer stands."""

    code: ClassVar[ErrorCode] = ErrorCode.SECOND_CHANCE_REFUSED

"""Typed errors of bidding."""

import strawberry

from graph.errors import DomainErrorHandler, UserError
from graph.money import Money
from models.catalogue import AuctionStatus
from resolvers.auctions import errors
from schema.auctions import types as types


@strawberry.type(description="The bid is below what you must at least bid.")
class BidTooLow(UserError):
    minimum: Money = strawberry.field(description="The least amount that is accepted from you.")


@strawberry.type(description="The auction has not started, is over or was cancelled.")
class AuctionNotOpen(UserError):
    status: AuctionStatus = strawberry.field(description="Where the auction stands.")


@strawberry.type(description="You sell this product yourself.")
class OwnProduct(UserError):
    pass


@strawberry.type(description="The product is sold at a fixed price.")
class NotAnAuction(UserError):
    pass


@strawberry.type(description="The amount is in another currency than the product.")
class CurrencyMismatch(UserError):
    pass


@strawberry.type(description="It cannot be bought at once: no such price, or bidding went past it.")
class BuyNowUnavailable(UserError):
    pass


@strawberry.type(description="It is too late to take back the bid or to end the auction.")
class CancellationRefused(UserError):
    pass


@strawberry.type(
    description="The goods cannot be offered to this bidder, or the offer no longer stands."
)
class SecondChanceRefused(UserError):
    pass


HANDLERS = [
    DomainErrorHandler(errors.BidTooLow, BidTooLow),
    DomainErrorHandler(errors.AuctionNotOpen, AuctionNotOpen),
    DomainErrorHandler(errors.OwnProduct, OwnProduct),
    DomainErrorHandler(errors.NotAnAuction, NotAnAuction),
    DomainErrorHandler(errors.CurrencyMismatch, CurrencyMismatch),
    DomainErrorHandler(errors.BuyNowUnavailable, BuyNowUnavailable),
    DomainErrorHandler(errors.CancellationRefused, CancellationRefused),
    DomainErrorHandler(errors.SecondChanceRefused, SecondChanceRefused),
]

"""Bidding, buying at once, taking back bids, ending auctions early."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from pydantic import TypeAdapter

from core import errors
from core.ids import decode_id, encode_id
from graph.context import Info
from graph.enums import described
from graph.errors import AccountInactive, IdempotencyConflict, InvalidInput, NotFound
from graph.money import MoneyInput
from graph.unions import result
from resolvers.auctions import bidding, cancelling
from resolvers.auctions.cancelling import BidderReason, EarlyEnd
from resolvers.auctions.events import AuctionState
from resolvers.catalogue.reading import products_by_id
from resolvers.idempotency import Once, run_once
from schema.auctions.errors import (
    AuctionNotOpen,
    BidTooLow,
    BuyNowUnavailable,
    CancellationRefused,
    CurrencyMismatch,
    NotAnAuction,
    OwnProduct,
)
from schema.auctions.types import Bid
from schema.catalogue.types import AuctionProduct, product_of

described(
    BidderReason,
    "Why a bidder takes a bid back.",
    WRONG_AMOUNT="The amount was a mistake.",
    DESCRIPTION_CHANGED="The seller changed the description.",
    SELLER_UNREACHABLE="The seller cannot be reached.",
)
described(
    EarlyEnd,
    "How an auction ends early.",
    SELL_TO_HIGHEST_BIDDER="The highest bidder gets it at the current price.",
    CANCEL_BIDS="All bids are cancelled and nothing is sold.",
)

IDEMPOTENCY = (
    "At most 255 characters, made up by the client. The same key with the same input gets the "
    "first answer and has no second effect."
)


@strawberry.input(description="A bid on an auction.")
class PlaceBidInput:
    product_id: strawberry.ID = strawberry.field(description="The auction.")
    amount: MoneyInput = strawberry.field(
        description="In proxy bidding the most that you would pay, secret; otherwise the price."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY)


@strawberry.input(description="A purchase at the buy-now price.")
class BuyNowInput:
    product_id: strawberry.ID = strawberry.field(description="The auction.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY)


@strawberry.input(description="A bid to take back.")
class CancelBidInput:
    bid_id: strawberry.ID = strawberry.field(description="The bid.")
    reason: BidderReason | None = strawberry.field(
        default=None, description="Why; the bidder must say, seller and admins need not."
    )


@strawberry.input(description="An auction to end before its time.")
class EndAuctionInput:
    product_id: strawberry.ID = strawberry.field(description="The auction.")
    outcome: EarlyEnd = strawberry.field(description="Sold to the highest bidder, or cancelled.")


@strawberry.type(description="The bid was accepted.")
class PlaceBidPayload:
    bid: Bid = strawberry.field(description="Your bid.")
    product: AuctionProduct = strawberry.field(description="The auction as it stands by your bid.")
    is_highest_bidder: bool = strawberry.field(
        description="False when another bidder's maximum is higher: you are outbid at once."
    )


@strawberry.type(description="It is yours.")
class BuyNowPayload:
    bid: Bid = strawberry.field(description="The winning bid that your purchase is.")
    product: AuctionProduct = strawberry.field(description="The auction, settled.")


@strawberry.type(description="The bids were taken back.")
class CancelBidPayload:
    bid_ids: list[strawberry.ID] = strawberry.field(
        description="The bids that are gone: with more than 12 hours left, all of the bidder's."
    )
    product: AuctionProduct = strawberry.field(description="The auction as it stands without them.")


@strawberry.type(description="The auction is over.")
class EndAuctionPayload:
    product: AuctionProduct = strawberry.field(description="The auction as it ended.")


PlaceBidResult = Annotated[
    PlaceBidPayload
    | BidTooLow
    | AuctionNotOpen
    | OwnProduct
    | NotAnAuction
    | CurrencyMismatch
    | AccountInactive
    | InvalidInput
    | NotFound
    | IdempotencyConflict,
    result("PlaceBidResult", "placing a bid"),
]
BuyNowResult = Annotated[
    BuyNowPayload
    | BuyNowUnavailable
    | AuctionNotOpen
    | OwnProduct
    | NotAnAuction
    | AccountInactive
    | InvalidInput
    | NotFound
    | IdempotencyConflict,
    result("BuyNowResult", "buying at once"),
]
CancelBidResult = Annotated[
    CancelBidPayload | CancellationRefused | AuctionNotOpen | InvalidInput | NotFound,
    result("CancelBidResult", "taking back a bid"),
]
EndAuctionResult = Annotated[
    EndAuctionPayload | CancellationRefused | AuctionNotOpen | NotAnAuction | NotFound,
    result("EndAuctionResult", "ending an auction early"),
]

_BID_PLACED = TypeAdapter(bidding.BidPlaced)


async def _row(info: Info, product_id: UUID) -> Any:
    row = (await products_by_id(info.context.database, info.context.actor, [product_id]))[0]
    if row is None:
        # It was removed since: an answer kept for an idempotency key cannot be shown any more.
        raise errors.NotFound("This product is no longer there.")
    return row


async def _auction(info: Info, product_id: UUID, state: AuctionState | None) -> AuctionProduct:
    shown: Any = product_of(await _row(info, product_id), info.context.actor, state)
    return shown  # type: ignore[no-any-return]  # an auction's row makes an AuctionProduct


async def _bid_once(info: Info, name: str, command: Any, key: str | None, use_case: Any) -> Any:
    actor = info.context.actor
    actor.member()
    once = Once(actor, name, command, key)
    try:
        return await run_once(
            info.context.database,
            once,
            _BID_PLACED,
            lambda work: use_case(work, actor, command),
            turn=command.product_id,
        )
    finally:
        info.context.forget()


async def _shown(info: Info, placed: bidding.BidPlaced) -> tuple[Bid, AuctionProduct]:
    row = await _row(info, placed.product_id)
    actor = info.context.actor
    bid = Bid.of_facts(placed.bid, placed.product_id, row.currency, row.seller_id, actor)
    product: Any = product_of(row, actor, placed.state)
    return bid, product


@strawberry.type
class Mutation:
    """Writing bids."""

    @strawberry.mutation(description="Places a bid on an auction. Signed in.")
    async def place_bid(self, info: Info, input: PlaceBidInput) -> PlaceBidResult:
        command = bidding.PlaceBid(
            product_id=decode_id("prd", input.product_id, "input.productId"),
            amount=input.amount.parse("amount"),
        )
        placed = await _bid_once(
            info, "placeBid", command, input.idempotency_key, bidding.place_bid
        )
        bid, product = await _shown(info, placed)
        return PlaceBidPayload(bid=bid, product=product, is_highest_bidder=placed.is_highest_bidder)

    @strawberry.mutation(
        description="Ends an auction by buying it at its buy-now price, while nobody has bid or "
        "the reserve is not met. Signed in."
    )
    async def buy_now(self, info: Info, input: BuyNowInput) -> BuyNowResult:
        command = bidding.BuyNow(product_id=decode_id("prd", input.product_id, "input.productId"))
        placed = await _bid_once(info, "buyNow", command, input.idempotency_key, bidding.buy_now)
        bid, product = await _shown(info, placed)
        return BuyNowPayload(bid=bid, product=product)

    @strawberry.mutation(
        description="Takes a bid back: its bidder while more than 12 hours remain (all their bids "
        "go) or within an hour of placing it; the seller and admins while the auction is open."
    )
    async def cancel_bid(self, info: Info, input: CancelBidInput) -> CancelBidResult:
        actor = info.context.actor
        command = cancelling.CancelBid(
            bid_id=decode_id("bid", input.bid_id, "input.bidId"), reason=input.reason
        )
        gone = await info.context.write(lambda work: cancelling.cancel_bid(work, actor, command))
        return CancelBidPayload(
            bid_ids=[strawberry.ID(encode_id("bid", bid_id)) for bid_id in gone.bid_ids],
            product=await _auction(info, gone.product_id, gone.state),
        )

    @strawberry.mutation(
        description="Ends an auction early: its seller until 12 hours before the end, admins any "
        "time."
    )
    async def end_auction(self, info: Info, input: EndAuctionInput) -> EndAuctionResult:
        actor = info.context.actor
        command = cancelling.EndAuction(
            product_id=decode_id("prd", input.product_id, "input.productId"), outcome=input.outcome
        )
        ended = await info.context.write(lambda work: cancelling.end_auction(work, actor, command))
        return EndAuctionPayload(product=await _auction(info, ended.product_id, ended.state))

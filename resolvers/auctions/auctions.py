"""Auctions as goods: listing one, and what of it may change and when
(spec/03-auctions.md#catalogue)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from auth.actor import Actor
from core.commands import Marker
from core.database import UnitOfWork
from core.errors import AccountInactive, InvalidInput, NotFound, raises
from core.money import Money, minor
from models.catalogue import AuctionStatus, ProductKind
from models.catalogue.products import LockedProduct
from resolvers.auctions.events import record_cancelled_auction
from resolvers.catalogue.errors import ProductLocked
from resolvers.catalogue.kinds import (
    KINDS,
    NewProduct,
    Shipped,
    SoftClose,
    UpdateProduct,
    add_product,
    one_currency,
)

_RUNNING = (AuctionStatus.SCHEDULED, AuctionStatus.OPEN)
# What may change also while somebody has bid.
_ALWAYS = {
    "product_id",
    "description_addition",
    "media_ids",
    "add_media_ids",
    "remove_media_ids",
    "shipping_method",
    "shipping_cost",
    "estimated_delivery",
}


class AuctionTerms(NewProduct):
    """How and when goods are sold to the highest bidder."""

    start_price: Annotated[Money, "The least first bid."]
    reserve_price: Annotated[Money | None, "Below this you need not sell; secret."] = None
    buy_now_price: Annotated[Money | None, "What it can be bought for at once."] = None
    starts_at: Annotated[datetime | None, "When bids are taken from; now when left out."] = None
    ends_at: Annotated[datetime, "When bidding ends."]
    proxy_bidding: Annotated[
        bool, Marker.NULL_IS_DEFAULT, "True: bids are secret maxima. False: bids are prices."
    ] = True
    soft_close_seconds: Annotated[
        SoftClose,
        Marker.NULL_IS_DEFAULT,
        "A bid in the last so many seconds moves the end; at most 3,600.",
    ] = 0


class CreateAuctionProduct(Shipped, AuctionTerms):
    """A new auction."""


def auction_prices(start: Money, reserve: Money | None, buy_now: Money | None) -> None:
    """A reserve and a buy-now price lie at or above the start price, and buying now at or above the
    reserve. Raises InvalidInput."""
    if reserve is not None and reserve.amount_minor < start.amount_minor:
        raise InvalidInput(
            f"The reserve must be at least the start price, {start}.",
            path=["input", "reservePrice"],
        )
    least = reserve or start
    if buy_now is not None and buy_now.amount_minor < least.amount_minor:
        raise InvalidInput(
            f"The buy-now price must be at least {least}.", path=["input", "buyNowPrice"]
        )


@raises(InvalidInput, NotFound, AccountInactive)
async def create_auction_product(
    work: UnitOfWork, actor: Actor, command: CreateAuctionProduct
) -> UUID:
    """Lists an auction and gives its id. Its times are held against the database's clock; a start
    in the past means now. Raises InvalidInput, NotFound."""
    one_currency(
        command.start_price.currency,
        ("startPrice", command.start_price),
        ("reservePrice", command.reserve_price),
        ("buyNowPrice", command.buy_now_price),
        ("shippingCost", command.shipping_cost),
    )
    auction_prices(command.start_price, command.reserve_price, command.buy_now_price)
    now = await work.clock()
    starts_at = max(now, command.starts_at or now)
    if command.ends_at <= starts_at:
        raise InvalidInput(
            "endsAt must be after the start, and not past.", path=["input", "endsAt"]
        )
    own = {
        "kind": ProductKind.AUCTION,
        "currency": command.start_price.currency,
        "price_minor": command.start_price.amount_minor,
        "start_price_minor": command.start_price.amount_minor,
        "reserve_minor": minor(command.reserve_price),
        "buy_now_minor": minor(command.buy_now_price),
        "starts_at": starts_at,
        "ends_at": command.ends_at,
        "status": AuctionStatus.SCHEDULED if starts_at > now else AuctionStatus.OPEN,
        "proxy_bidding": command.proxy_bidding,
        "soft_close_seconds": command.soft_close_seconds,
    }
    return await add_product(work, actor, command, command, own)


class AuctionPart:
    """The part of goods that are sold to the highest bidder."""

    fields = frozenset(
        {
            "start_price",
            "reserve_price",
            "buy_now_price",
            "starts_at",
            "ends_at",
            "proxy_bidding",
            "soft_close_seconds",
        }
    )

    def require_unlocked(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> None:
        """With bids, or when it is over, only additions, media and shipping change. Raises
        ProductLocked."""
        if not command.model_fields_set - _ALWAYS:
            return
        if product.bid_count:
            raise ProductLocked(
                "It has bids: only description additions, media and shipping may change."
            )
        if product.status not in _RUNNING or product.ends_at <= now:
            raise ProductLocked(
                "It is over: only description additions, media and shipping may change."
            )

    def changes(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> dict[str, Any]:
        """What the prices and the times change. Raises InvalidInput."""
        if not command.model_fields_set & self.fields:
            return {}
        start = command.start_price or Money(product.start_price_minor, product.currency)
        reserve = command.amount(product, "reserve_price", "reserve_minor")
        buy_now = command.amount(product, "buy_now_price", "buy_now_minor")
        one_currency(
            product.currency,
            ("startPrice", start),
            ("reservePrice", reserve),
            ("buyNowPrice", buy_now),
        )
        auction_prices(start, reserve, buy_now)
        starts_at = product.starts_at if command.starts_at is None else max(now, command.starts_at)
        ends_at = command.ends_at or product.ends_at
        if ends_at <= max(starts_at, now):
            raise InvalidInput(
                "endsAt must be after the start, and not past.", path=["input", "endsAt"]
            )
        changes: Mapping[str, Any] = {
            "proxy_bidding": command.proxy_bidding,
            "soft_close_seconds": command.soft_close_seconds,
        }
        return {
            "price_minor": start.amount_minor,
            "start_price_minor": start.amount_minor,
            "reserve_minor": minor(reserve),
            "buy_now_minor": minor(buy_now),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "status": AuctionStatus.SCHEDULED if starts_at > now else AuctionStatus.OPEN,
            **{name: value for name, value in changes.items() if value is not None},
        }

    def removal(self, product: LockedProduct) -> dict[str, Any]:
        """One that runs is cancelled. Raises ProductLocked when it has bids."""
        if product.bid_count:
            raise ProductLocked("It has bids: end the auction early instead of removing it.")
        return {"status": AuctionStatus.CANCELLED} if product.status in _RUNNING else {}

    async def removed(self, work: UnitOfWork, product: LockedProduct, now: datetime) -> None:
        """Tells watchers of one that was cancelled by it."""
        if product.status in _RUNNING:
            await record_cancelled_auction(work, product.id, now)


KINDS.part(ProductKind.AUCTION.value)(AuctionPart())

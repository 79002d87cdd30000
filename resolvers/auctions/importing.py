"""Importing what happened elsewhere: finished auctions with their bids, and sessions of many
accounts at once. For importers on the server itself, never for what a stranger sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.tokens import REFRESH_LIFETIME
from core.database import UnitOfWork
from core.ids import id_at, new_id
from core.money import currency_digits
from models.auctions import Bid, BidStatus
from models.auctions.importing import insert_many
from models.catalogue import AuctionStatus, Product, ProductCondition, ProductKind, ShippingMethod
from models.identity.sessions import Session
from resolvers.identity.sessions import Device
from rules.bidding import Position, steps_for


@dataclass(frozen=True, slots=True)
class PastBid:
    """A bid that was made: the bidder's maximum in minor units, and when."""

    bidder_id: UUID
    amount_minor: int
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class PastAuction:
    """A proxy auction that has ended; amounts are minor units, `bids` in their order of arrival."""

    seller_id: UUID
    category_id: UUID
    subcategory_id: UUID
    title: str
    description: str
    condition: ProductCondition
    currency: str
    start_minor: int
    reserve_minor: int | None
    starts_at: datetime
    ends_at: datetime
    bids: Sequence[PastBid]


@dataclass(frozen=True, slots=True)
class PlayedAuction:
    """A past auction as the bidding rule has it: the bids it accepts, and how they leave it."""

    accepted: list[PastBid]
    position: Position[UUID]

    @property
    def winning(self) -> PastBid | None:
        """The leader's bid that decided; None without a bid or below the reserve."""
        if self.position.leader is None or self.position.reserve_met is False:
            return None
        top = (self.position.leader, self.position.leader_max_minor)
        return next(bid for bid in self.accepted if (bid.bidder_id, bid.amount_minor) == top)


def play(auction: PastAuction, *, reserve_minor: int | None) -> PlayedAuction:
    """The auction with this reserve, played by the rule of rules/bidding.py; bids that it refuses
    are left out."""
    position: Position[UUID] = Position(
        start_minor=auction.start_minor,
        reserve_minor=reserve_minor,
        proxy=True,
        steps=steps_for(auction.currency, currency_digits(auction.currency)),
    )
    accepted = []
    for bid in auction.bids:
        if bid.amount_minor >= position.minimum_for(bid.bidder_id):
            position = position.place(bid.bidder_id, bid.amount_minor)
            accepted.append(bid)
    return PlayedAuction(accepted, position)


@dataclass(frozen=True, slots=True)
class Imported:
    """The products of the auctions in their order, how many bids were stored, and how many were
    left out because the rule refuses them."""

    ids: list[UUID]
    bids: int
    refused: int


async def import_auctions(work: UnitOfWork, auctions: Sequence[PastAuction]) -> Imported:
    """Stores ended auctions as if they had been bid and settled here, but without events: those of
    such times are forgotten already."""
    products: list[dict[str, Any]] = []
    bids: list[dict[str, Any]] = []
    for auction in auctions:
        played = play(auction, reserve_minor=auction.reserve_minor)
        product = _product_row(auction, played)
        products.append(product)
        bids.extend(_bid_rows(product["id"], played))
    await work.execute_each(insert_many(Product), products)
    await work.execute_each(insert_many(Bid), bids)
    offered = sum(len(auction.bids) for auction in auctions)
    return Imported([product["id"] for product in products], len(bids), offered - len(bids))


def _product_row(auction: PastAuction, played: PlayedAuction) -> dict[str, Any]:
    position, count = played.position, len(played.accepted)
    return {
        "id": id_at(auction.starts_at),
        "kind": ProductKind.AUCTION,
        "seller_id": auction.seller_id,
        "category_id": auction.category_id,
        "subcategory_id": auction.subcategory_id,
        "title": auction.title,
        "description": auction.description,
        "condition": auction.condition,
        "currency": auction.currency,
        "price_minor": auction.start_minor if position.price is None else position.price,
        "shipping_method": ShippingMethod.STANDARD,
        "shipping_cost_minor": 0,
        "created_at": auction.starts_at,
        "updated_at": auction.ends_at,
        "start_price_minor": auction.start_minor,
        "reserve_minor": auction.reserve_minor,
        "starts_at": auction.starts_at,
        "ends_at": auction.ends_at,
        "status": AuctionStatus.SETTLED,
        "proxy_bidding": True,
        "bid_count": count,
        "last_bid_number": count,
        "leader_id": position.leader,
        "leader_max_minor": position.leader_max_minor,
        "runner_up_max_minor": position.runner_up_max_minor,
    }


def _bid_rows(product_id: UUID, played: PlayedAuction) -> list[dict[str, Any]]:
    winning = played.winning
    return [
        {
            "id": id_at(bid.placed_at),
            "product_id": product_id,
            "bidder_id": bid.bidder_id,
            "number": number,
            "amount_minor": bid.amount_minor,
            "placed_at": bid.placed_at,
            "status": BidStatus.WON if bid is winning else BidStatus.LOST,
        }
        for number, bid in enumerate(played.accepted, start=1)
    ]


async def open_sessions(
    work: UnitOfWork, user_ids: Sequence[UUID], device: Device
) -> dict[UUID, UUID]:
    """One session for each of these accounts, without refresh token: whoever holds the signing key
    signs access tokens for it. Gives session ids by account."""
    now = await work.clock()
    sessions = {user_id: new_id() for user_id in user_ids}
    rows = [
        {
            "id": session_id,
            "user_id": user_id,
            "user_agent": device.user_agent,
            "address": device.address,
            "created_at": now,
            "expires_at": now + REFRESH_LIFETIME,
        }
        for user_id, session_id in sessions.items()
    ]
    await work.execute_each(insert_many(Session), rows)
    return sessions

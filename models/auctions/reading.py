"""What viewers see of bids: masked amounts and bidders, histories, own bids. Writes nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, case, func, literal, null, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from auth.actor import Actor
from core.pages import PageRequest
from models.auctions.tables import Bid, BidStatus
from models.base import Query, keyset_page
from models.catalogue.tables import Product

BIDS_NEWEST = "bids:newest"


def revealed_amount(actor: Actor) -> Any:
    """What the viewer may know of a bid's amount: the bidder everything, all others no more than
    the price has shown (spec/03-auctions.md#bidding: nobody else ever sees a maximum). The price
    went past every bid that lost to another bidder, also where the goods were then sold for less
    by a second chance."""
    within_price = func.least(
        col(Bid.amount_minor), func.coalesce(col(Bid.revealed_minor), col(Product.price_minor))
    )
    passed = (col(Bid.status) == BidStatus.LOST) & (col(Bid.bidder_id) != col(Product.leader_id))
    revealed = case((passed, col(Bid.amount_minor)), else_=within_price)
    if actor.user_id is None:
        return revealed
    return case((col(Bid.bidder_id) == actor.user_id, col(Bid.amount_minor)), else_=revealed)


def shown_bidder(actor: Actor) -> Any:
    """The bidder's id where the viewer may know it (seller, the bidder, admins), else null: the
    viewer then sees a mask. Every path to a bid selects this beside the real id."""
    if actor.is_admin:
        return col(Bid.bidder_id)
    if actor.user_id is None:
        return null()
    return case(
        (
            (col(Product.seller_id) == actor.user_id) | (col(Bid.bidder_id) == actor.user_id),
            col(Bid.bidder_id),
        ),
        else_=null(),
    )


def bids_visible_to(actor: Actor) -> Query:
    """The bids that the viewer may see, as far as they may see them: those of a product that is
    shown to them, amounts and bidders masked. Cancelled bids are not part of the history; only
    their bidder, the seller and admins see them."""
    statement = select(
        col(Bid.id),
        col(Bid.product_id),
        col(Bid.number),
        col(Bid.bidder_id),
        shown_bidder(actor).is_not(None).label("bidder_shown"),
        revealed_amount(actor).label("shown_minor"),
        col(Product.currency),
        col(Bid.placed_at),
        col(Bid.status),
    ).join(Product, col(Product.id) == col(Bid.product_id))
    if actor.is_admin:
        return statement
    live: Any = col(Bid.status) != BidStatus.CANCELLED
    if actor.user_id is not None:
        live = (
            live | (col(Bid.bidder_id) == actor.user_id) | (col(Product.seller_id) == actor.user_id)
        )
    shown: Any = col(Product.is_active)
    if actor.user_id is not None:
        shown = shown | (col(Bid.bidder_id) == actor.user_id)
    return statement.where(live & shown)


def bids_by_id(actor: Actor, ids: list[UUID]) -> Query:
    """These bids, as far as the viewer may see them."""
    return bids_visible_to(actor).where(col(Bid.id).in_(ids))


def history_pages(actor: Actor, product_ids: list[UUID], page: PageRequest) -> Query:
    """The same page of the bid history of many auctions in one statement, newest first; every row
    carries its `product_id`. The history holds no cancelled bid, whoever looks."""
    parents = select(func.unnest(literal(product_ids, ARRAY(Uuid))).label("parent_id")).subquery()
    history = keyset_page(
        bids_visible_to(actor)
        .where(col(Bid.product_id) == parents.c.parent_id)
        .where(col(Bid.status) != BidStatus.CANCELLED),
        [col(Bid.number)],
        page,
        BIDS_NEWEST,
        descending=True,
    ).lateral()
    return select(history).select_from(parents.join(history, literal(True)))


def history_counts(product_ids: list[UUID]) -> Query:
    """How many bids the history of each auction holds."""
    return (
        select(col(Bid.product_id), func.count())
        .where(col(Bid.product_id).in_(product_ids), col(Bid.status) != BidStatus.CANCELLED)
        .group_by(col(Bid.product_id))
    )


def own_bids(actor: Actor, bidder_id: UUID, page: PageRequest, order: str) -> Query:
    """A page of an account's own bids, newest first."""
    statement = bids_visible_to(actor).where(col(Bid.bidder_id) == bidder_id)
    return keyset_page(statement, [col(Bid.id)], page, order, descending=True)


def own_bid_count(bidder_id: UUID) -> Query:
    """How many bids an account has placed."""
    return select(func.count()).where(col(Bid.bidder_id) == bidder_id)

"""Second chances: who sees which offer, and the writes of resolvers/auctions/second_chance.py. No
rule of offering here."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import false, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from auth.actor import Actor
from core.pages import PageRequest
from models.auctions.tables import Bid, BidStatus, SecondChance
from models.base import Query, keyset_page
from models.catalogue.tables import Product

SECOND_CHANCES_NEWEST = "second-chances:newest"


class SecondChanceStatus(StrEnum):
    """What became of an offer."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


_COLUMNS = (
    col(SecondChance.id),
    col(SecondChance.product_id),
    col(SecondChance.bid_id),
    col(SecondChance.seller_id),
    col(SecondChance.bidder_id),
    col(SecondChance.amount_minor),
    col(SecondChance.offered_at),
    col(SecondChance.expires_at),
    col(SecondChance.accepted_at),
    col(SecondChance.declined_at),
    col(SecondChance.withdrawn_at),
)


def status_at(row: Any, moment: datetime) -> SecondChanceStatus:
    """The status of an offer's row at a moment of the database's clock: its answer, and without one
    it is open until before its expiry, whatever the worker did."""
    if row.accepted_at is not None:
        return SecondChanceStatus.ACCEPTED
    if row.declined_at is not None:
        return SecondChanceStatus.DECLINED
    if row.withdrawn_at is not None:
        return SecondChanceStatus.WITHDRAWN
    return SecondChanceStatus.OPEN if moment < row.expires_at else SecondChanceStatus.EXPIRED


def second_chances_visible_to(actor: Actor) -> Query:
    """The offers that the viewer may see: those they made or got, admins all. `read_at` is the
    database's clock, for `status_at`."""
    statement: Query = select(
        *_COLUMNS, col(Product.currency), func.statement_timestamp().label("read_at")
    ).join(Product, col(Product.id) == col(SecondChance.product_id))
    if actor.is_admin:
        return statement
    if actor.user_id is None:
        return statement.where(false())
    return statement.where(_is_party(actor.user_id), col(Product.is_active))


def _is_party(user_id: UUID) -> Any:
    return (col(SecondChance.seller_id) == user_id) | (col(SecondChance.bidder_id) == user_id)


def second_chances_by_id(actor: Actor, ids: list[UUID]) -> Query:
    """These offers, as far as the viewer may see them."""
    return second_chances_visible_to(actor).where(col(SecondChance.id).in_(ids))


def own_second_chances(actor: Actor, user_id: UUID, page: PageRequest) -> Query:
    """A page of the offers that an account made or got, newest first."""
    statement = second_chances_visible_to(actor).where(_is_party(user_id))
    columns = [col(SecondChance.id)]
    return keyset_page(statement, columns, page, SECOND_CHANCES_NEWEST, descending=True)


def own_second_chance_count(actor: Actor, user_id: UUID) -> Query:
    """How many offers an account made or got."""
    own = second_chances_visible_to(actor).where(_is_party(user_id)).subquery()
    return select(func.count()).select_from(own)


def losing_bid(bid_id: UUID) -> Query:
    """A bid as an offer needs it. `is_last` tells whether it is the last that its bidder lost the
    auction with, `is_sold` whether another bid won."""
    other = aliased(Bid)
    of_auction = col(other.product_id) == col(Bid.product_id)
    last = (
        select(func.max(col(other.number)))
        .where(of_auction, col(other.bidder_id) == col(Bid.bidder_id))
        .where(col(other.status) == BidStatus.LOST)
        .scalar_subquery()
    )
    winner = select(col(other.id)).where(of_auction, col(other.status) == BidStatus.WON)
    return select(
        col(Bid.id),
        col(Bid.bidder_id),
        col(Bid.number),
        col(Bid.amount_minor),
        col(Bid.placed_at),
        col(Bid.status),
        (col(Bid.number) == last).label("is_last"),
        winner.exists().label("is_sold"),
    ).where(col(Bid.id) == bid_id)


def product_of_offer(offer_id: UUID) -> Query:
    """Which product an offer is about, to be locked first."""
    return select(col(SecondChance.product_id)).where(col(SecondChance.id) == offer_id)


def lock_offer(offer_id: UUID) -> Query:
    """Locks one offer, behind its product: the worker's expiry takes no product."""
    return select(*_COLUMNS).where(col(SecondChance.id) == offer_id).with_for_update()


def open_offer(product_id: UUID) -> Query:
    """When the open offer of a locked product expires."""
    return select(col(SecondChance.expires_at)).where(
        col(SecondChance.product_id) == product_id, col(SecondChance.closed_at).is_(None)
    )


def close_expired(moment: datetime, product_id: UUID | None = None) -> Any:
    """Closes the offers of one product, or of all, that had expired by then, as of their expiry."""
    statement = update(SecondChance).where(
        col(SecondChance.closed_at).is_(None), col(SecondChance.expires_at) <= moment
    )
    if product_id is not None:
        statement = statement.where(col(SecondChance.product_id) == product_id)
    return statement.values(closed_at=col(SecondChance.expires_at))


def add_offer(
    offer_id: UUID,
    product_id: UUID,
    seller_id: UUID,
    bid: Any,
    offered_at: datetime,
    expires_at: datetime,
) -> Any:
    """Writes an offer at the amount of the bid."""
    return insert(SecondChance).values(
        id=offer_id,
        product_id=product_id,
        bid_id=bid.id,
        seller_id=seller_id,
        bidder_id=bid.bidder_id,
        amount_minor=bid.amount_minor,
        offered_at=offered_at,
        expires_at=expires_at,
    )


_ANSWERED_AT = {
    SecondChanceStatus.ACCEPTED: "accepted_at",
    SecondChanceStatus.DECLINED: "declined_at",
    SecondChanceStatus.WITHDRAWN: "withdrawn_at",
}


def close_offer(offer_id: UUID, answer: SecondChanceStatus, moment: datetime) -> Any:
    """Writes the answer to a locked offer, which closes it."""
    values = {_ANSWERED_AT[answer]: moment, "closed_at": moment}
    return update(SecondChance).where(col(SecondChance.id) == offer_id).values(**values)


def win_bid(bid_id: UUID) -> Any:
    """Turns a bid that lost into the one that won."""
    return (
        update(Bid)
        .where(col(Bid.id) == bid_id, col(Bid.status) == BidStatus.LOST)
        .values(status=BidStatus.WON)
    )

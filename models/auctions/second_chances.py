"""Second chances: who sees which offer, and the writes of resolvers/auctions/second_chances.py. No
rule of offering here."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import false, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.wording import Bound, Row
from models.auctions.tables import Bid, BidStatus, SecondChance
from models.base import Query, Viewer, among, only, viewer_id, viewer_of
from models.catalogue.tables import Product
from models.lists import Condition, Listed, Order
from models.statements import given, rows_of


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


class SecondChanceRow(Row):
    """An offer as its viewer sees it; `read_at` is the database's clock, for `status_at`."""

    id: UUID
    product_id: UUID
    bid_id: UUID
    seller_id: UUID
    bidder_id: UUID
    amount_minor: int
    offered_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    declined_at: datetime | None
    withdrawn_at: datetime | None
    currency: str
    read_at: datetime


def _second_chances_shown(viewer: Viewer) -> Query:
    """The offers that the viewer may see: those they made or got, admins all."""
    statement: Query = select(
        *_COLUMNS, col(Product.currency), func.statement_timestamp().label("read_at")
    ).join(Product, col(Product.id) == col(SecondChance.product_id))
    if viewer.is_admin:
        return statement
    if viewer.is_anonymous:
        return statement.where(false())
    return statement.where(_is_party(viewer_id()), col(Product.is_active))


def _is_party(user_id: Any) -> Any:
    return (col(SecondChance.seller_id) == user_id) | (col(SecondChance.bidder_id) == user_id)


@rows_of(SecondChanceRow)
def _second_chances_of_ids(viewer: Viewer, columns: Columns) -> Query:
    shown = only(_second_chances_shown(viewer), columns, "id")
    return shown.where(among(col(SecondChance.id)))


def second_chances_by_ids(
    actor: Actor, ids: Sequence[UUID], columns: Columns = None
) -> Bound[SecondChanceRow]:
    """These offers, as far as the viewer may see them."""
    statement = _second_chances_of_ids(viewer_of(actor), columns)
    return statement.bind(viewer=actor.user_id, ids=ids)


OWN_SECOND_CHANCES = Listed(
    SecondChanceRow,
    _second_chances_shown,
    {None: Order("second-chances:newest", (col(SecondChance.id),), descending=True)},
    conditions={
        "party_id": Condition(_is_party(given("party_id", SecondChance.seller_id))),
    },
)


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

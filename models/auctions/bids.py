"""Bids: who sees which, with what they may know of it, and histories. Who may know a bidder,
resolvers/auctions/bidders.py decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select, true
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.pages import PageRequest
from core.wording import Bound, Row
from models.auctions.tables import Bid, BidStatus
from models.base import (
    PageShape,
    Query,
    Viewer,
    among,
    keyset_shape,
    keyset_values,
    only,
    page_shape,
    viewer_id,
    viewer_of,
)
from models.catalogue.tables import Product
from models.lists import Condition, Listed, Order, ParentCount
from models.statements import given, rows_of

BIDS_NEWEST = "bids:newest"
_BY_NUMBER = [col(Bid.number)]


class BidRow(Row):
    """A bid as its viewer sees it; `shown_minor` is what they may know of its amount, in minor
    units of `currency`."""

    id: UUID
    product_id: UUID
    number: int
    bidder_id: UUID
    seller_id: UUID
    shown_minor: int
    currency: str
    placed_at: datetime
    status: BidStatus


def revealed_amount(viewer: Viewer) -> Any:
    """What the viewer may know of a bid's amount: the bidder everything, all others no more than
    the price has shown (spec/03-auctions.md#bidding: nobody else ever sees a maximum). The price
    went past every bid that lost to another bidder, also where the goods were then sold for less
    by a second chance."""
    within_price = func.least(
        col(Bid.amount_minor), func.coalesce(col(Bid.revealed_minor), col(Product.price_minor))
    )
    passed = (col(Bid.status) == BidStatus.LOST) & (col(Bid.bidder_id) != col(Product.leader_id))
    revealed = case((passed, col(Bid.amount_minor)), else_=within_price)
    if viewer.is_anonymous:
        return revealed
    return case((col(Bid.bidder_id) == viewer_id(), col(Bid.amount_minor)), else_=revealed)


def _columns(viewer: Viewer) -> Query:
    """What the viewer may know of a bid; its product must be there, joined or around it."""
    return select(
        col(Bid.id),
        col(Bid.product_id),
        col(Bid.number),
        col(Bid.bidder_id),
        col(Product.seller_id),
        revealed_amount(viewer).label("shown_minor"),
        col(Product.currency),
        col(Bid.placed_at),
        col(Bid.status),
    )


def _visible(viewer: Viewer) -> Any:
    if viewer.is_admin:
        return true()
    live: Any = col(Bid.status) != BidStatus.CANCELLED
    shown: Any = col(Product.is_active)
    if not viewer.is_anonymous:
        own = col(Bid.bidder_id) == viewer_id()
        live = live | own | (col(Product.seller_id) == viewer_id())
        shown = shown | own
    return live & shown


def _bids_shown(viewer: Viewer) -> Query:
    """The bids that the viewer may see, as far as they may see them: those of a product that is
    shown to them, amounts and bidders masked. Cancelled bids are not part of the history; only
    their bidder, the seller and admins see them. Run it with `viewer`."""
    joined = _columns(viewer).join(Product, col(Product.id) == col(Bid.product_id))
    return joined.where(_visible(viewer))


@rows_of(BidRow)
def _bids_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_bids_shown(viewer), columns, "id").where(among(col(Bid.id)))


def bids_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[BidRow]:
    """These bids, as far as the viewer may see them."""
    return _bids_of_ids(viewer_of(actor), columns).bind(viewer=actor.user_id, ids=ids)


@rows_of(BidRow)
def _history_pages(viewer: Viewer, shape: PageShape, columns: Columns) -> Query:
    # Inside of its product's row, which is then looked up once for all bids of a page.
    of_product = (
        only(_columns(viewer), columns, "product_id", "number")
        .where(
            _visible(viewer),
            col(Bid.product_id) == col(Product.id),
            col(Bid.status) != BidStatus.CANCELLED,
        )
        .correlate(Product)
    )
    history = keyset_shape(of_product, _BY_NUMBER, shape, descending=True).lateral()
    return (
        select(history)
        .select_from(Product)
        .join(history, true())
        .where(among(col(Product.id), "parents"))
    )


def history_pages(
    actor: Actor, product_ids: Sequence[UUID], page: PageRequest, columns: Columns = None
) -> Bound[BidRow]:
    """The same page of the bid history of many auctions in one statement, newest first; every row
    carries its `product_id`. The history holds no cancelled bid, whoever looks."""
    statement = _history_pages(viewer_of(actor), page_shape(page), columns)
    values = keyset_values(_BY_NUMBER, page, BIDS_NEWEST, columns)
    return statement.bind(viewer=actor.user_id, parents=product_ids, **values)


@rows_of(ParentCount)
def _history_counts() -> Query:
    return (
        select(col(Bid.product_id).label("parent_id"), func.count().label("count"))
        .where(among(col(Bid.product_id)), col(Bid.status) != BidStatus.CANCELLED)
        .group_by(col(Bid.product_id))
    )


def history_counts(product_ids: Sequence[UUID]) -> Bound[ParentCount]:
    """How many bids the history of each auction holds; nothing for an empty one."""
    return _history_counts().bind(ids=product_ids)


OWN_BIDS = Listed(
    BidRow,
    _bids_shown,
    {None: Order("bids:own", (col(Bid.id),), descending=True)},
    conditions={"bidder_id": Condition(col(Bid.bidder_id) == given("bidder_id", Bid.bidder_id))},
)

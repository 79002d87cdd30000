"""What viewers see of bids: masked amounts and bidders, histories, own bids. Writes nothing."""

from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, false, func, select, true
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.pages import PageRequest
from core.wording import Bound
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

BIDS_NEWEST = "bids:newest"

_BY_NUMBER = [col(Bid.number)]
_BY_ID = [col(Bid.id)]
_STATEMENTS = 1_000


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


def shown_bidder(viewer: Viewer) -> Any:
    """Whether the viewer may know the bidder: seller, the bidder, admins. All others see a mask.
    Every path to a bid selects this beside the id."""
    if viewer.is_admin:
        return true()
    if viewer.is_anonymous:
        return false()
    return (col(Product.seller_id) == viewer_id()) | (col(Bid.bidder_id) == viewer_id())


def _columns(viewer: Viewer) -> Query:
    """What the viewer may know of a bid; its product must be there, joined or around it."""
    return select(
        col(Bid.id),
        col(Bid.product_id),
        col(Bid.number),
        col(Bid.bidder_id),
        shown_bidder(viewer).label("bidder_shown"),
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


@cache
def _shown(viewer: Viewer) -> Query:
    """The bids that the viewer may see, as far as they may see them: those of a product that is
    shown to them, amounts and bidders masked. Cancelled bids are not part of the history; only
    their bidder, the seller and admins see them. Run it with `viewer`."""
    joined = _columns(viewer).join(Product, col(Product.id) == col(Bid.product_id))
    return joined.where(_visible(viewer))


@lru_cache(_STATEMENTS)
def _of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_shown(viewer), columns, "id").where(among(col(Bid.id)))


def bids_by_id(actor: Actor, ids: list[UUID], columns: Columns = None) -> Bound[Any]:
    """These bids, as far as the viewer may see them."""
    values = {"viewer": actor.user_id, "ids": ids}
    return Bound(_of_ids(viewer_of(actor), columns), values)


@lru_cache(_STATEMENTS)
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
    actor: Actor, product_ids: list[UUID], page: PageRequest, columns: Columns = None
) -> Bound[Any]:
    """The same page of the bid history of many auctions in one statement, newest first; every row
    carries its `product_id`. The history holds no cancelled bid, whoever looks."""
    statement = _history_pages(viewer_of(actor), page_shape(page), columns)
    values = keyset_values(_BY_NUMBER, page, BIDS_NEWEST, columns)
    return Bound(statement, {"viewer": actor.user_id, "parents": product_ids, **values})


def history_counts(product_ids: list[UUID]) -> Query:
    """How many bids the history of each auction holds."""
    return (
        select(col(Bid.product_id), func.count())
        .where(col(Bid.product_id).in_(product_ids), col(Bid.status) != BidStatus.CANCELLED)
        .group_by(col(Bid.product_id))
    )


@lru_cache(_STATEMENTS)
def _own(viewer: Viewer, shape: PageShape) -> Query:
    statement = _shown(viewer).where(col(Bid.bidder_id) == bindparam("bidder", type_=Uuid))
    return keyset_shape(statement, _BY_ID, shape, descending=True)


def own_bids(actor: Actor, bidder_id: UUID, page: PageRequest, order: str) -> Bound[Any]:
    """A page of an account's own bids, newest first."""
    values = {"viewer": actor.user_id, "bidder": bidder_id, **keyset_values(_BY_ID, page, order)}
    return Bound(_own(viewer_of(actor), page_shape(page)), values)


def own_bid_count(bidder_id: UUID) -> Query:
    """How many bids an account has placed."""
    return select(func.count()).where(col(Bid.bidder_id) == bidder_id)

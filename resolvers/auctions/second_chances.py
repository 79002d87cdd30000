"""Second chances (spec/03-auctions.md#bidding): the seller of unsold goods offers them to a losing
bidder at that bidder's last bid. Who sees an offer, models/auctions/second_chances.py decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from auth.actor import Actor, Permission
from core.commands import Command, Filter, IdOf
from core.database import Columns, Database, UnitOfWork
from core.errors import AccountInactive, InvalidInput, NotFound, raises
from core.ids import new_id
from core.pages import ListRequest, Page
from models.auctions import BidStatus
from models.auctions import second_chances as sql
from models.auctions.auctions import (
    Auction,
    auction_of,
    bid_place,
    lock_product,
    position_after,
    store_position,
)
from models.auctions.second_chances import SecondChanceRow, SecondChanceStatus
from models.catalogue import AuctionStatus
from models.identity.accounts import is_active_account
from resolvers.auctions.bids import BidId
from resolvers.auctions.errors import SecondChanceRefused
from resolvers.auctions.events import AuctionEventKind, BidFacts, record, state_of
from resolvers.pages import in_order, read_count, read_page

# So long after the end of its auction an unsold product may be offered.
OFFERED_WITHIN = timedelta(days=60)
DAYS = (1, 3, 5, 7)


def _a_duration(days: int) -> int:
    if days not in DAYS:
        raise ValueError("must be 1, 3, 5 or 7")
    return days


SecondChanceId = Annotated[UUID, IdOf("sco")]


class OfferSecondChance(Command):
    """Unsold goods to offer to a losing bidder."""

    bid_id: Annotated[BidId, "The last bid of a bidder who lost."]
    days: Annotated[
        int, AfterValidator(_a_duration), "How long the offer stands: 1, 3, 5 or 7 days."
    ]


class AcceptSecondChance(Command):
    """A second chance to accept."""

    second_chance_id: Annotated[SecondChanceId, "The second chance."]


class DeclineSecondChance(Command):
    """A second chance to turn down."""

    second_chance_id: Annotated[SecondChanceId, "The second chance."]


class WithdrawSecondChance(Command):
    """A second chance to take back."""

    second_chance_id: Annotated[SecondChanceId, "The second chance."]


class OwnSecondChances(Filter):
    """The offers that one account made or got."""

    party_id: UUID


@dataclass(frozen=True, slots=True)
class SecondChanceFacts:
    """Which offer was made or answered, and of which product."""

    id: UUID
    product_id: UUID


async def _locked(work: UnitOfWork, product_id: UUID) -> Auction | None:
    row = await work.first(lock_product(product_id))
    return None if row is None or not row.is_active else auction_of(row)


@raises(SecondChanceRefused, AccountInactive, InvalidInput, NotFound)
async def offer_second_chance(
    work: UnitOfWork, actor: Actor, command: OfferSecondChance
) -> SecondChanceFacts:
    """Offers an auction's unsold goods to a losing bidder at the amount of their last bid, which
    the price had revealed. Its seller may and admins, until 60 days after the end; one offer at a
    time. "Unpaid", the other reason of the rule, needs orders and comes with them. Raises
    Unauthenticated, NotFound, AccountInactive, SecondChanceRefused."""
    user_id = actor.member()
    place = await work.first(bid_place(command.bid_id))
    auction = None if place is None else await _locked(work, place.product_id)
    now = await work.clock()
    if auction is None or not (
        auction.seller_id == user_id or actor.may(Permission.MANAGE_AUCTIONS)
    ):
        # Whose bid it is, is nobody's business: as if there were none.
        raise NotFound("There is no such bid.", path=["input", "bidId"])
    await _require_active(work, user_id)
    bid: Any = await work.first(sql.losing_bid(command.bid_id))
    _require_unsold(auction, bid, now)
    _require_last_losing(bid)
    if not await work.scalar(is_active_account(bid.bidder_id)):
        raise SecondChanceRefused("This bidder's account is not active: offer it to another.")
    await work.execute(sql.close_expired(now, auction.id))
    standing = await work.scalar(sql.open_offer(auction.id))
    if standing is not None:
        raise SecondChanceRefused(
            f"It is offered already, until {standing.isoformat()}: withdraw that offer first."
        )
    offer_id, expires_at = new_id(), now + timedelta(days=command.days)
    await work.execute(sql.add_offer(offer_id, auction.id, auction.seller_id, bid, now, expires_at))
    return SecondChanceFacts(offer_id, auction.id)


async def _require_active(work: UnitOfWork, user_id: UUID) -> None:
    if not await work.scalar(is_active_account(user_id)):
        raise AccountInactive("This account is archived. Log in again to restore it.")


def _require_unsold(auction: Auction, bid: Any, now: datetime) -> None:
    status = auction.status_at(now)
    if status is not AuctionStatus.SETTLED:
        raise SecondChanceRefused(f"The outcome of this auction is not recorded: it is {status}.")
    if bid.is_sold:
        raise SecondChanceRefused("This auction is sold: there is nothing left to offer.")
    if now - auction.ends_at > OFFERED_WITHIN:
        raise SecondChanceRefused("The auction ended more than 60 days ago: list the goods anew.")


def _require_last_losing(bid: Any) -> None:
    if bid.status is not BidStatus.LOST:
        raise SecondChanceRefused("This bid was taken back: choose one that lost.")
    if not bid.is_last:
        raise SecondChanceRefused("Its bidder bid again later: choose their last bid.")


async def _locked_offer(
    work: UnitOfWork, actor: Actor, offer_id: UUID
) -> tuple[Any, Auction, datetime]:
    user_id = actor.member()
    product_id = await work.scalar(sql.product_of_offer(offer_id))
    auction = None if product_id is None else await _locked(work, product_id)
    offer = None if auction is None else await work.first(sql.lock_offer(offer_id))
    now = await work.clock()
    if (
        auction is None
        or offer is None
        or not (
            user_id in (offer.seller_id, offer.bidder_id) or actor.may(Permission.MANAGE_AUCTIONS)
        )
    ):
        raise NotFound("There is no such offer.", path=["input", "secondChanceId"])
    return offer, auction, now


def _require_bidder(actor: Actor, offer: Any) -> None:
    if offer.bidder_id != actor.user_id:
        raise SecondChanceRefused("Only the bidder whom it was made to may answer this offer.")


def _stands(offer: Any, now: datetime, wanted: SecondChanceStatus) -> bool:
    """True when the offer can still be answered, False when that answer was given before."""
    status = sql.status_at(offer, now)
    if status not in (SecondChanceStatus.OPEN, wanted):
        raise SecondChanceRefused(f"This offer no longer stands: it is {status}.")
    return status is SecondChanceStatus.OPEN


@raises(SecondChanceRefused, AccountInactive, InvalidInput, NotFound)
async def accept_second_chance(
    work: UnitOfWork, actor: Actor, command: AcceptSecondChance
) -> SecondChanceFacts:
    """Accepts an offer before it expires by the database's clock: its bid wins, at its amount, and
    SETTLED is told again with the winning bid, for the order that follows. The same once more
    changes nothing. Raises Unauthenticated, NotFound, AccountInactive, SecondChanceRefused."""
    offer, auction, now = await _locked_offer(work, actor, command.second_chance_id)
    _require_bidder(actor, offer)
    await _require_active(work, offer.bidder_id)
    answer = SecondChanceStatus.ACCEPTED
    if _stands(offer, now, answer):
        await work.execute(sql.close_offer(offer.id, answer, now))
        await _sell(work, auction, offer, now)
    return SecondChanceFacts(offer.id, auction.id)


async def _sell(work: UnitOfWork, auction: Auction, offer: Any, now: datetime) -> None:
    bid: Any = await work.first(sql.losing_bid(offer.bid_id))
    await work.execute(sql.win_bid(bid.id))
    # As if nobody else had bid: who bid more does not lead any longer, because they did not buy.
    position = position_after(auction, [bid])
    price, status = offer.amount_minor, AuctionStatus.SETTLED
    await work.execute(
        store_position(
            auction,
            position,
            bid_count=auction.bid_count,
            last_bid_number=auction.last_bid_number,
            ends_at=auction.ends_at,
            status=status,
            price_minor=price,
        )
    )
    state = state_of(
        position,
        bid_count=auction.bid_count,
        ends_at=auction.ends_at,
        status=status,
        price_minor=price,
    )
    won = BidFacts(bid.id, bid.number, bid.bidder_id, price, bid.placed_at, BidStatus.WON)
    await record(work, auction.id, AuctionEventKind.SETTLED, state, now, won)


@raises(SecondChanceRefused, NotFound)
async def decline_second_chance(
    work: UnitOfWork, actor: Actor, command: DeclineSecondChance
) -> SecondChanceFacts:
    """Turns an open offer down, as its bidder; the same once more changes nothing. Raises
    Unauthenticated, NotFound, SecondChanceRefused."""
    offer, auction, now = await _locked_offer(work, actor, command.second_chance_id)
    _require_bidder(actor, offer)
    answer = SecondChanceStatus.DECLINED
    if _stands(offer, now, answer):
        await work.execute(sql.close_offer(offer.id, answer, now))
    return SecondChanceFacts(offer.id, auction.id)


@raises(SecondChanceRefused, NotFound)
async def withdraw_second_chance(
    work: UnitOfWork, actor: Actor, command: WithdrawSecondChance
) -> SecondChanceFacts:
    """Takes an open offer back, as its seller or an admin; the same once more changes nothing.
    Raises Unauthenticated, NotFound, SecondChanceRefused."""
    offer, auction, now = await _locked_offer(work, actor, command.second_chance_id)
    if offer.seller_id != actor.user_id and not actor.may(Permission.MANAGE_AUCTIONS):
        raise SecondChanceRefused("Only its seller may withdraw this offer: you can decline it.")
    answer = SecondChanceStatus.WITHDRAWN
    if _stands(offer, now, answer):
        await work.execute(sql.close_offer(offer.id, answer, now))
    return SecondChanceFacts(offer.id, auction.id)


async def close_expired_second_chances(work: UnitOfWork) -> int:
    """Closes every offer whose time is over, as of its recorded expiry; gives how many. Nothing
    waits for it: an expired offer cannot be accepted anyway."""
    return await work.execute(sql.close_expired(await work.clock()))


async def second_chances_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[SecondChanceRow | None]:
    """Loader: second chances."""
    return in_order(await database.rows(sql.second_chances_by_ids(actor, ids, columns)), ids)


def _own(actor: Actor, request: ListRequest[None, None]) -> ListRequest[OwnSecondChances, None]:
    own = OwnSecondChances(party_id=actor.member())
    return ListRequest(request.page, own, None, request.columns)


async def list_second_chances(
    database: Database, actor: Actor, request: ListRequest[None, None]
) -> Page[SecondChanceRow]:
    """A page of the offers that the actor made or got, the newest first. Raises Unauthenticated,
    BadUserInput."""
    return await read_page(database, actor, sql.OWN_SECOND_CHANCES, _own(actor, request))


async def count_second_chances(
    database: Database, actor: Actor, request: ListRequest[None, None]
) -> int:
    """How many offers the actor made or got. Raises Unauthenticated."""
    return await read_count(database, actor, sql.OWN_SECOND_CHANCES, _own(actor, request))

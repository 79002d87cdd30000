"""Loads the demo once: people, shelves, real auctions with their bids, goods and auctions that run.
Everything but the pictures' files in one transaction: a load that was killed has left nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from auth.actor import Actor, Role
from auth.passwords import Passwords
from core.database import Database, UnitOfWork
from core.ids import id_at, new_id
from core.money import Money
from core.settings import Settings
from demo.goods import GOODS, ITEMS, LOTS, SHELVES, Good, Lot
from demo.histories import EBAY_BIDS, History, read_histories
from demo.people import DEMO_DOMAIN, address_of, name_of
from demo.pictures import drawn
from gateways.storage import Storage
from models.auctions.importing import insert_many
from models.catalogue import (
    AuctionStatus,
    Category,
    Product,
    ProductCondition,
    ProductKind,
    ShippingMethod,
    Subcategory,
)
from models.catalogue.categories import lock_category
from models.identity.session_statements import lock_for
from models.media import MediaAsset
from resolvers.auctions.bids import PlaceBid, place_bid
from resolvers.auctions.importing import PastAuction, PastBid, import_auctions, play
from resolvers.identity.accounts import import_accounts
from resolvers.media.pictures import Picture, examine

DEMO_AUCTION: Final = UUID("019fc000-0000-7000-8000-0000000000a1")
"""The auction of the explorer's examples; `refresh_demo` keeps it open."""

DEMO_CATEGORY: Final = UUID("019fc000-0000-7000-8000-0000000000c1")
DEMO_SUBCATEGORY: Final = UUID("019fc000-0000-7000-8000-0000000000d1")
DEMO_PASSWORD: Final = "souk-demo-2026"  # noqa: S105  printed in the explorer, for development only

_FIRST_PICTURE: Final = UUID("019fc000-0000-7000-8000-0000000e0000")
_LOCK: Final = 7_246_014
_STEP: Final = 32
# The log keeps events for a week by default. What ended before needs none to look complete.
_LAST_END: Final = timedelta(days=8)
_SPREAD: Final = timedelta(days=42)


@dataclass(frozen=True, slots=True)
class DemoLoaded:
    """What was loaded. `refused` are the bids of the histories that the rule does not accept."""

    auctions: int
    bids: int
    refused: int
    products: int
    people: int


async def load_demo(
    database: Database, settings: Settings, progress: Callable[[int, int], None]
) -> DemoLoaded | None:
    """Loads the demo where it is not, and gives what it loaded; None when it was there. `progress`
    is told how many products of how many are done. Two at once load it once."""
    if await database.run(_is_loaded):
        return None
    histories = read_histories(EBAY_BIDS)
    pictures = await _store_pictures(Storage(settings))
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(DEMO_PASSWORD)
    finally:
        passwords.close()
    return await database.run(
        lambda work: _Load(work, progress, histories, pictures, password_hash).run()
    )


async def _is_loaded(work: UnitOfWork) -> bool:
    return await work.first(lock_category(DEMO_CATEGORY)) is not None


async def _store_pictures(storage: Storage) -> list[Picture]:
    """Draws and stores a picture for each of the goods and lots, in this order. Their ids are
    fixed: what a load that was killed left behind, the next one writes over."""
    wanted = [*(good.subcategory for good in GOODS), *(lot.subcategory for lot in LOTS)]
    pictures = await asyncio.gather(
        *(asyncio.to_thread(_examined, name, number) for number, name in enumerate(wanted))
    )
    for number, picture in enumerate(pictures):
        thumbnails = {size.value: content for size, content in picture.thumbnails.items()}
        await storage.put(_picture_id(number), {"original": picture.content, **thumbnails})
    return list(pictures)


def _examined(subcategory: str, number: int) -> Picture:
    return examine(drawn(subcategory, number), "image/png")


def _picture_id(number: int) -> UUID:
    return UUID(int=_FIRST_PICTURE.int + number)


@dataclass
class _Load:
    """One load, in one transaction."""

    work: UnitOfWork
    progress: Callable[[int, int], None]
    histories: list[History]
    pictures: list[Picture]
    password_hash: str

    async def run(self) -> DemoLoaded | None:
        await self.work.execute(lock_for(_LOCK))
        if await _is_loaded(self.work):
            return None
        self.now = await self.work.clock()
        self.total = len(self.histories) + len(GOODS) + len(LOTS)
        self.progress(0, self.total)
        await self._people()
        await self._shelves()
        bids, refused = await self._past_auctions()
        await self._goods()
        self.progress(len(self.histories) + len(GOODS), self.total)
        bids += await self._lots()
        self.progress(self.total, self.total)
        return DemoLoaded(len(self.histories), bids, refused, self.total, len(self.everybody))

    async def _people(self) -> None:
        known = [
            (f"{name}@{DEMO_DOMAIN}", full, self.password_hash)
            for name, full in (
                ("seller", "Sam Seller"),
                ("alice", "Alice Bidder"),
                ("bob", "Bob Bidder"),
            )
        ]
        names = sorted({bid.bidder for history in self.histories for bid in history.bids})
        # Nobody signs in as one of these: they have no password.
        numbered = [(address_of(name), name_of(name), None) for name in names]
        self.everybody = await import_accounts(self.work, [*known, *numbered])
        self.seller_id, *self.bidders = self.everybody
        self.by_name = dict(zip(names, self.everybody[len(known) :], strict=True))

    async def _shelves(self) -> None:
        categories: list[dict[str, Any]] = []
        parts: list[dict[str, Any]] = []
        self.places: dict[str, tuple[UUID, UUID]] = {}
        for number, shelf in enumerate(SHELVES):
            category_id = new_id() if number else DEMO_CATEGORY
            categories.append({"id": category_id, "title": shelf.title, "subtitle": shelf.subtitle})
            for name, group in shelf.parts:
                subcategory_id = new_id() if parts else DEMO_SUBCATEGORY
                parts.append(
                    {
                        "id": subcategory_id,
                        "category_id": category_id,
                        "name": name,
                        "group_name": group,
                    }
                )
                self.places[name] = (category_id, subcategory_id)
        await self.work.execute_each(insert_many(Category), categories)
        await self.work.execute_each(insert_many(Subcategory), parts)

    async def _past_auctions(self) -> tuple[int, int]:
        stored = refused = 0
        for start in range(0, len(self.histories), _STEP):
            chunk = self.histories[start : start + _STEP]
            auctions = [
                self._past_auction(history, start + place) for place, history in enumerate(chunk)
            ]
            imported = await import_auctions(self.work, auctions)
            stored, refused = stored + imported.bids, refused + imported.refused
            self.progress(start + len(chunk), self.total)
        return stored, refused

    def _past_auction(self, history: History, number: int) -> PastAuction:
        """The auction as it was, but lately. Where bidding alone does not come to the final price
        and a reserve of that price does, a hidden reserve was met."""
        # A stride that shares no divisor with their number spreads the three items evenly.
        share = number * 97 % len(self.histories) / len(self.histories)
        ends_at = self.now - _LAST_END - _SPREAD * share
        starts_at = ends_at - timedelta(days=history.days)
        item = ITEMS[history.item]
        category_id, subcategory_id = self.places[item.subcategory]
        auction = PastAuction(
            seller_id=self.seller_id,
            category_id=category_id,
            subcategory_id=subcategory_id,
            title=f"{item.title}, auction {history.auction_id}",
            description=(
                f"A real eBay auction of {history.days} days with the bids it had, from a public "
                "research data set; bidders are numbered. Only the dates were moved to the last "
                "weeks. It has ended: nothing is for sale here."
            ),
            condition=ProductCondition.USED,
            currency="USD",
            start_minor=history.opening_minor,
            reserve_minor=None,
            starts_at=starts_at,
            ends_at=ends_at,
            bids=[
                PastBid(
                    self.by_name[bid.bidder],
                    bid.amount_minor,
                    starts_at + timedelta(seconds=float(bid.at_days) * 86_400),
                )
                for bid in history.bids
            ],
        )
        final = history.final_minor
        if play(auction, reserve_minor=None).position.price != final:
            with_reserve = play(auction, reserve_minor=final).position
            if with_reserve.price == final and with_reserve.reserve_met:
                return replace(auction, reserve_minor=final)
        return auction

    async def _goods(self) -> None:
        rows = []
        for number, good in enumerate(GOODS):
            listed_at = self.now - timedelta(hours=5 * (len(GOODS) - number))
            rows.append(self._fixed_price(good, listed_at))
        await self.work.execute_each(insert_many(Product), rows)
        await self._show(0, [row["id"] for row in rows])

    def _fixed_price(self, good: Good, listed_at: datetime) -> dict[str, Any]:
        return {
            **self._shared(good, id_at(listed_at), listed_at),
            "kind": ProductKind.FIXED,
            "price_minor": good.price_minor,
            "shipping_method": good.shipping,
            "shipping_cost_minor": good.shipping_minor,
            "quantity": good.quantity,
            "quantity_available": good.quantity,
            "accept_offers": good.accept_offers,
        }

    def _shared(self, entry: Good | Lot, id_: UUID, listed_at: datetime) -> dict[str, Any]:
        category_id, subcategory_id = self.places[entry.subcategory]
        return {
            "id": id_,
            "seller_id": self.seller_id,
            "category_id": category_id,
            "subcategory_id": subcategory_id,
            "title": entry.title,
            "description": entry.description,
            "condition": entry.condition,
            "currency": "USD",
            "created_at": listed_at,
            "updated_at": listed_at,
        }

    async def _lots(self) -> int:
        rows = [self._running(lot, number) for number, lot in enumerate(LOTS)]
        await self.work.execute_each(insert_many(Product), rows)
        ids = [row["id"] for row in rows]
        await self._show(len(GOODS), ids)
        placed = 0
        for product_id, lot in zip(ids, LOTS, strict=True):
            for bidder, cents in lot.bids:
                actor = Actor(user_id=self.bidders[bidder], role=Role.USER)
                bid = PlaceBid(product_id=product_id, amount=Money(cents, "USD"))
                await place_bid(self.work, actor, bid)
                placed += 1
        return placed

    def _running(self, lot: Lot, number: int) -> dict[str, Any]:
        starts_at = self.now - timedelta(hours=lot.started_hours)
        listed_at = min(starts_at, self.now)
        to_come = starts_at > self.now
        return {
            **self._shared(lot, id_at(listed_at) if number else DEMO_AUCTION, listed_at),
            "kind": ProductKind.AUCTION,
            "price_minor": lot.start_minor,
            "shipping_method": ShippingMethod.STANDARD,
            "shipping_cost_minor": 690,
            "start_price_minor": lot.start_minor,
            "reserve_minor": lot.reserve_minor,
            "buy_now_minor": lot.buy_now_minor,
            "starts_at": starts_at,
            "ends_at": self.now + timedelta(hours=lot.ends_hours),
            "status": AuctionStatus.SCHEDULED if to_come else AuctionStatus.OPEN,
            "proxy_bidding": lot.proxy,
            "soft_close_seconds": lot.soft_close_seconds,
        }

    async def _show(self, first: int, product_ids: list[UUID]) -> None:
        """Puts the pictures from the `first` on these products, one on each."""
        rows = [
            {
                "id": _picture_id(first + place),
                "owner_id": self.seller_id,
                "product_id": product_id,
                "position": 0,
                "mime_type": picture.mime_type,
                "size": len(picture.content),
                "width": picture.width,
                "height": picture.height,
                "sha256": picture.sha256,
            }
            for place, (product_id, picture) in enumerate(
                zip(product_ids, self.pictures[first : first + len(product_ids)], strict=True)
            )
        ]
        await self.work.execute_each(insert_many(MediaAsset), rows)

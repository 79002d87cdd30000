"""The database that is measured: an embedded PostgreSQL in a folder of its own, migrated, filled by
COPY, the same for every contender."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from auth.actor import Role
from bench.contenders import SECRET
from core.database import Database
from core.embedded import EmbeddedPostgres
from core.ids import id_at, new_id
from core.migrations import migrate
from core.settings import Environment, Settings
from resolvers.auctions.importing import open_sessions
from resolvers.identity.authentication import Authenticator
from resolvers.identity.sessions import Device

BIDDERS = 16
BIDS = 5
_PEOPLE, _CATEGORIES = 2_000, 40
_DESCRIPTION = "Plain goods in good order, as one finds them in every house. " * 4
_ODD = timedelta(microseconds=123_457)  # so that every moment has all its digits


@dataclass(frozen=True, slots=True)
class House:
    """What stands in the database: products newest first, people, the URL."""

    url: str
    products: list[UUID]
    people: list[UUID]
    place: tuple[UUID, UUID]

    @property
    def bidders(self) -> list[UUID]:
        """Who bids on the hot auction."""
        return self.people[-BIDDERS:]

    async def hot_auction(self) -> UUID:
        """A fresh open auction of prices, not maxima, that starts at one dollar."""
        now, id_ = datetime.now(UTC), new_id()
        values = {
            **_auction(id_, self.people[0], self.place, now),
            "title": "Hot auction",
            "price_minor": 100,
            "start_price_minor": 100,
        }
        connection = await asyncpg.connect(self.url)
        try:
            await copy(connection, "product", [values])
        finally:
            await connection.close()
        return id_

    async def remove(self, auction: UUID) -> int:
        """Takes a hot auction away again, so that the newest products stay what they are; how many
        bids were stored for it."""
        connection = await asyncpg.connect(self.url)
        try:
            stored: str = await connection.execute("DELETE FROM bid WHERE product_id = $1", auction)
            await connection.execute("DELETE FROM product WHERE id = $1", auction)
        finally:
            await connection.close()
        return int(stored.split()[1])

    async def tokens(self) -> list[str]:
        """An access token for each of the bidders. The server must have run once: it makes the
        signing key."""
        database = Database(self.url, pool=2)
        settings = Settings(env=Environment.DEVELOPMENT, secret=SecretStr(SECRET))
        authenticator = Authenticator(database, settings)
        try:
            sessions = await database.run(
                lambda work: open_sessions(work, self.bidders, Device("bench", "127.0.0.1"))
            )
            await authenticator.look()
            made = [
                await authenticator.access_token(user_id, session_id, Role.USER)
                for user_id, session_id in sessions.items()
            ]
        finally:
            authenticator.passwords.close()
            await database.close()
        return [token.value for token in made]


@asynccontextmanager
async def house(products: int) -> AsyncIterator[House]:
    """A running database with so many products in it; stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o755)  # noqa: S103  as root the database runs as another account
        embedded = await asyncio.to_thread(EmbeddedPostgres, Path(name) / "postgres")
        try:
            url = embedded.url
            await migrate(url)
            yield await fill(url, products)
        finally:
            embedded.stop()


async def fill(url: str, products: int, bidding: int = 20_000) -> House:
    """Puts auctions with two pictures each into a migrated database, and five bids on each of the
    newest `bidding`."""
    connection = await asyncpg.connect(url)
    try:
        # As Souk's own connections have it: for all contenders the same.
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{name}" SET jit = off')
        now = datetime.now(UTC).replace(microsecond=0) + _ODD
        people = [new_id() for _ in range(_PEOPLE)]
        rows = [
            {
                "id": id_,
                "email": f"person{number}@bench.example",
                "fullname": f"{_FIRST[number % 12]} {_LAST[number // 12 % 11]} {number}",
            }
            for number, id_ in enumerate(people)
        ]
        await copy(connection, "user_account", rows)
        places = await _places(connection)
        ids = [id_at(now - timedelta(seconds=number + 1)) for number in range(products)]
        listed = [
            _listed(n, id_, people, places[n % _CATEGORIES], now, n < bidding)
            for n, id_ in enumerate(ids)
        ]
        await copy(connection, "product", listed)
        await copy(connection, "media_asset", _pictures(ids, people, now))
        await copy(connection, "bid", _bids(ids[:bidding], people, now))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return House(url, ids, people, places[0])


_FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gina", "Hugo", "Ida", "Jon", "Kim", "Leo")
_LAST = ("Abel", "Berg", "Cole", "Dorn", "Ernst", "Ford", "Gray", "Hall", "Jung", "Kern", "Lang")
_GOODS = ("Camera", "Lamp", "Chair", "Guitar", "Clock", "Bicycle", "Radio", "Vase", "Table", "Bed")


async def copy(connection: asyncpg.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(rows[0])
    await connection.copy_records_to_table(
        table, records=[tuple(row.values()) for row in rows], columns=columns
    )


async def _places(connection: asyncpg.Connection) -> list[tuple[UUID, UUID]]:
    places = [(new_id(), new_id()) for _ in range(_CATEGORIES)]
    await copy(
        connection,
        "category",
        [{"id": own, "title": f"Category {n}"} for n, (own, _) in enumerate(places)],
    )
    await copy(
        connection,
        "subcategory",
        [
            {"id": own, "category_id": category, "name": "All", "group_name": "MORE"}
            for category, own in places
        ],
    )
    return places


def _auction(id_: UUID, seller: UUID, place: tuple[UUID, UUID], now: datetime) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": "AUCTION",
        "seller_id": seller,
        "category_id": place[0],
        "subcategory_id": place[1],
        "title": "Goods",
        "description": _DESCRIPTION,
        "condition": "USED",
        "currency": "USD",
        "price_minor": 1_000,
        "shipping_method": "FREE",
        "shipping_cost_minor": 0,
        "start_price_minor": 1_000,
        "starts_at": now - timedelta(hours=6),
        "ends_at": now + timedelta(days=7),
        "status": "OPEN",
        "proxy_bidding": False,
    }


def _price(number: int, place: int) -> int:
    return 2_000 + number % 900 * 10 + 500 * place


def _bidder(number: int, place: int) -> int:
    return (number * 7 + place * 3 + 1) % (_PEOPLE - BIDDERS)


def _listed(
    number: int,
    id_: UUID,
    people: list[UUID],
    place: tuple[UUID, UUID],
    now: datetime,
    bidding: bool,
) -> dict[str, Any]:
    seller = people[(number * 7) % (_PEOPLE - BIDDERS)]
    highest = _price(number, BIDS - 1)
    return {
        **_auction(id_, seller, place, now),
        "title": f"{_GOODS[number % 10]} number {number}, in good order",
        "ends_at": now + timedelta(days=7, minutes=number),
        "price_minor": highest if bidding else 1_000,
        "bid_count": BIDS if bidding else 0,
        "last_bid_number": BIDS if bidding else 0,
        "leader_id": people[_bidder(number, BIDS - 1)] if bidding else None,
        "leader_max_minor": highest if bidding else None,
        "runner_up_max_minor": _price(number, BIDS - 2) if bidding else None,
    }


def _bids(ids: list[UUID], people: list[UUID], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "product_id": product,
            "bidder_id": people[_bidder(number, place)],
            "number": place + 1,
            "amount_minor": _price(number, place),
            "placed_at": now - timedelta(minutes=BIDS - place),
        }
        for number, product in enumerate(ids)
        for place in range(BIDS)
    ]


def _pictures(ids: list[UUID], people: list[UUID], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": id_at(now),
            "owner_id": people[0],
            "product_id": product,
            "position": position,
            "mime_type": "image/jpeg",
            "size": 100_000,
            "width": 1_600,
            "height": 1_200,
            "sha256": "0" * 64,
        }
        for product in ids
        for position in range(2)
    ]

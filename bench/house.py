"""The house that is measured: a server process with a database of its own, and what is in it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from auth.actor import Role
from core.database import Database, UnitOfWork
from core.embedded import running_url
from core.ids import id_at, new_id
from core.settings import Environment, Settings
from models.auctions.reading import history_counts
from models.bulk import insert_many
from models.catalogue import (
    AuctionStatus,
    Category,
    Product,
    ProductCondition,
    ProductKind,
    ShippingMethod,
    Subcategory,
    SubcategoryGroup,
)
from models.media import MediaAsset
from resolvers.authentication import Authenticator
from resolvers.identity.accounts import import_accounts
from resolvers.identity.sessions import Device
from resolvers.importing import PastAuction, PastBid, import_auctions, open_sessions

ROOT = Path(__file__).resolve().parent.parent
PRODUCTS = 2_000
BIDDERS = 16
_SELLERS = 50
_STARTS_WITHIN = 60.0


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """A server as `make run` starts it, without demo data and with budgets that are never spent;
    its port. Stopped with its database afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    unwanted = {"DATABASE_URL", "DATABASE_READ_URL", "BROADCAST_URL", "WEB_CONCURRENCY", "HOST"}
    own = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment = {
        **{name: value for name, value in own.items() if not name.startswith("SOUK_")},
        "PORT": str(port),
        "SOUK_DATA_DIR": str(folder),
        "SOUK_DEMO": "false",
        "SOUK_ADMIN_PASSWORD": "bench-only-0815-horse",
        "SOUK_LIMIT_BUDGET_ACTOR": "1000000000",
        "SOUK_LIMIT_BUDGET_ADDRESS": "1000000000",
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "serve"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class House:
    """What stands in the database: the ids of its products, and the bidders' tokens."""

    url: str
    product_ids: list[UUID]
    seller_id: UUID
    place: tuple[UUID, UUID]
    bidder_ids: list[UUID]
    tokens: list[str]
    database: Database

    async def hot_auction(self) -> UUID:
        """A fresh open auction that starts at one dollar."""
        now = datetime.now(UTC)
        row = {
            "id": new_id(),
            "kind": ProductKind.AUCTION,
            "seller_id": self.seller_id,
            "category_id": self.place[0],
            "subcategory_id": self.place[1],
            "title": "Hot auction",
            "description": "Everybody wants it.",
            "condition": ProductCondition.USED,
            "currency": "USD",
            "price_minor": 100,
            "shipping_method": ShippingMethod.FREE,
            "shipping_cost_minor": 0,
            "start_price_minor": 100,
            "starts_at": now - timedelta(hours=1),
            "ends_at": now + timedelta(hours=1),
            "status": AuctionStatus.OPEN,
            "proxy_bidding": False,
        }
        await self.database.run(lambda work: work.execute(insert_many(Product), [row]))
        return row["id"]  # type: ignore[return-value]  # the one value of the row that is a UUID

    async def stored_bids(self, auction: UUID) -> int:
        """How many bids of an auction are stored."""
        row = await self.database.first(history_counts([auction]))
        return 0 if row is None else int(row[1])


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Puts 2,000 products with sellers, pictures and bids into the server's database."""
    url = running_url(folder / "postgres")
    assert url is not None, "the server's database does not run"
    database = Database(url, pool=4)
    authenticator = Authenticator(database, Settings(env=Environment.DEVELOPMENT))
    try:
        built = await database.run(_build)
        await authenticator.look()
        tokens = [
            (await authenticator.access_token(user_id, session_id, Role.USER)).value
            for user_id, session_id in built.sessions.items()
        ]
        bidders = list(built.sessions)
        yield House(url, built.products, built.seller, built.place, bidders, tokens, database)
    finally:
        authenticator.passwords.close()
        await database.close()


@dataclass(frozen=True, slots=True)
class _Built:
    products: list[UUID]
    seller: UUID
    place: tuple[UUID, UUID]
    sessions: dict[UUID, UUID]


async def _build(work: UnitOfWork) -> _Built:
    names = [f"seller{number}" for number in range(_SELLERS)]
    names += [f"bidder{number}" for number in range(BIDDERS)]
    people = [(f"{name}@bench.example", name.title(), None) for name in names]
    ids = await import_accounts(work, people)
    sellers, bidders = ids[:_SELLERS], ids[_SELLERS:]
    category, subcategory = new_id(), new_id()
    await work.execute(insert_many(Category), [{"id": category, "title": "Goods"}])
    shelf: dict[str, Any] = {"id": subcategory, "category_id": category, "name": "All"}
    await work.execute(insert_many(Subcategory), [{**shelf, "group_name": SubcategoryGroup.MORE}])
    now = datetime.now(UTC)
    auctions = [
        _auction(number, sellers, bidders, (category, subcategory), now)
        for number in range(PRODUCTS)
    ]
    products = await import_auctions(work, auctions)
    pictures = [
        _picture(product, auction.seller_id)
        for product, auction in zip(products.ids, auctions, strict=True)
    ]
    await work.execute(insert_many(MediaAsset), pictures)
    sessions = await open_sessions(work, bidders, Device("bench", "127.0.0.1"))
    return _Built(products.ids, sellers[0], (category, subcategory), sessions)


def _auction(
    number: int, sellers: list[UUID], bidders: list[UUID], place: tuple[UUID, UUID], now: datetime
) -> PastAuction:
    ends_at = now - timedelta(minutes=number + 1)
    starts_at = ends_at - timedelta(days=3)
    return PastAuction(
        seller_id=sellers[number % len(sellers)],
        category_id=place[0],
        subcategory_id=place[1],
        title=f"Goods number {number}",
        description="Plain goods in good order, as one finds them in every house. " * 4,
        condition=ProductCondition.USED,
        currency="USD",
        start_minor=1_000,
        reserve_minor=None,
        starts_at=starts_at,
        ends_at=ends_at,
        bids=[
            PastBid(
                bidders[(number + place_) % BIDDERS],
                2_000 + 500 * place_,
                starts_at + timedelta(hours=place_ + 1),
            )
            for place_ in range(5)
        ],
    )


def _picture(product_id: UUID, owner_id: UUID) -> dict[str, Any]:
    return {
        "id": id_at(datetime.now(UTC)),
        "owner_id": owner_id,
        "product_id": product_id,
        "position": 0,
        "mime_type": "image/png",
        "size": 1_000,
        "width": 640,
        "height": 480,
        "sha256": "0" * 64,
    }


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when the measurement ends; the database may run as another account."""
    folder = tempfile.TemporaryDirectory(prefix="souk-bench-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    return folder


async def shortly() -> None:
    """Lets a server settle between two runs."""
    await asyncio.sleep(0.5)

"""The usual way, to be compared with: stock Strawberry with its own execution context, a dataloader
for each relation, SQLModel entities through sessions. Read documents are cached, as Strawberry's
documentation recommends. Same tables and same schema, as far as they are measured."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ARRAY, Uuid, func, literal
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from auth.pseudonyms import masked_name, pseudonym
from bench.stack import POOL, base_url, configure
from core.ids import decode_id, encode_id
from core.migrations import async_url
from models import auctions as auction_tables
from models import catalogue, media
from models.identity import users

NodeT = TypeVar("NodeT")
_DATE_TIME = strawberry.scalar(
    name="DateTime",
    serialize=lambda value: value.isoformat().replace("+00:00", "Z"),
    parse_value=datetime.fromisoformat,
)
Sessions = Callable[[], AsyncSession]


@strawberry.enum
class ProductCondition(StrEnum):
    """In what state the goods are."""

    BRAND_NEW = "BRAND_NEW"
    NEW = "NEW"
    USED = "USED"


@strawberry.enum
class AuctionStatus(StrEnum):
    """Where an auction stands."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


@strawberry.type
class Connection(Generic[NodeT]):
    """A page of a list."""

    nodes: list[NodeT]


@strawberry.type
class Money:
    """An amount and its currency."""

    amount: str
    currency: str


def _money(minor: int, currency: str) -> Money:
    return Money(amount=f"{minor // 100}.{minor % 100:02d}", currency=currency)


@strawberry.type
class PublicUser:
    """A person as everybody sees them."""

    id: strawberry.ID
    fullname: str


@strawberry.type
class Category:
    """A category of goods."""

    id: strawberry.ID
    title: str


@strawberry.type
class MediaAsset:
    """A picture."""

    width: int
    height: int
    row: strawberry.Private[media.MediaAsset]

    @strawberry.field
    def url(self) -> str:
        """Where anybody gets it."""
        return f"{base_url()}/media/{encode_id('med', self.row.id)}"


@strawberry.type
class Bid:
    """An accepted bid."""

    amount: Money
    placed_at: datetime
    row: strawberry.Private[auction_tables.Bid]

    @strawberry.field
    async def bidder(self, info: Info) -> PublicUser:
        """Who bid, under a mask."""
        user = await info.context["users"].load(self.row.bidder_id)
        return PublicUser(
            id=strawberry.ID(encode_id("usr", UUID(bytes=pseudonym(self.row.product_id, user.id)))),
            fullname=masked_name(user.fullname),
        )


@strawberry.interface
class Product:
    """Goods for sale."""

    id: strawberry.ID
    title: str
    description: str
    condition: ProductCondition
    row: strawberry.Private[catalogue.Product]

    @strawberry.field
    async def seller(self, info: Info) -> PublicUser:
        """Who sells it."""
        user = await info.context["users"].load(self.row.seller_id)
        return PublicUser(id=strawberry.ID(encode_id("usr", user.id)), fullname=user.fullname)

    @strawberry.field
    async def category(self, info: Info) -> Category:
        """The category that it is in."""
        row = await info.context["categories"].load(self.row.category_id)
        return Category(id=strawberry.ID(encode_id("cat", row.id)), title=row.title)

    @strawberry.field
    async def media(self, info: Info) -> list[MediaAsset]:
        """Its pictures."""
        rows = await info.context["media"].load(self.row.id)
        return [MediaAsset(width=row.width, height=row.height, row=row) for row in rows]


@strawberry.type
class AuctionProduct(Product):
    """Goods sold to the highest bidder."""

    ends_at: datetime
    bid_count: int
    current_price: Money

    @strawberry.field
    def status(self) -> AuctionStatus:
        """Where the auction stands, by the clock."""
        row, now = self.row, datetime.now(UTC)
        assert row.status is not None
        assert row.starts_at is not None
        stored = AuctionStatus(row.status.value)
        if stored not in (AuctionStatus.SCHEDULED, AuctionStatus.OPEN):
            return stored
        if now < row.starts_at:
            return AuctionStatus.SCHEDULED
        return AuctionStatus.OPEN if now < self.ends_at else AuctionStatus.ENDED

    @strawberry.field
    async def bids(self, info: Info, first: int = 20) -> Connection[Bid]:
        """The highest bids."""
        rows = await info.context["bids"].load((self.row.id, first))
        price, currency = self.row.price_minor, self.row.currency
        nodes = [
            Bid(
                amount=_money(min(row.amount_minor, price), currency),
                placed_at=row.placed_at,
                row=row,
            )
            for row in rows
        ]
        return Connection(nodes=nodes)


def _product(row: catalogue.Product) -> AuctionProduct:
    assert row.ends_at is not None
    return AuctionProduct(
        id=strawberry.ID(encode_id("prd", row.id)),
        title=row.title,
        description=row.description,
        condition=ProductCondition(row.condition.value),
        row=row,
        ends_at=row.ends_at,
        bid_count=row.bid_count,
        current_price=_money(row.price_minor, row.currency),
    )


@strawberry.type
class Query:
    """Reading."""

    @strawberry.field
    async def products(self, info: Info, first: int = 20) -> Connection[Product]:
        """The newest products."""
        statement = (
            select(catalogue.Product)
            .where(col(catalogue.Product.is_active))
            .order_by(col(catalogue.Product.id).desc())
            .limit(first)
        )
        async with info.context["sessions"]() as session:
            rows = (await session.exec(statement)).all()
        return Connection(nodes=[_product(row) for row in rows])

    @strawberry.field
    async def product(self, info: Info, id: strawberry.ID) -> Product | None:
        """One product."""
        async with info.context["sessions"]() as session:
            row = await session.get(catalogue.Product, decode_id("prd", id, "id"))
        return None if row is None or not row.is_active else _product(row)


def _by_id(sessions: Sessions, table: Any) -> DataLoader[UUID, Any]:
    async def load(ids: list[UUID]) -> list[Any]:
        async with sessions() as session:
            rows = (await session.exec(select(table).where(col(table.id).in_(ids)))).all()
        found = {row.id: row for row in rows}
        return [found.get(id_) for id_ in ids]

    return DataLoader(load)


def _media(sessions: Sessions) -> DataLoader[UUID, list[media.MediaAsset]]:
    async def load(ids: list[UUID]) -> list[list[media.MediaAsset]]:
        statement = (
            select(media.MediaAsset)
            .where(col(media.MediaAsset.product_id).in_(ids), col(media.MediaAsset.is_active))
            .order_by(col(media.MediaAsset.product_id), col(media.MediaAsset.position))
        )
        found = defaultdict(list)
        async with sessions() as session:
            for row in (await session.exec(statement)).all():
                found[row.product_id].append(row)
        return [found[id_] for id_ in ids]

    return DataLoader(load)


def _bids(sessions: Sessions) -> DataLoader[tuple[UUID, int], list[auction_tables.Bid]]:
    table = auction_tables.Bid

    async def load(keys: list[tuple[UUID, int]]) -> list[list[auction_tables.Bid]]:
        most = max(first for _, first in keys)
        ids = literal([id_ for id_, _ in keys], ARRAY(Uuid))
        parents = select(func.unnest(ids).label("id")).subquery()
        highest = (
            select(table)
            .where(table.product_id == parents.c.id, table.status != "CANCELLED")
            .order_by(col(table.number).desc())
            .limit(most)
            .lateral()
        )
        entity = aliased(table, highest)
        statement = select(entity).select_from(parents).join(highest, literal(True))
        found = defaultdict(list)
        async with sessions() as session:
            for row in (await session.exec(statement)).all():
                found[row.product_id].append(row)
        return [found[id_][:first] for id_, first in keys]

    return DataLoader(load)


class Usual(GraphQL[dict[str, Any], None]):
    """Strawberry's ASGI view with fresh dataloaders for each request."""

    sessions: Sessions

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        """What resolvers reach."""
        sessions = self.sessions
        return {
            "sessions": sessions,
            "users": _by_id(sessions, users.User),
            "categories": _by_id(sessions, catalogue.Category),
            "media": _media(sessions),
            "bids": _bids(sessions),
        }


def create_app() -> Starlette:
    """The application over DATABASE_URL."""
    schema = strawberry.Schema(
        Query,
        types=[AuctionProduct],
        extensions=[lambda: ParserCache(512), lambda: ValidationCache(512)],
        config=StrawberryConfig(scalar_map={datetime: _DATE_TIME}),
    )
    view = Usual(schema, graphql_ide=None)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        configure()
        engine = create_async_engine(
            async_url(os.environ["DATABASE_URL"]), pool_size=POOL, max_overflow=0
        )
        view.sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", view)], lifespan=lifespan)


app = create_app()

"""Uploaded pictures: the table, who may see which row, and the statements over it. The bytes lie in
object storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Uuid,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlmodel import Field, col

from auth.actor import Actor
from core.database import Columns
from core.pages import PageRequest
from core.wording import Bound
from models.base import (
    Moment,
    Query,
    Table,
    Viewer,
    among,
    keyset_page,
    only,
    text_of,
    viewer_of,
)
from models.catalogue import Product
from models.identity.users import User
from models.media.avatars import avatars_since

MEDIA_NEWEST = "media:newest"
_STATEMENTS = 1_000


class MediaAsset(Table, table=True):
    """One uploaded picture. `position` orders the pictures of a product, 0 first; an asset attached
    to nothing is removed after 24 hours (spec/03-auctions.md#catalogue)."""

    __tablename__ = "media_asset"
    __table_args__ = (
        CheckConstraint("size BETWEEN 1 AND 10485760", name="size_range"),
        CheckConstraint("(product_id IS NULL) = (position IS NULL)", name="position_of_attached"),
        CheckConstraint(
            "(product_id IS NULL) = (unattached_since IS NOT NULL)", name="unattached_since_when"
        ),
        CheckConstraint("position BETWEEN 0 AND 11", name="twelve_a_product"),
        Index(
            "uq_media_asset_position",
            "product_id",
            "position",
            unique=True,
            postgresql_where=text("is_active"),
        ),
        Index("ix_media_asset_owner", "owner_id", "id"),
        Index(
            "ix_media_asset_orphans",
            "unattached_since",
            postgresql_where=text("product_id IS NULL"),
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    product_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("product.id")))
    position: int | None = Field(sa_column=Column(Integer))
    unattached_since: datetime | None = Field(sa_column=Column(Moment))
    mime_type: str = Field(sa_column=Column(text_of(40), nullable=False))
    size: int = Field(sa_column=Column(Integer, nullable=False))
    width: int = Field(sa_column=Column(Integer, nullable=False))
    height: int = Field(sa_column=Column(Integer, nullable=False))
    sha256: str = Field(sa_column=Column(text_of(64), nullable=False))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


@cache
def _shown(viewer: Viewer) -> Query:
    statement: Query = select(
        col(MediaAsset.id),
        col(MediaAsset.product_id),
        col(MediaAsset.mime_type),
        col(MediaAsset.size),
        col(MediaAsset.width),
        col(MediaAsset.height),
        col(MediaAsset.sha256),
        col(MediaAsset.created_at),
    )
    return statement if viewer.is_admin else statement.where(col(MediaAsset.is_active))


def media_visible_to(actor: Actor) -> Query:
    """The pictures that the viewer may see: active ones, admins all (coverage.csv,
    getProductListingMedia)."""
    return _shown(viewer_of(actor))


@lru_cache(_STATEMENTS)
def _of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_shown(viewer), columns, "id").where(among(col(MediaAsset.id)))


def media_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[Any]:
    """These pictures, as far as the viewer may see them."""
    return Bound(_of_ids(viewer_of(actor), columns), {"ids": ids})


@lru_cache(_STATEMENTS)
def _of_products(viewer: Viewer, columns: Columns) -> Query:
    return (
        only(_shown(viewer), columns, "id", "product_id")
        .where(among(col(MediaAsset.product_id)), col(MediaAsset.is_active))
        .order_by(col(MediaAsset.product_id), col(MediaAsset.position))
    )


def media_of(actor: Actor, product_ids: Sequence[UUID], columns: Columns = None) -> Bound[Any]:
    """The active pictures of these products, in their order."""
    return Bound(_of_products(viewer_of(actor), columns), {"ids": product_ids})


def media_ids_of(product_id: UUID) -> Query:
    """The ids of a product's active pictures, in their order."""
    return (
        select(col(MediaAsset.id))
        .where(col(MediaAsset.product_id) == product_id, col(MediaAsset.is_active))
        .order_by(col(MediaAsset.position))
    )


@dataclass(frozen=True, slots=True)
class MediaWishes:
    """Which pictures a list holds; None means any. `orphans` are those attached to nothing."""

    orphans: bool | None = None


def _wished(actor: Actor, wishes: MediaWishes) -> Query:
    statement = media_visible_to(actor)
    if wishes.orphans is None:
        return statement
    alone = col(MediaAsset.product_id).is_(None)
    return statement.where(alone if wishes.orphans else ~alone)


def media_page(actor: Actor, wishes: MediaWishes, page: PageRequest) -> Query:
    """One page of pictures, newest first."""
    columns = [MediaAsset.id]
    return keyset_page(_wished(actor, wishes), columns, page, MEDIA_NEWEST, descending=True)


def media_count(actor: Actor, wishes: MediaWishes) -> Query:
    """How many pictures the list holds."""
    return select(func.count()).select_from(_wished(actor, wishes).subquery())


def uploader(owner_id: UUID, since: datetime) -> Query:
    """Whether the account is active, and how many pictures it has uploaded `since`, avatars
    included."""
    uploads: Any = (
        select(func.count())
        .where(col(MediaAsset.owner_id) == owner_id, col(MediaAsset.created_at) >= since)
        .scalar_subquery()
    )
    uploads = uploads + avatars_since(owner_id, since).scalar_subquery()
    return select(col(User.is_active), uploads.label("uploads")).where(col(User.id) == owner_id)


def insert_media(values: dict[str, Any]) -> Any:
    """Writes a new picture, attached to nothing yet."""
    return insert(MediaAsset).values(unattached_since=func.now(), **values)


def lock_media(asset_id: UUID) -> Query:
    """Locks one picture with what decides who may delete it."""
    return (
        select(
            col(MediaAsset.id),
            col(MediaAsset.owner_id),
            col(MediaAsset.product_id),
            col(MediaAsset.is_active),
        )
        .where(col(MediaAsset.id) == asset_id)
        .with_for_update()
    )


def lock_media_of(product_id: UUID, asset_ids: Sequence[UUID]) -> Query:
    """Locks the named pictures and those of the product, in the order of their ids, so that two
    writers never wait for each other."""
    return (
        select(
            col(MediaAsset.id),
            col(MediaAsset.owner_id),
            col(MediaAsset.product_id),
            col(MediaAsset.is_active),
        )
        .where(
            or_(col(MediaAsset.id).in_(asset_ids), col(MediaAsset.product_id) == product_id),
        )
        .order_by(col(MediaAsset.id))
        .with_for_update()
    )


def seller_of(product_id: UUID) -> Query:
    """Who sells the product."""
    return select(col(Product.seller_id)).where(col(Product.id) == product_id)


def detach_media(product_id: UUID) -> Any:
    """Takes all active pictures off the product; they are attached to nothing from now on."""
    return (
        update(MediaAsset)
        .where(col(MediaAsset.product_id) == product_id, col(MediaAsset.is_active))
        .values(product_id=None, position=None, unattached_since=func.now())
    )


def place_media(product_id: UUID, asset_ids: Sequence[UUID]) -> Any:
    """Puts these pictures on the product in this order."""
    places = {asset_id: place for place, asset_id in enumerate(asset_ids)}
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id).in_(asset_ids))
        .values(
            product_id=product_id,
            position=case(places, value=col(MediaAsset.id)),
            unattached_since=None,
        )
    )


def archive_media(asset_id: UUID, moment: datetime) -> Any:
    """Takes one picture out of sight, softly; it stays where it was attached."""
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id) == asset_id)
        .values(is_active=False, archived_at=moment)
    )


def condemn_orphans(before: datetime, now: datetime, batch: int) -> Any:
    """Takes pictures out of sight that have been attached to nothing since before `before`, the
    oldest first, and gives their ids; those that somebody is just attaching are left alone."""
    due = (
        select(col(MediaAsset.id))
        .where(col(MediaAsset.product_id).is_(None), col(MediaAsset.unattached_since) < before)
        .order_by(col(MediaAsset.unattached_since), col(MediaAsset.id))
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id).in_(due))
        .values(is_active=False, archived_at=func.coalesce(col(MediaAsset.archived_at), now))
        .returning(col(MediaAsset.id))
    )


def remove_condemned(asset_ids: Sequence[UUID]) -> Any:
    """Removes the rows of condemned pictures whose files are gone."""
    return delete(MediaAsset).where(
        col(MediaAsset.id).in_(asset_ids),
        col(MediaAsset.product_id).is_(None),
        ~col(MediaAsset.is_active),
    )

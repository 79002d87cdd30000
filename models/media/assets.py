"""Pictures of goods: who sees which, their lists, and what writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Uuid, any_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from auth.actor import Actor
from core.database import Columns
from core.wording import Bound, Row
from models.base import Moment, Query, Viewer, among, only, viewer_of
from models.identity.users import User
from models.lists import Choice, Listed, Order
from models.media.avatars import avatars_since
from models.media.tables import MediaAsset
from models.statements import given, inserting, new, rows_of, written


class AssetRow(Row):
    """A picture as its viewer sees it. `size` is in bytes, width and height in pixels."""

    id: UUID
    product_id: UUID | None
    mime_type: str
    size: int
    width: int
    height: int
    sha256: str
    created_at: datetime


class AssetId(Row):
    """The id of a picture."""

    id: UUID


class LockedAsset(Row):
    """What decides who may do what to a picture, locked."""

    id: UUID
    owner_id: UUID
    product_id: UUID | None
    is_active: bool


class Uploader(Row):
    """Whether an account is active, and how many pictures it has uploaded of late."""

    is_active: bool
    uploads: int


def _assets_shown(viewer: Viewer) -> Query:
    """The pictures that the viewer may see: active ones, admins all (coverage.csv,
    getProductListingMedia)."""
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


@rows_of(AssetRow)
def _assets_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_assets_shown(viewer), columns, "id").where(among(col(MediaAsset.id)))


def assets_by_ids(actor: Actor, ids: Sequence[UUID], columns: Columns = None) -> Bound[AssetRow]:
    """These pictures, as far as the viewer may see them."""
    return _assets_of_ids(viewer_of(actor), columns).bind(ids=ids)


@rows_of(AssetRow)
def _assets_of_products(viewer: Viewer, columns: Columns) -> Query:
    return (
        only(_assets_shown(viewer), columns, "id", "product_id")
        .where(among(col(MediaAsset.product_id)), col(MediaAsset.is_active))
        .order_by(col(MediaAsset.product_id), col(MediaAsset.position))
    )


def assets_of_products(
    actor: Actor, product_ids: Sequence[UUID], columns: Columns = None
) -> Bound[AssetRow]:
    """The active pictures of these products, in their order."""
    return _assets_of_products(viewer_of(actor), columns).bind(ids=product_ids)


@rows_of(AssetId)
def _asset_ids_of() -> Query:
    return (
        select(col(MediaAsset.id))
        .where(col(MediaAsset.product_id) == given("id", MediaAsset.id), col(MediaAsset.is_active))
        .order_by(col(MediaAsset.position))
    )


def asset_ids_of(product_id: UUID) -> Bound[AssetId]:
    """The ids of a product's active pictures, in their order."""
    return _asset_ids_of().bind(id=product_id)


_ALONE = col(MediaAsset.product_id).is_(None)
ASSETS = Listed(
    AssetRow,
    _assets_shown,
    {None: Order("media:newest", (col(MediaAsset.id),), descending=True)},
    conditions={"orphans": Choice(lambda alone: _ALONE if alone else ~_ALONE)},
)


@rows_of(Uploader)
def _uploader() -> Query:
    owner_id, since = given("id", User.id), bindparam("since", type_=Moment)
    own: Any = (
        select(func.count())
        .where(col(MediaAsset.owner_id) == owner_id, col(MediaAsset.created_at) >= since)
        .scalar_subquery()
    )
    uploads = own + avatars_since(owner_id, since)
    return select(col(User.is_active), uploads.label("uploads")).where(col(User.id) == owner_id)


def uploader(owner_id: UUID, since: datetime) -> Bound[Uploader]:
    """Whether the account is active, and how many pictures it has uploaded `since`, avatars
    included."""
    return _uploader().bind(id=owner_id, since=since)


@written
def _add_asset(names: frozenset[str]) -> Any:
    return inserting(MediaAsset, names).values(unattached_since=func.now())


def add_asset(values: Mapping[str, Any]) -> Bound[None]:
    """Writes a new picture, attached to nothing yet."""
    return _add_asset(frozenset(values)).bind(**new(values))


def _locked() -> Query:
    return select(
        col(MediaAsset.id),
        col(MediaAsset.owner_id),
        col(MediaAsset.product_id),
        col(MediaAsset.is_active),
    )


@rows_of(LockedAsset)
def _lock_asset() -> Query:
    return _locked().where(col(MediaAsset.id) == given("id", MediaAsset.id)).with_for_update()


def lock_asset(asset_id: UUID) -> Bound[LockedAsset]:
    """Locks one picture with what decides who may delete it."""
    return _lock_asset().bind(id=asset_id)


@rows_of(LockedAsset)
def _lock_assets_of() -> Query:
    of_product = col(MediaAsset.product_id) == given("product", MediaAsset.id)
    return (
        _locked()
        .where(or_(among(col(MediaAsset.id)), of_product))
        .order_by(col(MediaAsset.id))
        .with_for_update()
    )


def lock_assets_of(product_id: UUID, asset_ids: Sequence[UUID]) -> Bound[LockedAsset]:
    """Locks the named pictures and those of the product, in the order of their ids, so that two
    writers never wait for each other."""
    return _lock_assets_of().bind(product=product_id, ids=asset_ids)


@written
def _detach_assets() -> Any:
    return (
        update(MediaAsset)
        .where(col(MediaAsset.product_id) == given("id", MediaAsset.id), col(MediaAsset.is_active))
        .values(product_id=None, position=None, unattached_since=func.now())
    )


def detach_assets(product_id: UUID) -> Bound[None]:
    """Takes all active pictures off the product; they are attached to nothing from now on."""
    return _detach_assets().bind(id=product_id)


@written
def _place_assets() -> Any:
    ids = bindparam("ids", type_=ARRAY(Uuid))
    place = func.array_position(ids, col(MediaAsset.id), type_=Integer) - 1
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id) == any_(ids))
        .values(
            product_id=given("product", MediaAsset.id),
            position=case((place.is_not(None), place)),
            unattached_since=None,
        )
    )


def place_assets(product_id: UUID, asset_ids: Sequence[UUID]) -> Bound[None]:
    """Puts these pictures on the product in this order."""
    return _place_assets().bind(product=product_id, ids=asset_ids)


@written
def _archive_asset() -> Any:
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id) == given("row_id", MediaAsset.id))
        .values(is_active=False, archived_at=bindparam("moment", type_=Moment))
    )


def archive_asset(asset_id: UUID, moment: datetime) -> Bound[None]:
    """Takes one picture out of sight, softly; it stays where it was attached."""
    return _archive_asset().bind(row_id=asset_id, moment=moment)


@rows_of(AssetId)
def _condemn_orphans() -> Any:
    before, now = bindparam("before", type_=Moment), bindparam("moment", type_=Moment)
    due = (
        select(col(MediaAsset.id))
        .where(_ALONE, col(MediaAsset.unattached_since) < before)
        .order_by(col(MediaAsset.unattached_since), col(MediaAsset.id))
        .limit(bindparam("batch", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    return (
        update(MediaAsset)
        .where(col(MediaAsset.id).in_(due))
        .values(is_active=False, archived_at=func.coalesce(col(MediaAsset.archived_at), now))
        .returning(col(MediaAsset.id))
    )


def condemn_orphans(before: datetime, now: datetime, batch: int) -> Bound[AssetId]:
    """Takes pictures out of sight that have been attached to nothing since before `before`, the
    oldest first, and gives their ids; those that somebody is just attaching are left alone."""
    return _condemn_orphans().bind(before=before, moment=now, batch=batch)


@written
def _remove_condemned() -> Any:
    return delete(MediaAsset).where(among(col(MediaAsset.id)), _ALONE, ~col(MediaAsset.is_active))


def remove_condemned(asset_ids: Sequence[UUID]) -> Bound[None]:
    """Removes the rows of condemned pictures whose files are gone."""
    return _remove_condemned().bind(ids=asset_ids)

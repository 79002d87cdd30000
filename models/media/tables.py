"""Pictures of goods and of people: tables and constraints. The bytes lie in object storage."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.base import Moment, Table, text_of


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


class AvatarFile(Table, table=True):
    """A picture of a person. Whoever has its access key may see it."""

    __tablename__ = "avatar_file"
    __table_args__ = (
        UniqueConstraint("access_key"),
        CheckConstraint("file_size BETWEEN 1 AND 10485760", name="file_size_range"),
        CheckConstraint("access_key ~ '^[A-Za-z0-9]{12}$'", name="access_key_form"),
        CheckConstraint("is_active = (archived_at IS NULL)", name="archived_when"),
        Index("ix_avatar_file_owner", "owner_id", "id"),
        Index(
            "ix_avatar_file_archived",
            "archived_at",
            postgresql_where=text("archived_at IS NOT NULL"),
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    file_name: str = Field(sa_column=Column(text_of(255), nullable=False))
    mime_type: str = Field(sa_column=Column(text_of(40), nullable=False))
    file_size: int = Field(sa_column=Column(Integer, nullable=False))
    access_key: str = Field(sa_column=Column(text_of(12), nullable=False))
    sha256: str = Field(sa_column=Column(text_of(64), nullable=False))
    details: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))

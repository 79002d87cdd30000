"""Customers and the links that delete them: tables and constraints."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlmodel import Field

from models.base import Moment, Table, text_of

PERSONAL = (
    "user_id",
    "first_name",
    "middle_name",
    "last_name",
    "nationality",
    "date_of_birth",
    "email",
    "phone_number",
)
"""The columns that say something about a person: none of them outlives a deletion."""


class Customer(Table, table=True):
    """A customer (spec/02-identity.md#customers-seed-002), of one account at most. Deleted, the row
    stays as a pseudonym for what the law keeps, with nothing in it but its id."""

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("nationality ~ '^[A-Z]{2}$'", name="nationality_form"),
        CheckConstraint("date_of_birth >= '1850-01-01'", name="date_of_birth_possible"),
        CheckConstraint(
            "erased_at IS NULL AND num_nonnulls(first_name, last_name, nationality, date_of_birth, "
            "email, phone_number) = 6 OR erased_at IS NOT NULL AND num_nonnulls(user_id, "
            "first_name, middle_name, last_name, nationality, date_of_birth, email, phone_number) "
            "= 0",
            name="whole_or_blank",
        ),
        Index("ix_customer_name", "last_name", "first_name", "id"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("user_account.id")))
    first_name: str | None = Field(sa_column=Column(text_of(100)))
    middle_name: str | None = Field(sa_column=Column(text_of(100)))
    last_name: str | None = Field(sa_column=Column(text_of(100)))
    nationality: str | None = Field(sa_column=Column(text_of(2)))
    date_of_birth: date | None = Field(sa_column=Column(Date))
    email: str | None = Field(sa_column=Column(text_of(254)))
    phone_number: str | None = Field(sa_column=Column(text_of(16)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    updated_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    erased_at: datetime | None = Field(sa_column=Column(Moment))


class CustomerDeletion(Table, table=True):
    """The one live link that deletes a customer, by the digest of its token."""

    __tablename__ = "customer_deletion"
    __table_args__ = (UniqueConstraint("token_hash"),)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), primary_key=True))
    token_hash: str = Field(sa_column=Column(text_of(64), nullable=False))
    requested_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False, index=True))

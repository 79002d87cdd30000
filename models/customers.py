"""Customers: the tables, who may see which row, and the statements. Decides nothing:
resolvers/customers does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Date,
    Delete,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    Uuid,
    any_,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, col

from auth.actor import Actor, Permission
from core.pages import Key, PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of
from models.identity.users import User

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


class CustomerSort(StrEnum):
    """The orders of a list of customers."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"


@dataclass(frozen=True, slots=True)
class CustomerWishes:
    """Which customers a list holds; None and empty mean any."""

    name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    nationalities: tuple[str, ...] = ()
    user_id: UUID | None = None


_CUSTOMER = (
    col(Customer.id),
    col(Customer.user_id),
    col(Customer.first_name),
    col(Customer.middle_name),
    col(Customer.last_name),
    col(Customer.nationality),
    col(Customer.date_of_birth),
    col(Customer.email),
    col(Customer.phone_number),
    col(Customer.created_at),
    col(Customer.updated_at),
)
_SORTED: dict[CustomerSort, tuple[tuple[Any, ...], bool]] = {
    CustomerSort.NEWEST: ((col(Customer.id),), True),
    CustomerSort.OLDEST: ((col(Customer.id),), False),
    CustomerSort.NAME: (
        (col(Customer.last_name), col(Customer.first_name), col(Customer.id)),
        False,
    ),
}


def customers_visible_to(actor: Actor) -> Query:
    """The customers that the viewer may see: their own, staff all; nobody sees a deleted one."""
    own = false() if actor.user_id is None else col(Customer.user_id) == actor.user_id
    seen = true() if actor.may(Permission.MANAGE_CUSTOMERS) else own
    return select(*_CUSTOMER).where(col(Customer.erased_at).is_(None), seen)


def customers_by_id(actor: Actor, ids: Sequence[UUID]) -> Query:
    """Those of these customers that the viewer may see."""
    return customers_visible_to(actor).where(col(Customer.id).in_(ids))


def customer_of_user(user_id: UUID) -> Query:
    """The id of an account's customer."""
    return select(col(Customer.id)).where(col(Customer.user_id) == user_id)


def lock_customer(actor: Actor, customer_id: UUID) -> Query:
    """A customer whom the actor may see, locked until the transaction ends."""
    return (
        customers_visible_to(actor)
        .where(col(Customer.id) == customer_id)
        .with_for_update(key_share=True)
    )


def lock_customer_of_link(customer_id: UUID) -> Query:
    """A customer whom the holder of a link names, locked until the transaction ends."""
    return (
        select(*_CUSTOMER)
        .where(col(Customer.id) == customer_id, col(Customer.erased_at).is_(None))
        .with_for_update(key_share=True)
    )


def add_customer(**values: Any) -> Any:
    """A new customer; gives the id, or nothing when the account has one."""
    return (
        insert(Customer)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["user_id"])
        .returning(col(Customer.id))
    )


def change_customer(customer_id: UUID, **values: Any) -> Any:
    """Changes a customer."""
    return (
        update(Customer)
        .where(col(Customer.id) == customer_id)
        .values(**values, updated_at=func.clock_timestamp())
    )


def blank_customer(customer_id: UUID) -> Any:
    """Takes everything personal out of a customer's row."""
    now = func.clock_timestamp()
    return (
        update(Customer)
        .where(col(Customer.id) == customer_id, col(Customer.erased_at).is_(None))
        .values(**dict.fromkeys(PERSONAL), updated_at=now, erased_at=now)
    )


def customers_of_former_members(batch: int) -> Query:
    """The ids of up to `batch` customers, locked, whose accounts were blanked."""
    return (
        select(col(Customer.id))
        .join(User, col(User.id) == col(Customer.user_id))
        .where(col(User.purged_at).is_not(None))
        .limit(batch)
        .with_for_update(of=Customer, skip_locked=True)
    )


def mail_of(user_id: UUID) -> Query:
    """The address and language of an account that can be written to."""
    return select(col(User.email), col(User.preferred_language)).where(
        col(User.id) == user_id, col(User.is_active)
    )


def put_deletion(customer_id: UUID, token_hash: str, lifetime: timedelta) -> Any:
    """Makes this the one live link of a customer; gives until when it is valid."""
    now = func.clock_timestamp()
    fresh = {"token_hash": token_hash, "requested_at": now, "expires_at": now + lifetime}
    return (
        insert(CustomerDeletion)
        .values(customer_id=customer_id, **fresh)
        .on_conflict_do_update(index_elements=["customer_id"], set_=fresh)
        .returning(col(CustomerDeletion.expires_at))
    )


def deletion_age(customer_id: UUID) -> Query:
    """How long ago the live link of a customer was asked for."""
    return select(func.clock_timestamp() - col(CustomerDeletion.requested_at)).where(
        col(CustomerDeletion.customer_id) == customer_id
    )


def deletion_by_token(token_hash: str) -> Query:
    """The customer whom a link deletes, while it is valid."""
    return select(col(CustomerDeletion.customer_id)).where(
        col(CustomerDeletion.token_hash) == token_hash,
        col(CustomerDeletion.expires_at) > func.clock_timestamp(),
    )


def drop_deletions(customer_id: UUID) -> Delete:
    """Removes the links of a customer."""
    return delete(CustomerDeletion).where(col(CustomerDeletion.customer_id) == customer_id)


def drop_expired_deletions() -> Delete:
    """Removes the links that are valid no more."""
    return delete(CustomerDeletion).where(col(CustomerDeletion.expires_at) <= func.now())


def customer_page(
    actor: Actor, wishes: CustomerWishes, sort: CustomerSort, page: PageRequest
) -> Query:
    """One page of the customers that the viewer may see."""
    columns, descending = _SORTED[sort]
    statement = customers_visible_to(actor).where(*_conditions(wishes))
    return keyset_page(statement, columns, page, order_name(sort), descending=descending)


def customer_count(actor: Actor, wishes: CustomerWishes) -> Query:
    """How many customers the list holds."""
    found = customers_visible_to(actor).where(*_conditions(wishes)).subquery()
    return select(func.count()).select_from(found)


def order_name(sort: CustomerSort) -> str:
    """What cursors of this order are bound to."""
    return f"customers:{sort.value}"


def sort_key(sort: CustomerSort, row: Any) -> Key:
    """The place of a row in this order."""
    if sort is CustomerSort.NAME:
        return (row.last_name, row.first_name, row.id)
    return (row.id,)


def _conditions(wishes: CustomerWishes) -> list[Any]:
    found: list[Any] = []
    if wishes.name is not None:
        # Each word must stand in one of the names.
        for word in wishes.name.split():
            names = (Customer.first_name, Customer.middle_name, Customer.last_name)
            found.append(or_(*[col(name).icontains(word, autoescape=True) for name in names]))
    if wishes.email is not None:
        found.append(col(Customer.email).icontains(wishes.email, autoescape=True))
    if wishes.phone_number is not None:
        found.append(col(Customer.phone_number).contains(wishes.phone_number, autoescape=True))
    if wishes.nationalities:
        # An array, so that lists of all lengths are one statement.
        codes = literal(list(wishes.nationalities), ARRAY(String))
        found.append(col(Customer.nationality) == any_(codes))
    if wishes.user_id is not None:
        found.append(col(Customer.user_id) == wishes.user_id)
    return found

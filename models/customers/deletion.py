"""Deleting customers: the links that do, and what is left of the row."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Interval, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from core.wording import Bound, Row
from models.base import Query
from models.customers.customers import CustomerId, CustomerRow, everything_of
from models.customers.tables import PERSONAL, Customer, CustomerDeletion
from models.identity.users import User
from models.statements import given, rows_of, value_of, written


class Holder(Row):
    """Where an account can be written to."""

    email: str
    preferred_language: str | None


@rows_of(CustomerRow)
def _lock_customer_of_link() -> Query:
    wanted = col(Customer.id) == given("id", Customer.id)
    return everything_of().where(wanted).with_for_update(key_share=True)


def lock_customer_of_link(customer_id: UUID) -> Bound[CustomerRow]:
    """A customer whom the holder of a link names, locked until the transaction ends."""
    return _lock_customer_of_link().bind(id=customer_id)


@written
def _blank_customer() -> Any:
    now = func.clock_timestamp()
    return (
        update(Customer)
        .where(col(Customer.id) == given("row_id", Customer.id), col(Customer.erased_at).is_(None))
        .values(**dict.fromkeys(PERSONAL), updated_at=now, erased_at=now)
    )


def blank_customer(customer_id: UUID) -> Bound[None]:
    """Takes everything personal out of a customer's row."""
    return _blank_customer().bind(row_id=customer_id)


@rows_of(CustomerId)
def _customers_of_former_members() -> Query:
    return (
        select(col(Customer.id))
        .join(User, col(User.id) == col(Customer.user_id))
        .where(col(User.purged_at).is_not(None))
        .limit(bindparam("batch", type_=Integer))
        .with_for_update(of=Customer, skip_locked=True)
    )


def customers_of_former_members(batch: int) -> Bound[CustomerId]:
    """The ids of up to `batch` customers, locked, whose accounts were blanked."""
    return _customers_of_former_members().bind(batch=batch)


@rows_of(Holder)
def _mail_of() -> Query:
    return select(col(User.email), col(User.preferred_language)).where(
        col(User.id) == given("id", User.id), col(User.is_active)
    )


def mail_of(user_id: UUID) -> Bound[Holder]:
    """The address and language of an account that can be written to."""
    return _mail_of().bind(id=user_id)


@value_of(datetime)
def _put_deletion() -> Any:
    now = func.clock_timestamp()
    fresh = {
        "token_hash": given("hashed", CustomerDeletion.token_hash),
        "requested_at": now,
        "expires_at": now + bindparam("lifetime", type_=Interval),
    }
    customer_id = given("customer", CustomerDeletion.customer_id)
    return (
        insert(CustomerDeletion)
        .values(customer_id=customer_id, **fresh)
        .on_conflict_do_update(index_elements=["customer_id"], set_=fresh)
        .returning(col(CustomerDeletion.expires_at))
    )


def put_deletion(customer_id: UUID, token_hash: str, lifetime: timedelta) -> Bound[datetime]:
    """Makes this the one live link of a customer; gives until when it is valid."""
    return _put_deletion().bind(customer=customer_id, hashed=token_hash, lifetime=lifetime)


@value_of(timedelta)
def _deletion_age() -> Query:
    return select(func.clock_timestamp() - col(CustomerDeletion.requested_at)).where(
        col(CustomerDeletion.customer_id) == given("id", CustomerDeletion.customer_id)
    )


def deletion_age(customer_id: UUID) -> Bound[timedelta]:
    """How long ago the live link of a customer was asked for."""
    return _deletion_age().bind(id=customer_id)


@value_of(UUID)
def _deletion_by_token() -> Query:
    return select(col(CustomerDeletion.customer_id)).where(
        col(CustomerDeletion.token_hash) == given("hashed", CustomerDeletion.token_hash),
        col(CustomerDeletion.expires_at) > func.clock_timestamp(),
    )


def deletion_by_token(token_hash: str) -> Bound[UUID]:
    """The customer whom a link deletes, while it is valid."""
    return _deletion_by_token().bind(hashed=token_hash)


@written
def _drop_deletions() -> Any:
    return delete(CustomerDeletion).where(
        col(CustomerDeletion.customer_id) == given("id", CustomerDeletion.customer_id)
    )


def drop_deletions(customer_id: UUID) -> Bound[None]:
    """Removes the links of a customer."""
    return _drop_deletions().bind(id=customer_id)


@written
def _drop_expired_deletions() -> Any:
    return delete(CustomerDeletion).where(col(CustomerDeletion.expires_at) <= func.now())


def drop_expired_deletions() -> Bound[None]:
    """Removes the links that are valid no more."""
    return _drop_expired_deletions().bind()

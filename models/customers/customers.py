"""Customers: who sees which, their lists, and what writes them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, String, all_, bindparam, false, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from auth.actor import Actor, Permission
from core.database import Columns
from core.wording import Bound, Row
from models.base import Query, Viewer, among, only, viewer_id, viewer_of
from models.customers.tables import Customer
from models.lists import Condition, Listed, Order, contains
from models.statements import given, new, rows_of, setting, value_of, written


class CustomerSort(StrEnum):
    """The orders of a list of customers."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"


class CustomerRow(Row):
    """A customer, with everything: whoever sees one sees all of it."""

    id: UUID
    user_id: UUID | None
    first_name: str
    middle_name: str | None
    last_name: str
    nationality: str
    date_of_birth: date
    email: str
    phone_number: str
    created_at: datetime
    updated_at: datetime


class CustomerId(Row):
    """The id of a customer."""

    id: UUID


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


def everything_of() -> Query:
    """The columns of customers that are not deleted, for what decides itself who may see them."""
    statement: Query = select(*_CUSTOMER)
    return statement.where(col(Customer.erased_at).is_(None))


def _customers_shown(viewer: Viewer) -> Query:
    """The customers that the viewer may see: their own, staff all; nobody sees a deleted one."""
    if viewer.may(Permission.MANAGE_CUSTOMERS):
        return everything_of()
    own = false() if viewer.is_anonymous else col(Customer.user_id) == viewer_id()
    return everything_of().where(own)


@rows_of(CustomerRow)
def _customers_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_customers_shown(viewer), columns, "id").where(among(col(Customer.id)))


def customers_by_ids(
    actor: Actor, ids: Sequence[UUID], columns: Columns = None
) -> Bound[CustomerRow]:
    """Those of these customers that the viewer may see."""
    return _customers_of_ids(viewer_of(actor), columns).bind(viewer=actor.user_id, ids=ids)


def _words(name: str) -> list[str]:
    # ILIKE ALL takes no other escape than the backslash.
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [f"%{word}%" for word in escaped.split()]


_NAMES = func.concat_ws(
    " ", col(Customer.first_name), col(Customer.middle_name), col(Customer.last_name)
)
CUSTOMERS = Listed(
    CustomerRow,
    _customers_shown,
    {
        CustomerSort.NEWEST: Order("customers:NEWEST", (col(Customer.id),), descending=True),
        CustomerSort.OLDEST: Order("customers:OLDEST", (col(Customer.id),)),
        CustomerSort.NAME: Order(
            "customers:NAME",
            (col(Customer.last_name), col(Customer.first_name), col(Customer.id)),
        ),
    },
    conditions={
        # Each word must stand in one of the names.
        "name": Condition(_NAMES.op("ILIKE")(all_(bindparam("name", type_=ARRAY(String)))), _words),
        "email": contains(col(Customer.email), "email"),
        "phone_number": contains(col(Customer.phone_number), "phone_number"),
        "nationality": Condition(among(col(Customer.nationality), "nationality")),
        "user_id": Condition(col(Customer.user_id) == given("user_id", Customer.user_id)),
    },
)


@value_of(UUID)
def _customer_of_user() -> Query:
    return select(col(Customer.id)).where(
        col(Customer.user_id) == given("user_id", Customer.user_id)
    )


def customer_of_user(user_id: UUID) -> Bound[UUID]:
    """The id of an account's customer."""
    return _customer_of_user().bind(user_id=user_id)


@rows_of(CustomerRow)
def _lock_customer(viewer: Viewer) -> Query:
    wanted = col(Customer.id) == given("id", Customer.id)
    return _customers_shown(viewer).where(wanted).with_for_update(key_share=True)


def lock_customer(actor: Actor, customer_id: UUID) -> Bound[CustomerRow]:
    """A customer whom the actor may see, locked until the transaction ends."""
    return _lock_customer(viewer_of(actor)).bind(viewer=actor.user_id, id=customer_id)


@rows_of(CustomerId)
def _add_customer(names: frozenset[str]) -> Any:
    columns: Any = Customer.__table__.c  # type: ignore[attr-defined]  # SQLModel makes it
    values = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    return (
        insert(Customer)
        .values(values)
        .on_conflict_do_nothing(index_elements=["user_id"])
        .returning(col(Customer.id))
    )


def add_customer(values: Mapping[str, Any]) -> Bound[CustomerId]:
    """A new customer; gives the id, or nothing when the account has one."""
    return _add_customer(frozenset(values)).bind(**new(values))


@written
def _change_customer(names: frozenset[str]) -> Any:
    return (
        setting(Customer, names)
        .values(updated_at=func.clock_timestamp())
        .where(col(Customer.id) == given("row_id", Customer.id))
    )


def change_customer(customer_id: UUID, values: Mapping[str, Any]) -> Bound[None]:
    """Changes a customer."""
    return _change_customer(frozenset(values)).bind(row_id=customer_id, **new(values))

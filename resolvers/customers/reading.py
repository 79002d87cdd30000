"""Reading customers. Every statement starts from whom the actor may see."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from auth.actor import Actor, Permission
from core.database import Database
from core.pages import Page, PageRequest
from models.customers import (
    CustomerSort,
    CustomerWishes,
    customer_count,
    customer_of_user,
    customer_page,
    customers_by_id,
    order_name,
    sort_key,
)
from resolvers.pages import in_order, one_page


async def customers_by_ids(
    database: Database, actor: Actor, ids: list[UUID]
) -> Sequence[Any | None]:
    """Loader: the customers of these ids whom the actor may see."""
    return in_order(await database.rows(customers_by_id(actor, ids)), ids)


async def my_customer(database: Database, actor: Actor) -> UUID | None:
    """The id of the customer of the actor's own account, None without one. Raises
    Unauthenticated."""
    found: UUID | None = await database.scalar(customer_of_user(actor.member()))
    return found


async def list_customers(
    database: Database, actor: Actor, wishes: CustomerWishes, sort: CustomerSort, page: PageRequest
) -> Page[Any]:
    """One page of customers, for staff. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.MANAGE_CUSTOMERS)
    rows = await database.rows(customer_page(actor, wishes, sort, page))
    return one_page(rows, page, order_name(sort), lambda row: sort_key(sort, row))


async def count_customers(database: Database, actor: Actor, wishes: CustomerWishes) -> int:
    """How many customers the list holds, for staff. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.MANAGE_CUSTOMERS)
    return int(await database.scalar(customer_count(actor, wishes)))

"""Reading customers: the own one, and all for staff. Holds no rule."""

from typing import Annotated

import strawberry

from auth.actor import Permission
from core.commands import wish
from core.errors import BadUserInput
from core.ids import decode_id, decode_optional
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, connection_of
from graph.context import Info
from models.customers import CustomerSort, CustomerWishes
from resolvers.customers import reading
from resolvers.customers.keeping import PREFIX
from resolvers.identity.profile_fields import countries
from schema.customers.types import Customer


@strawberry.input(description="Which customers a list holds; all conditions hold together.")
class CustomerFilter:
    name: str | None = strawberry.field(
        default=None, description="Words of which each stands in one of the names."
    )
    email: str | None = strawberry.field(
        default=None, description="A part of the e-mail address, whatever its case."
    )
    phone_number: str | None = strawberry.field(
        default=None, description="A part of the phone number."
    )
    nationality: list[str] | None = strawberry.field(
        default=None, description="Of one of these countries (ISO 3166-1, two letters)."
    )
    user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only the one of this account."
    )


def _wishes(filter: CustomerFilter | None) -> CustomerWishes:
    if filter is None:
        return CustomerWishes()
    codes = tuple(code.strip().upper() for code in filter.nationality or ())
    if not countries().issuperset(codes):
        raise BadUserInput(
            "filter.nationality: two letters of a country (ISO 3166-1) are needed.",
            "filter.nationality",
        )
    return CustomerWishes(
        name=wish(filter.name, "filter.name"),
        email=wish(filter.email, "filter.email"),
        phone_number=wish(filter.phone_number, "filter.phoneNumber"),
        nationalities=codes,
        user_id=decode_optional("usr", filter.user_id, "filter.userId"),
    )


@strawberry.type
class CustomerQuery:
    """Reading customers."""

    @strawberry.field(description="Your own customer; null when you have none. Signed in.")
    async def my_customer(self, info: Info) -> Customer | None:
        context = info.context
        own_id = await reading.my_customer(context.database, context.actor)
        found: Customer | None = None if own_id is None else await context.load("customer", own_id)
        return found

    @strawberry.field(
        description="The customer of this id: your own, any for STAFF; null when there is none to "
        "see."
    )
    async def customer(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The customer's id.")],
    ) -> Customer | None:
        customer_id = decode_id(PREFIX, id, "id")
        found: Customer | None = await info.context.load("customer", customer_id)
        return found

    @strawberry.field(description="The customers. STAFF.")
    async def customers(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            CustomerFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
        sort: Annotated[
            CustomerSort | None, strawberry.argument(description="In which order.")
        ] = CustomerSort.NEWEST,
    ) -> Connection[Customer]:
        database, actor = info.context.database, info.context.actor
        actor.require(Permission.MANAGE_CUSTOMERS)
        wishes, order = _wishes(filter), sort or CustomerSort.NEWEST
        page = await reading.list_customers(
            database, actor, wishes, order, page_request(first, after, last, before)
        )
        nodes = [Customer.of(row, actor) for row in page.rows]
        made: Connection[Customer] = connection_of(
            page, nodes, lambda _: reading.count_customers(database, actor, wishes)
        )
        return made

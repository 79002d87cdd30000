"""Reading, adding and changing customers, as clients see it. Holds no rule."""

from auth.actor import ApiKeyScope, Permission
from auth.who import SIGNED_IN, may
from graph.context import Context
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import Payload, payload
from graph.queries import by_id, query
from graph.relations import relation
from models.customers.customers import CustomerSort
from resolvers.customers import customers as cases
from schema.customers.types import Customer


@query(
    who=SIGNED_IN,
    scope=ApiKeyScope.READ,
    description="Your own customer; null when you have none. Signed in.",
)
async def my_customer(context: Context) -> Customer | None:
    """The customer of the viewer."""
    own_id = await cases.my_customer(context.database, context.actor)
    return None if own_id is None else await context.load(Customer, own_id)


customer = by_id(
    Customer,
    scope=ApiKeyScope.READ,
    description="The customer of this id: your own, any for STAFF; null when there is none to see.",
    argument="The customer's id.",
)
customers = listing(
    Customer,
    cases.list_customers,
    cases.count_customers,
    filter=cases.CustomerFilter,
    sort=CustomerSort.NEWEST,
    who=may(Permission.MANAGE_CUSTOMERS),
    scope=ApiKeyScope.READ,
    description="The customers. STAFF.",
)


@payload("The customer was added.")
class CreateCustomerPayload(Payload):
    customer: Customer = relation(key="outcome", description="The new customer.")


@payload("Your customer was changed.")
class UpdateMyCustomerPayload(Payload):
    customer: Customer = relation(key="outcome", description="The customer as it is now.")


@payload("The customer was changed.")
class UpdateCustomerPayload(Payload):
    customer: Customer = relation(key="outcome", description="The customer as it is now.")


create_customer = mutation(
    cases.create_customer,
    CreateCustomerPayload,
    scope=ApiKeyScope.WRITE,
    description="Adds a customer: you for your own account, STAFF for anybody's or for none. An "
    "account has one customer at most.",
    doing="adding a customer",
)
update_my_customer = mutation(
    cases.update_my_customer,
    UpdateMyCustomerPayload,
    scope=ApiKeyScope.WRITE,
    description="Changes your own customer. Signed in.",
    doing="changing your customer",
)
update_customer = mutation(
    cases.update_customer,
    UpdateCustomerPayload,
    who=may(Permission.MANAGE_CUSTOMERS),
    scope=ApiKeyScope.WRITE,
    description="Changes any customer. STAFF.",
    doing="changing a customer",
)

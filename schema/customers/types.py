"""A customer as clients see one. Made of rows; no rule and no SQL here."""

from datetime import date, datetime

from graph.columns import stored
from graph.entity import Node, entity
from graph.enums import described
from graph.relations import relation
from models.customers.customers import CustomerRow, CustomerSort
from resolvers.customers import customers as cases
from schema.identity.types import PublicUser

described(
    CustomerSort,
    "In which order customers are listed.",
    NEWEST="The newest first.",
    OLDEST="The oldest first.",
    NAME="By last name, then first name.",
)


@entity(
    cases.PREFIX,
    rows=cases.customers_by_ids,
    row=CustomerRow,
    description="A customer, as the person and staff see them.",
)
class Customer(Node):
    first_name: str = stored("first_name", description="1 to 100 characters.")
    last_name: str = stored("last_name", description="1 to 100 characters.")
    middle_name: str | None = stored("middle_name", description="At most 100 characters.")
    nationality: str = stored("nationality", description="Two letters (ISO 3166-1).")
    date_of_birth: date = stored("date_of_birth", description="The day of birth.")
    email: str = stored("email", description="An e-mail address, at most 254 characters.")
    phone_number: str = stored("phone_number", description="A phone number (E.164).")
    created_at: datetime = stored("created_at", description="When the customer was added.")
    updated_at: datetime = stored("updated_at", description="When something was changed last.")
    user: PublicUser | None = relation(
        loader="public_user",
        column="user_id",
        description="The account that the customer belongs to; null for none.",
    )

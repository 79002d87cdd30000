"""A customer as clients see one. Made of rows; no rule and no SQL here."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.ids import encode_id
from graph.connections import Node
from graph.enums import described
from graph.relations import relation
from models.customers import CustomerSort
from resolvers.customers.keeping import PREFIX
from schema.identity.types import PublicUser

described(
    CustomerSort,
    "In which order customers are listed.",
    NEWEST="The newest first.",
    OLDEST="The oldest first.",
    NAME="By last name, then first name.",
)
FIELDS = (
    "first_name",
    "last_name",
    "middle_name",
    "nationality",
    "date_of_birth",
    "email",
    "phone_number",
)


@strawberry.type(description="A customer, as the person and staff see them.")
class Customer(Node):
    first_name: str = strawberry.field(description="1 to 100 characters.")
    last_name: str = strawberry.field(description="1 to 100 characters.")
    middle_name: str | None = strawberry.field(description="At most 100 characters.")
    nationality: str = strawberry.field(description="Two letters (ISO 3166-1).")
    date_of_birth: date = strawberry.field(description="The day of birth.")
    email: str = strawberry.field(description="An e-mail address, at most 254 characters.")
    phone_number: str = strawberry.field(description="A phone number (E.164).")
    created_at: datetime = strawberry.field(description="When the customer was added.")
    updated_at: datetime = strawberry.field(description="When something was changed last.")
    user_id: strawberry.Private[UUID | None]

    user: PublicUser | None = relation(
        loader="public_user",
        key="user_id",
        description="The account that the customer belongs to; null for none.",
    )

    @classmethod
    def of(cls, row: Any, _: Actor) -> "Customer":
        """The customer of a row. The statement saw to it that the viewer may see it."""
        return cls(
            id=strawberry.ID(encode_id(PREFIX, row.id)),
            user_id=row.user_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            **{name: getattr(row, name) for name in FIELDS},
        )

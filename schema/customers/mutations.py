"""Adding and changing customers, as clients see it. Holds no rule."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from auth.actor import Permission
from core.database import UnitOfWork
from core.ids import decode_id, decode_optional
from graph.context import Info
from graph.errors import AccountInactive, Conflict, InvalidInput, NotFound
from graph.unions import result
from resolvers.customers import keeping
from schema.customers.types import FIELDS, Customer


@strawberry.input(description="A new customer.")
class CreateCustomerInput:
    user_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The account that the customer belongs to. Left out: your own; by staff: none.",
    )
    first_name: str = strawberry.field(description="1 to 100 characters.")
    last_name: str = strawberry.field(description="1 to 100 characters.")
    middle_name: str | None = strawberry.field(default=None, description="At most 100 characters.")
    nationality: str = strawberry.field(description="Two letters of a country (ISO 3166-1).")
    date_of_birth: date = strawberry.field(description="In the past, within 130 years.")
    email: str = strawberry.field(description="An e-mail address, at most 254 characters.")
    phone_number: str = strawberry.field(description="With + and its country code (E.164).")


@strawberry.input(description="What changes of your customer; what is left out stays.")
class UpdateMyCustomerInput:
    first_name: str | None = strawberry.field(default=UNSET, description="1 to 100 characters.")
    last_name: str | None = strawberry.field(default=UNSET, description="1 to 100 characters.")
    middle_name: str | None = strawberry.field(
        default=UNSET, description="At most 100 characters; null removes it."
    )
    nationality: str | None = strawberry.field(
        default=UNSET, description="Two letters of a country (ISO 3166-1)."
    )
    date_of_birth: date | None = strawberry.field(
        default=UNSET, description="In the past, within 130 years."
    )
    email: str | None = strawberry.field(default=UNSET, description="At most 254 characters.")
    phone_number: str | None = strawberry.field(
        default=UNSET, description="With + and its country code (E.164)."
    )


@strawberry.input(description="What changes of a customer; what is left out stays.")
class UpdateCustomerInput(UpdateMyCustomerInput):
    customer_id: strawberry.ID = strawberry.field(description="The customer.")


@strawberry.type(description="The customer was added.")
class CreateCustomerPayload:
    customer: Customer = strawberry.field(description="The new customer.")


@strawberry.type(description="Your customer was changed.")
class UpdateMyCustomerPayload:
    customer: Customer = strawberry.field(description="The customer as it is now.")


@strawberry.type(description="The customer was changed.")
class UpdateCustomerPayload:
    customer: Customer = strawberry.field(description="The customer as it is now.")


CreateCustomerResult = Annotated[
    CreateCustomerPayload | InvalidInput | NotFound | Conflict | AccountInactive,
    result("CreateCustomerResult", "adding a customer"),
]
UpdateMyCustomerResult = Annotated[
    UpdateMyCustomerPayload | InvalidInput | NotFound,
    result("UpdateMyCustomerResult", "changing your customer"),
]
UpdateCustomerResult = Annotated[
    UpdateCustomerPayload | InvalidInput | NotFound,
    result("UpdateCustomerResult", "changing a customer"),
]


def _given(input: UpdateMyCustomerInput) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(input, name)) is not UNSET}


async def _changed(info: Info, use_case: Callable[[UnitOfWork], Awaitable[UUID]]) -> Any:
    return await info.context.load("customer", await info.context.write(use_case))


@strawberry.type
class CustomerMutation:
    """Adding and changing customers."""

    @strawberry.mutation(
        description="Adds a customer: you for your own account, STAFF for anybody's or for none. "
        "An account has one customer at most."
    )
    async def create_customer(self, info: Info, input: CreateCustomerInput) -> CreateCustomerResult:
        actor = info.context.actor
        actor.member()
        command = keeping.CreateCustomer.of(
            user_id=decode_optional("usr", input.user_id, "input.userId"),
            **{name: getattr(input, name) for name in FIELDS},
        )
        made = await _changed(info, lambda work: keeping.create_customer(work, actor, command))
        return CreateCustomerPayload(customer=made)

    @strawberry.mutation(description="Changes your own customer. Signed in.")
    async def update_my_customer(
        self, info: Info, input: UpdateMyCustomerInput
    ) -> UpdateMyCustomerResult:
        actor = info.context.actor
        actor.member()
        command = keeping.CustomerChanges.of(**_given(input))
        made = await _changed(info, lambda work: keeping.update_my_customer(work, actor, command))
        return UpdateMyCustomerPayload(customer=made)

    @strawberry.mutation(description="Changes any customer. STAFF.")
    async def update_customer(self, info: Info, input: UpdateCustomerInput) -> UpdateCustomerResult:
        actor = info.context.actor
        actor.require(Permission.MANAGE_CUSTOMERS)
        customer_id = decode_id(keeping.PREFIX, input.customer_id, "input.customerId")
        command = keeping.CustomerChanges.of(**_given(input))
        made = await _changed(
            info, lambda work: keeping.update_customer(work, actor, customer_id, command)
        )
        return UpdateCustomerPayload(customer=made)

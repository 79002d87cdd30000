"""Deleting customers, by staff and by a mailed link, as clients see it. Holds no rule."""

from datetime import datetime
from typing import Annotated

import strawberry

from auth.actor import Permission
from core.ids import decode_id, decode_optional, encode_id
from graph.context import Info
from graph.errors import InvalidInput, NotFound
from graph.unions import result
from resolvers.customers import deletion
from resolvers.customers.keeping import PREFIX
from schema.customers.types import Customer
from schema.identity.results import ResendTooSoon


@strawberry.input(description="The customer to delete.")
class DeleteCustomerInput:
    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    reason: str | None = strawberry.field(
        default=None, description="Why, at most 1,000 characters: it stands in the audit log."
    )


@strawberry.input(description="Whose data are to be deleted.")
class RequestCustomerDeletionInput:
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Your own customer when left out; any by staff."
    )
    origin: str | None = strawberry.field(
        default=None,
        description="The web origin that the link leads to, such as `https://shop.example`: this "
        "server's own (when left out) or another one that may use this API.",
    )


@strawberry.input(description="The link that was mailed.")
class ConfirmCustomerDeletionInput:
    token: str = strawberry.field(
        description="What stands between `/customers/` and `/delete/confirm` in the link."
    )


@strawberry.type(description="The customer was deleted: all that is personal is gone.")
class DeleteCustomerPayload:
    customer_id: strawberry.ID = strawberry.field(description="The customer that is gone.")


@strawberry.type(description="A link was mailed; nothing is deleted before it is confirmed.")
class RequestCustomerDeletionPayload:
    customer: Customer = strawberry.field(description="Who will be deleted.")
    sent_to: str = strawberry.field(
        description="Where the link goes: the account's address, or the customer's where there is "
        "no account."
    )
    expires_at: datetime = strawberry.field(description="Until when the link is taken, once.")
    secret_link: str | None = strawberry.field(
        description="The link itself, only where SOUK_ENV is development; null otherwise."
    )


@strawberry.type(description="The customer of the link was deleted: all that is personal is gone.")
class ConfirmCustomerDeletionPayload:
    customer_id: strawberry.ID = strawberry.field(description="The customer that is gone.")


DeleteCustomerResult = Annotated[
    DeleteCustomerPayload | InvalidInput | NotFound,
    result("DeleteCustomerResult", "deleting a customer"),
]
RequestCustomerDeletionResult = Annotated[
    RequestCustomerDeletionPayload | InvalidInput | NotFound | ResendTooSoon,
    result("RequestCustomerDeletionResult", "asking for the link that deletes a customer"),
]
ConfirmCustomerDeletionResult = Annotated[
    ConfirmCustomerDeletionPayload | InvalidInput | NotFound,
    result("ConfirmCustomerDeletionResult", "deleting a customer by a link"),
]


@strawberry.type
class DeletionMutation:
    """Deleting customers."""

    @strawberry.mutation(
        description="Deletes a customer for good: all that is personal goes, what the law keeps "
        "stays without a name. The account stays. STAFF."
    )
    async def delete_customer(self, info: Info, input: DeleteCustomerInput) -> DeleteCustomerResult:
        actor = info.context.actor
        actor.require(Permission.MANAGE_CUSTOMERS)
        command = deletion.DeleteCustomer.of(
            customer_id=decode_id(PREFIX, input.customer_id, "input.customerId"),
            reason=input.reason,
        )
        await info.context.write(lambda work: deletion.delete_customer(work, actor, command))
        return DeleteCustomerPayload(customer_id=input.customer_id)

    @strawberry.mutation(
        description="Mails a link that deletes a customer, once, within 24 hours; the last one "
        "ends. Once in 60 seconds. Your own, or any by STAFF."
    )
    async def request_customer_deletion(
        self, info: Info, input: RequestCustomerDeletionInput
    ) -> RequestCustomerDeletionResult:
        actor, services = info.context.actor, info.context.services
        actor.member()
        command = deletion.RequestCustomerDeletion.of(
            customer_id=decode_optional(PREFIX, input.customer_id, "input.customerId"),
            origin=input.origin,
        )
        asked = await info.context.write(
            lambda work: deletion.request_deletion(
                work, actor, services.authenticator.secrets, services.settings, command
            )
        )
        return RequestCustomerDeletionPayload(
            customer=await info.context.load("customer", asked.customer_id),
            sent_to=asked.sent_to,
            expires_at=asked.expires_at,
            secret_link=asked.link if services.settings.development else None,
        )

    @strawberry.mutation(
        description="Deletes the customer of a mailed link for good. Whoever holds the link may."
    )
    async def confirm_customer_deletion(
        self, info: Info, input: ConfirmCustomerDeletionInput
    ) -> ConfirmCustomerDeletionResult:
        actor = info.context.actor
        customer_id = await info.context.write(
            lambda work: deletion.confirm_deletion(work, actor, input.token)
        )
        return ConfirmCustomerDeletionPayload(
            customer_id=strawberry.ID(encode_id(PREFIX, customer_id))
        )

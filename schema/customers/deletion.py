"""Deleting customers, by staff and by a mailed link, as clients see it. Holds no rule."""

from datetime import datetime
from typing import Self

import strawberry

from auth.actor import ApiKeyScope, Permission
from auth.who import ANYBODY, SIGNED_IN, may
from graph.context import Context
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.relations import relation
from resolvers.customers import deletion as cases
from resolvers.customers.customers import PREFIX
from schema.customers.types import Customer


@payload("The customer was deleted: all that is personal is gone.")
class DeleteCustomerPayload(Payload):
    customer_id: strawberry.ID = told(prefix=PREFIX, description="The customer that is gone.")


@payload("A link was mailed; nothing is deleted before it is confirmed.")
class RequestCustomerDeletionPayload(Payload):
    customer: Customer = relation(key="outcome.customer_id", description="Who will be deleted.")
    sent_to: str = told(
        "sent_to",
        description="Where the link goes: the account's address, or the customer's where there is "
        "no account.",
    )
    expires_at: datetime = told("expires_at", description="Until when the link is taken, once.")
    secret_link: str | None = strawberry.field(
        description="The link itself, only where SOUK_ENV is development; null otherwise."
    )

    @classmethod
    async def of(cls, outcome: cases.DeletionRequested, context: Context) -> Self:
        """The payload; the link stands in it in development alone."""
        development = context.services.settings.development
        return cls(outcome=outcome, secret_link=outcome.link if development else None)


@payload("The customer of the link was deleted: all that is personal is gone.")
class ConfirmCustomerDeletionPayload(Payload):
    customer_id: strawberry.ID = told(prefix=PREFIX, description="The customer that is gone.")


delete_customer = mutation(
    cases.delete_customer,
    DeleteCustomerPayload,
    who=may(Permission.MANAGE_CUSTOMERS),
    scope=ApiKeyScope.WRITE,
    description="Deletes a customer for good: all that is personal goes, what the law keeps stays "
    "without a name. The account stays. STAFF.",
    doing="deleting a customer",
)
request_customer_deletion = mutation(
    cases.request_customer_deletion,
    RequestCustomerDeletionPayload,
    who=SIGNED_IN,
    scope=None,
    description="Mails a link that deletes a customer, once, within 24 hours; the last one ends. "
    "Once in 60 seconds. Your own, or any by STAFF.",
    doing="asking for the link that deletes a customer",
)
confirm_customer_deletion = mutation(
    cases.confirm_customer_deletion,
    ConfirmCustomerDeletionPayload,
    who=ANYBODY,
    scope=None,
    description="Deletes the customer of a mailed link for good. Whoever holds the link may.",
    doing="deleting a customer by a link",
)

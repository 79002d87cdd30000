"""Deleting customers (spec/02-identity.md#customers-seed-002): by staff, or by the person with a
mailed link that works once, within 24 hours. Knows no page and no words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field

from auth.actor import ANONYMOUS, Actor, Permission
from auth.codes import new_link_token
from auth.secrets import Secrets, digest
from core.commands import Command, Trimmed
from core.database import Database, UnitOfWork
from core.errors import InvalidInput, NotFound, raises
from core.flow import Flow
from core.ids import encode_id
from core.settings import Settings
from models.customers.deletion import (
    Holder,
    blank_customer,
    customers_of_former_members,
    deletion_age,
    deletion_by_token,
    drop_deletions,
    drop_expired_deletions,
    lock_customer_of_link,
    mail_of,
    put_deletion,
)
from resolvers.audit import blank_details, record
from resolvers.customers.customers import PREFIX, CustomerId, locked_customer, own_customer_id
from resolvers.customers.events import CustomerAction
from resolvers.identity.authentication import Authenticator
from resolvers.identity.errors import ResendTooSoon
from resolvers.identity.mails import Mail, post
from resolvers.identity.profile_fields import OptionalReason

LINK_PATH: Final = "/customers/{token}/delete/confirm"
LINK_LIFETIME: Final = timedelta(hours=24)
_ASK_AGAIN: Final = timedelta(seconds=60)
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 200
_BATCH: Final = 50


class RequestCustomerDeletion(Command):
    """Whose data are to be deleted."""

    customer_id: Annotated[CustomerId | None, "Your own customer when left out; any by staff."] = (
        None
    )
    origin: Annotated[
        Annotated[Annotated[str, Field(max_length=_LONGEST)] | None, Trimmed],
        "The web origin that the link leads to, such as `https://shop.example`: this server's own "
        "(when left out) or another one that may use this API.",
    ] = None


class DeleteCustomer(Command):
    """The customer to delete."""

    customer_id: Annotated[CustomerId, "The customer."]
    reason: Annotated[
        OptionalReason, "Why, at most 1,000 characters: it stands in the audit log."
    ] = None


class ConfirmCustomerDeletion(Command):
    """The link that was mailed."""

    token: Annotated[str, "What stands between `/customers/` and `/delete/confirm` in the link."]


@dataclass(frozen=True, slots=True)
class DeletionRequested:
    """A link is on its way."""

    customer_id: UUID
    sent_to: str
    expires_at: datetime
    link: str


def normal_origin(text: str) -> str | None:
    """A web origin in its one form, `https://shop.example:8443`; None for what is none: another
    scheme, a name and password, a path, a query."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    extra = parts.username is not None or parts.path not in ("", "/") or parts.query
    if (
        parts.scheme not in _PORTS
        or not host
        or extra
        or parts.fragment
        or set(text) & set("\\?#@")
    ):
        return None
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{name}{shown}"


def link_origin(settings: Settings, wanted: str | None) -> str:
    """The origin that a link may lead to: this server's own or one of SOUK_ALLOWED_ORIGINS, the
    pages that people use Souk by. Raises InvalidInput for any other."""
    own = normal_origin(settings.base_url) or settings.base_url
    if wanted is None:
        return own
    allowed: Iterable[str] = (own, *settings.allowed_origins)
    found = normal_origin(wanted)
    if found is None or found not in {normal_origin(origin) for origin in allowed}:
        raise InvalidInput(
            "origin must be a web origin that Souk allows, such as https://shop.example.",
            path=["input", "origin"],
        )
    return found


@raises(InvalidInput, NotFound, ResendTooSoon)
async def request_customer_deletion(
    flow: Flow, actor: Actor, command: RequestCustomerDeletion
) -> DeletionRequested:
    """Mails a link that deletes a customer, valid for 24 hours; the last one ends. It goes to the
    account's address, which was proven; to the customer's where there is no account. Raises
    Unauthenticated, InvalidInput for the origin, NotFound for another's customer, ResendTooSoon
    within 60 s of the last."""
    actor.member()
    origin = link_origin(flow.settings, command.origin)
    secrets = flow.part(Authenticator).secrets
    return await flow.run(lambda work: _mail_link(work, actor, secrets, origin, command))


async def _mail_link(
    work: UnitOfWork, actor: Actor, secrets: Secrets, origin: str, command: RequestCustomerDeletion
) -> DeletionRequested:
    customer_id = command.customer_id or await own_customer_id(work, actor)
    row = await locked_customer(work, actor, customer_id)
    age = await work.scalar(deletion_age(customer_id))
    if age is not None and age < _ASK_AGAIN:
        seconds = max(1, ceil((_ASK_AGAIN - age).total_seconds()))
        raise ResendTooSoon(
            f"A link was sent a moment ago. Ask again in {seconds} s.",
            retry_after=seconds,
            path=["input"],
        )
    token = new_link_token()
    expires_at = await work.value(put_deletion(customer_id, digest(token), LINK_LIFETIME))
    holder: Holder | None = None
    if row.user_id is not None:
        holder = await work.first(mail_of(row.user_id))
    path = LINK_PATH.format(token=token)
    sent_to = row.email if holder is None else holder.email
    await post(
        work,
        secrets,
        Mail.DELETE_CUSTOMER,
        sent_to,
        language=None if holder is None else holder.preferred_language,
        until=expires_at,
        origin=origin,
        link=path,
    )
    if row.user_id != actor.user_id:
        await record(
            work,
            actor,
            CustomerAction.CUSTOMER_REQUEST_DELETION,
            object_type="Customer",
            object_id=encode_id(PREFIX, customer_id),
        )
    return DeletionRequested(customer_id, sent_to, expires_at, origin + path)


@raises(InvalidInput, NotFound)
async def confirm_customer_deletion(
    work: UnitOfWork, actor: Actor, command: ConfirmCustomerDeletion
) -> UUID:
    """Deletes the customer of a link and gives its id; whoever holds the link may. Raises NotFound
    for a token that is unknown, used or expired: the same answer."""
    token = command.token
    refusal = NotFound(
        "This link is not valid any more. Ask for a new one.", path=["input", "token"]
    )
    if len(token) > _LONGEST or not token.isascii():
        raise refusal
    named = deletion_by_token(digest(token))
    customer_id = await work.scalar(named)
    if customer_id is None or await work.first(lock_customer_of_link(customer_id)) is None:
        raise refusal
    # Whoever held the lock before may have used the link.
    if await work.scalar(named) != customer_id:
        raise refusal
    await erase_customer(work, actor, customer_id, how="link")
    return customer_id


async def link_is_valid(database: Database, token: str) -> bool:
    """True while a link would delete somebody. Looking does nothing."""
    if len(token) > _LONGEST or not token.isascii():
        return False
    return await database.scalar(deletion_by_token(digest(token))) is not None


@raises(InvalidInput, NotFound)
async def delete_customer(work: UnitOfWork, actor: Actor, command: DeleteCustomer) -> UUID:
    """Deletes a customer, by staff, and gives its id. Raises Unauthenticated, Forbidden,
    NotFound."""
    actor.require(Permission.MANAGE_CUSTOMERS)
    await locked_customer(work, actor, command.customer_id)
    await erase_customer(work, actor, command.customer_id, how="staff", reason=command.reason)
    return command.customer_id


async def erase_customer(
    work: UnitOfWork, actor: Actor, customer_id: UUID, *, how: str, reason: str | None = None
) -> None:
    """Deletes a locked customer: the one place where that happens. Everything personal goes, here
    and in the clear side of the audit log; links end. The row stays with its id alone, so that what
    the law keeps can go on naming it: a domain that keeps something about customers (orders, the
    ledger) blanks what is personal in it from here, in this transaction. The account, if there is
    one, is no longer linked and otherwise untouched (docs/decisions/0019-customers.md)."""
    await work.execute(drop_deletions(customer_id))
    await work.execute(blank_customer(customer_id))
    object_id = encode_id(PREFIX, customer_id)
    await blank_details(work, object_id)
    await record(
        work,
        actor,
        CustomerAction.CUSTOMER_DELETE,
        object_type="Customer",
        object_id=object_id,
        details={"by": how},
        reason=reason,
    )


async def keep_customers(database: Database) -> int:
    """Removes links that are valid no more, and deletes the customers of accounts whose own data
    went 30 days after they were closed. Gives how many were deleted. The worker calls it; several
    at once do no harm."""
    await database.run(lambda work: work.execute(drop_expired_deletions()))

    async def erase(work: UnitOfWork) -> int:
        found = await work.rows(customers_of_former_members(_BATCH))
        for row in found:
            await erase_customer(work, ANONYMOUS, row.id, how="account")
        return len(found)

    erased = 0
    while (count := await database.run(erase)) > 0:
        erased += count
    return erased

"""Whose account it is when a provider vouches for somebody, and the identities of an account. Asks
no provider (spec/02-identity.md#one-time-codes: linking only by verified e-mail)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from auth.actor import Actor
from auth.secrets import Secrets
from core.commands import one_line
from core.database import Database, UnitOfWork
from core.errors import NotFound
from core.ids import new_id
from core.pages import Page, PageRequest
from core.settings import Settings
from gateways.oidc import Person
from models.identity.accounts import account_by_email, add_account, change_account, lock_account
from models.identity.attempts import lock_subjects
from models.identity.oidc import (
    IDENTITY_ORDER,
    add_identity,
    drop_codes_of,
    drop_identities_of,
    drop_identity,
    identities_by_id,
    identity_at,
    identity_count,
    identity_ids_of,
    identity_of,
    identity_page,
    use_identity,
)
from models.identity.second_factor import drop_enrollment, drop_factors, drop_recovery_codes
from models.identity.second_factors import ChallengePurpose
from resolvers.identity.api_keys import revoke_keys_of
from resolvers.identity.archiving import free_address, is_over
from resolvers.identity.errors import InvalidCredentials, TwoFactorNeeded
from resolvers.identity.fields import Email
from resolvers.identity.login import Opened, entry_refused, let_in
from resolvers.identity.oidc_errors import LastWayToLogIn, OidcFailure, OidcLoginFailed
from resolvers.identity.second_factor import challenged
from resolvers.identity.sessions import Device, end_sessions
from resolvers.pages import in_order, one_page

_EMAIL: Final[TypeAdapter[str]] = TypeAdapter(Email)


@dataclass(frozen=True, slots=True)
class Entered:
    """What comes of a person whom a provider vouches for: a session, or the second factor that is
    due first. `ended` are sessions that this ended."""

    outcome: Opened | TwoFactorNeeded
    ended: Sequence[UUID] = ()


async def enter(
    work: UnitOfWork,
    secrets: Secrets,
    settings: Settings,
    provider: str,
    person: Person,
    device: Device,
) -> Entered:
    """Lets a person whom a provider vouches for into their account: the one linked to them, else
    that of their verified address, else a new one; the second factor is asked for where it is on.
    Raises OidcLoginFailed, EmailVerificationNeeded, MobileVerificationNeeded."""
    # Two log ins of one new person at once: the second finds what the first has made.
    await work.execute(lock_subjects(("oidc", f"{provider} {person.subject}")))
    row: Any = await _linked(work, provider, person)
    link = row is None
    if row is None:
        row = await _by_email(work, provider, person)
    ended: Sequence[UUID] = ()
    if link and not row.email_verified:
        ended = await _handed_over(work, row.id)
        row = await work.first(lock_account(row.id))
    refused = entry_refused(row, settings, ChallengePurpose.LOGIN, await work.clock())
    if isinstance(refused, InvalidCredentials):
        raise _refusal(OidcFailure.REFUSED, "This account is closed. Ask the marketplace.")
    if refused is not None:
        raise refused
    due = await challenged(work, secrets, row, ChallengePurpose.LOGIN)
    if due is not None:
        return Entered(due, ended)  # who has not given it links nothing to the account either
    if link:
        await _link(work, provider, person, row.id)
    return Entered(await let_in(work, row, device), ended)


async def _linked(work: UnitOfWork, provider: str, person: Person) -> Any:
    """The account that the person is linked to, locked. That of an account closed for good is
    forgotten: the person may start anew."""
    identity = await work.first(identity_of(provider, person.subject))
    if identity is None:
        return None
    row = await work.first(lock_account(identity.user_id))
    if row is None or is_over(row, await work.clock()):
        await work.execute(drop_identities_of(identity.user_id))
        return None
    await work.execute(use_identity(identity.id, person.email))
    return row


async def _by_email(work: UnitOfWork, provider: str, person: Person) -> Any:
    """The account of the person's verified address, locked, or a new one."""
    email = _address(person)
    row = await _holder(work, email)
    if row is None:
        new = add_account(
            id=new_id(), email=email, fullname=_fullname(person, email), email_verified=True
        )
        # Nothing comes back when somebody registered the address in this very moment.
        made = await work.first(new) or await work.first(account_by_email(email))
        row = None if made is None else await work.first(lock_account(made.id))
    if row is None:
        raise _refusal(OidcFailure.REFUSED, "Start the log in again.")
    if await work.first(identity_at(row.id, provider)) is not None:
        raise _other_identity()
    return row


async def _link(work: UnitOfWork, provider: str, person: Person, user_id: UUID) -> None:
    linked = add_identity(
        id=new_id(),
        user_id=user_id,
        provider=provider,
        subject=person.subject,
        email=person.email,
    )
    if await work.first(linked) is None:
        raise _other_identity()


def _other_identity() -> OidcLoginFailed:
    return _refusal(
        OidcFailure.OTHER_IDENTITY,
        "Your account here is linked to another account at this provider. Log in with that, or "
        "with your password, and unlink it.",
    )


async def _holder(work: UnitOfWork, email: str) -> Any:
    """The account of an address, locked; an account closed for good gives the address up."""
    holder = await work.first(account_by_email(email))
    row = None if holder is None else await work.first(lock_account(holder.id))
    if row is None or not is_over(row, await work.clock()):
        return row
    await free_address(work, row.id)
    await work.execute(drop_identities_of(row.id))
    return None


async def _handed_over(work: UnitOfWork, user_id: UUID) -> list[UUID]:
    """Gives an account that nobody had proven theirs to the owner of its address. Whoever
    registered it may be a stranger in wait: whatever could let them in again goes."""
    await work.execute(
        change_account(
            user_id,
            email_verified=True,
            password_hash=None,
            username=None,
            phone=None,
            phone_verified=False,
        )
    )
    for drop in (drop_codes_of, drop_identities_of, drop_enrollment, drop_recovery_codes):
        await work.execute(drop(user_id))
    await work.execute(drop_factors(user_id, None))
    return [*await end_sessions(work, user_id), *await revoke_keys_of(work, user_id)]


def _address(person: Person) -> str:
    try:
        return _EMAIL.validate_python(person.email)
    except ValidationError:
        raise _refusal(
            OidcFailure.EMAIL_NOT_VERIFIED,
            "The provider has not verified an e-mail address of yours. Verify it there, or "
            "register here.",
        ) from None


def _fullname(person: Person, email: str) -> str:
    name = one_line(person.fullname or "")[:100].strip()
    return name or email.partition("@")[0][:100]


def _refusal(reason: OidcFailure, message: str) -> OidcLoginFailed:
    return OidcLoginFailed(message, reason=reason)


async def unlink_identity(work: UnitOfWork, actor: Actor, identity_id: UUID) -> None:
    """Unlinks one of the actor's own identities. Raises Unauthenticated, NotFound, LastWayToLogIn
    for the only identity of an account without a password."""
    row = await work.first(lock_account(actor.member()))
    own = [] if row is None else [found.id for found in await work.rows(identity_ids_of(row.id))]
    if row is None or identity_id not in own:
        raise NotFound("You have no such identity.", path=["input", "identityId"])
    if row.password_hash is None and len(own) == 1:
        raise LastWayToLogIn(
            "You could not log in any more. Set a password first: startPasswordReset.",
            path=["input", "identityId"],
        )
    await work.execute(drop_identity(identity_id))


async def own_identities_by_id(database: Database, actor: Actor, ids: list[UUID]) -> list[Any]:
    """The actor's own identities of these ids, None for every other id."""
    if actor.user_id is None:
        return [None] * len(ids)
    return in_order(await database.rows(identities_by_id(actor.user_id, ids)), ids)


async def list_identities(database: Database, actor: Actor, page: PageRequest) -> Page[Any]:
    """One page of the actor's own identities, newest first. Raises Unauthenticated."""
    rows = await database.rows(identity_page(actor.member(), page))
    return one_page(rows, page, IDENTITY_ORDER, lambda row: (row.id,))


async def count_identities(database: Database, actor: Actor) -> int:
    """How many identities the actor has. Raises Unauthenticated."""
    return int(await database.scalar(identity_count(actor.member())))

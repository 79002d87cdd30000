"""Proving an e-mail address and a phone number, by the code or the link that was sent to it
(spec/02-identity.md#one-time-codes). Tells nobody whether an account exists."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from auth.actor import Actor
from auth.secrets import Secrets
from core.commands import Command
from core.database import ConstraintViolated, Database, UnitOfWork
from core.ids import new_id
from core.settings import Settings
from models.identity.accounts import change_account
from models.identity.attempts import add_attempts, attempts, lock_subjects
from models.identity.codes import grant_wished_username, holder_by_email
from models.identity.sessions import CodeFlow
from resolvers.identity.archiving import RESTORABLE
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import (
    CodeSent,
    Flow,
    Link,
    LinkState,
    code_invalid,
    guessing,
    mobile_verification_due,
    require_pause,
    send_code,
    take_code,
    take_link,
)
from resolvers.identity.fields import Code, Email

EMAIL: Final = CodeFlow.EMAIL_VERIFICATION
MOBILE: Final = CodeFlow.MOBILE_VERIFICATION
_RUNG: Final = "phone rung"
_RINGS_AN_HOUR: Final = 10
_PROVEN: Final = {EMAIL: "email_verified", MOBILE: "phone_verified"}


class StartVerification(Command):
    """What asking for a code takes: the account's e-mail address, also where the code goes to its
    phone."""

    email: Email


class CompleteVerification(Command):
    """What proving takes: the account's e-mail address, and the code or the token of the link."""

    email: Email
    secret_code: Code


@dataclass(frozen=True, slots=True)
class Verified:
    """The address or number was proven; `mobile_needed` says whether logging in asks for a proof of
    the phone number next."""

    email: str
    mobile_needed: bool


def _address(holder: Any, flow: Flow) -> str | None:
    found: str | None = holder.email if flow is EMAIL else holder.phone
    return found


async def start_verification(
    work: UnitOfWork, secrets: Secrets, flow: Flow, command: StartVerification
) -> CodeSent:
    """Sends a new code, unless there is nothing to prove; the last one ends. Answers alike for any
    address. The code that registering sends does not count here, so the first one asked for comes
    at once. Raises ResendTooSoon within 60 s of the last."""
    await require_pause(work, secrets, flow, command.email, path=["input", "email"])
    holder = await work.first(holder_by_email(command.email, RESTORABLE))
    if holder is not None and (getattr(holder, _PROVEN[flow]) or not _address(holder, flow)):
        holder = None
    bound_to = command.email if holder is None else _address(holder, flow) or ""
    if flow is MOBILE and await _rings_too_often(work, secrets, bound_to):
        holder = None
    return await send_code(work, secrets, flow, holder, bound_to=bound_to)


async def _rings_too_often(work: UnitOfWork, secrets: Secrets, phone: str) -> bool:
    """Counts a message to a number that nobody has proven; True for the eleventh in an hour,
    whatever accounts name that number: it may be a stranger's, and each message costs. Without an
    account, `phone` is what was typed, and the same is done."""
    rings = (_RUNG, secrets.tag("phone", phone.lower()))
    await work.execute(lock_subjects(rings))
    rung = await work.rows(attempts(rings, since=timedelta(hours=1)))
    await work.execute(add_attempts([new_id()], rings))
    return len(rung) >= _RINGS_AN_HOUR


async def _complete(
    work: UnitOfWork,
    secrets: Secrets,
    settings: Settings,
    flow: Flow,
    command: CompleteVerification,
) -> Verified | None:
    holder = await work.first(holder_by_email(command.email, RESTORABLE, lock=True))
    address = None if holder is None else _address(holder, flow)
    taken = await take_code(
        work,
        secrets,
        flow,
        None if holder is None or address is None else holder.id,
        bound_to=address or command.email,
        given=command.secret_code,
    )
    if not taken or holder is None:
        return None
    return await _prove(work, settings, flow, holder.id, holder)


async def _prove(
    work: UnitOfWork, settings: Settings, flow: Flow, user_id: Any, holder: Any
) -> Verified:
    await work.execute(change_account(user_id, **{_PROVEN[flow]: True}))
    if flow is EMAIL:
        await grant_username(work, user_id)
    due = flow is EMAIL and mobile_verification_due(holder, settings)
    return Verified(holder.email, due)


async def grant_username(work: UnitOfWork, user_id: Any) -> None:
    """The user name that was wished for when registering, now that the address is proven; none when
    somebody else took it meanwhile: the person chooses another in their profile."""
    with suppress(ConstraintViolated):
        async with work.savepoint():
            await work.execute(grant_wished_username(user_id))


async def complete_verification(
    database: Database,
    authenticator: Authenticator,
    settings: Settings,
    actor: Actor,
    flow: Flow,
    command: CompleteVerification,
) -> Verified:
    """Proves an address or number by the code sent to it, or by its link's token. Five wrong tries
    end the code. Raises CodeInvalid, the same for a wrong code and an unknown address, and
    RateLimited for guessing on."""
    secrets = authenticator.secrets
    async with guessing(database, secrets, actor, command.email) as made:
        verified = await database.run(
            lambda work: _complete(work, secrets, settings, flow, command)
        )
        if verified is None:
            raise code_invalid()
        made.succeeded = True
    return verified


async def verify_by_link(
    work: UnitOfWork, secrets: Secrets, settings: Settings, flow: Flow, token: str
) -> Link:
    """Proves an address or number by the link sent to it, once; says what the link was good for.
    Made-up ones are not counted: nobody guesses 256 bits."""
    link = await take_link(work, secrets, [flow], token)
    if link.state is LinkState.LIVE:
        await _prove(work, settings, flow, link.holder.user_id, link.holder)
    return link

"""Registering (spec/02-identity.md#user). Tells nobody whether an address is taken, except that an
account closed by its owner can be restored."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from auth.passwords import weakness
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.ids import new_id
from models.user_statements import (
    account_by_email,
    add_account,
    add_attempt,
    attempts,
    change_account,
)
from resolvers.authentication import Authenticator
from resolvers.identity.errors import AccountArchived, WeakPassword
from resolvers.identity.fields import Email, Fullname, Password, Phone
from resolvers.identity.mails import Mail, post
from resolvers.identity.verification import send_email_code

RESTORABLE: Final = timedelta(days=30)
_NOTICE: Final = "taken notice"
_NOTICES_AN_HOUR: Final = 3


class RegisterUser(Command):
    """What registering takes; the role is always USER."""

    email: Email
    password: Password
    fullname: Fullname
    phone: Phone = None


@dataclass(frozen=True, slots=True)
class Registered:
    """Which verification is needed before logging in. A phone number is not asked to be proven
    until codes can be sent to phones."""

    email_verification_needed: bool = True
    mobile_verification_needed: bool = False


async def register_user(
    database: Database, authenticator: Authenticator, command: RegisterUser
) -> Registered:
    """Makes an account and mails a code. For a taken address the answer and its time are the same,
    and the mail says so. Raises WeakPassword, AccountArchived within 30 days of closing."""
    if (why := weakness(command.password, command.email)) is not None:
        raise WeakPassword(why, path=["input", "password"])
    # Before looking at the address: both answers pay for it.
    password_hash = await authenticator.passwords.hash(command.password)
    await database.run(lambda work: _register(work, authenticator.secrets, command, password_hash))
    return Registered()


async def _register(
    work: UnitOfWork, secrets: Secrets, command: RegisterUser, password_hash: str
) -> None:
    made = add_account(
        id=new_id(),
        email=command.email,
        fullname=command.fullname,
        phone=command.phone,
        password_hash=password_hash,
    )
    if await work.first(made) is None:
        holder = await work.first(account_by_email(command.email))
        if holder is not None and holder.is_active:
            await _tell_holder(work, secrets, holder.email)
            return
        await _release(work, holder)
        if await work.first(made) is None:
            return  # somebody else registered the address in this very moment
    await send_email_code(work, secrets, command.email)


async def _tell_holder(work: UnitOfWork, secrets: Secrets, email: str) -> None:
    # Registering somebody's address again and again must not fill their mailbox.
    subject = secrets.tag("address", email.lower())
    told = await work.rows(attempts(_NOTICE, subject, timedelta(hours=1)))
    if len(told) < _NOTICES_AN_HOUR:
        await work.execute(add_attempt(new_id(), _NOTICE, subject))
        await post(work, secrets, Mail.ADDRESS_TAKEN, email)
    else:
        await post(work, secrets, Mail.NONE, email)


async def _release(work: UnitOfWork, holder: Any) -> None:
    """Frees the address of an account that was closed more than 30 days ago. Raises AccountArchived
    for one that can still be restored."""
    if holder is None:
        return
    if holder.archived_at is not None:
        until = holder.archived_at + RESTORABLE
        if until > await work.clock():
            raise AccountArchived(
                "An account with this address was closed. Log in to restore it.",
                restorable_until=until,
                path=["input", "email"],
            )
    await work.execute(
        change_account(holder.id, email=f"{holder.id}@archived.invalid", username=None)
    )

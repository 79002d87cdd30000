"""Registering (spec/02-identity.md#user). Tells nobody whether an address is taken, except that an
account closed by its owner can be restored."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from auth.passwords import weakness
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from core.ids import new_id
from core.settings import Settings
from models.identity.accounts import account_by_email, add_account
from models.identity.attempts import add_attempts, attempts
from models.identity.codes import username_holder
from models.identity.sessions import CodeFlow
from resolvers.identity.archiving import free_address, is_over, restorable_until
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import send_code
from resolvers.identity.errors import AccountArchived, WeakPassword
from resolvers.identity.fields import Email, Fullname, Password, Phone
from resolvers.identity.mails import Mail, post
from resolvers.identity.profile_fields import Bio, Language, Picture, Username

_NOTICE: Final = "taken notice"
_UNTOLD: Final = "taken without notice"
_NOTICES_AN_HOUR: Final = 3


class RegisterUser(Command):
    """What registering takes; the role is always USER. The user name is a wish: the account gets it
    when its address is proven, if it is free then. If registering took it at once, trying the same
    name twice would tell whether the address was taken."""

    email: Email
    password: Password
    fullname: Fullname
    phone: Phone = None
    username: Username = None
    avatar_url: Picture = None
    preferred_language: Language = None
    bio: Bio = None


@dataclass(frozen=True, slots=True)
class Registered:
    """Which verification is needed before logging in: that of the phone number where one was given
    and SOUK_MOBILE_VERIFICATION demands it. Says nothing that the input does not."""

    mobile_verification_needed: bool
    email_verification_needed: bool = True


async def register_user(
    database: Database, authenticator: Authenticator, settings: Settings, command: RegisterUser
) -> Registered:
    """Makes an account and mails a code. For a taken address the answer and its time are the same,
    and the mail says so. Raises WeakPassword, InvalidInput for a user name that somebody has, and
    AccountArchived within 30 days of closing."""
    if (why := weakness(command.password, command.email)) is not None:
        raise WeakPassword(why, path=["input", "password"])
    # Before looking at the address: both answers pay for it.
    password_hash = await authenticator.passwords.hash(command.password)
    await database.run(lambda work: _register(work, authenticator.secrets, command, password_hash))
    return Registered(settings.mobile_verification and command.phone is not None)


async def _register(
    work: UnitOfWork, secrets: Secrets, command: RegisterUser, password_hash: str
) -> None:
    wished = command.username
    if wished is not None and await work.first(username_holder(wished)) is not None:
        raise InvalidInput(
            f"{wished} is taken. Choose another user name.", path=["input", "username"]
        )
    values = command.model_dump(exclude={"password", "username"})
    made = add_account(id=new_id(), password_hash=password_hash, wished_username=wished, **values)
    if await work.first(made) is None:
        holder = await work.first(account_by_email(command.email))
        if holder is not None and (holder.is_active or not await _release(work, holder)):
            await _tell_holder(work, secrets, holder)
            return
        if await work.first(made) is None:
            return  # somebody else registered the address in this very moment
    account = await work.first(account_by_email(command.email))
    await send_code(work, secrets, CodeFlow.EMAIL_VERIFICATION, account, bound_to=command.email)


async def _tell_holder(work: UnitOfWork, secrets: Secrets, holder: Any) -> None:
    # Registering somebody's address again and again must not fill their mailbox.
    subject = secrets.tag("address", holder.email.lower())
    told = await work.rows(attempts((_NOTICE, subject), since=timedelta(hours=1)))
    enough = len(told) >= _NOTICES_AN_HOUR or not holder.is_active
    await work.execute(add_attempts([new_id()], (_UNTOLD if enough else _NOTICE, subject)))
    mail = Mail.NONE if enough else Mail.ADDRESS_TAKEN
    await post(work, secrets, mail, holder.email, language=holder.preferred_language)


async def _release(work: UnitOfWork, holder: Any) -> bool:
    """Frees the address of an account that was closed more than 30 days ago; False for one that an
    admin closed since. Raises AccountArchived for one that can still be restored."""
    if is_over(holder, await work.clock()):
        await free_address(work, holder.id)
        return True
    if (until := restorable_until(holder)) is None:
        return False  # who was put out does not come back by registering anew
    raise AccountArchived(
        "An account with this address was closed. Log in to restore it.",
        restorable_until=until,
        path=["input", "email"],
    )

"""Choosing a new password: by its owner with the old one, or by code or link when it is forgotten
(spec/02-identity.md#one-time-codes). Opens no session: a reset is no second factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from auth.actor import ANONYMOUS, Actor
from auth.passwords import weakness
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from models.identity.accounts import account, change_account, lock_account
from models.identity.attempts import forget_failures
from models.identity.codes import end_codes, holder_by_email, holders_by_phone
from models.identity.second_factor import password_hash_of
from models.identity.sessions import CodeFlow
from resolvers.identity.archiving import RESTORABLE
from resolvers.identity.attempts import attempt
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import (
    CodeSent,
    Link,
    LinkState,
    code_invalid,
    guessing,
    look_at_link,
    require_pause,
    send_code,
    take_code,
    take_link,
)
from resolvers.identity.errors import InvalidCredentials, WeakPassword
from resolvers.identity.fields import OptionalCode, OptionalEmail, Password, Phone
from resolvers.identity.login import credential_counters
from resolvers.identity.mails import Mail, post
from resolvers.identity.sessions import end_sessions
from resolvers.identity.verification import grant_username


class ResetChannel(StrEnum):
    """By what a code to choose a new password comes."""

    EMAIL = "EMAIL"
    MOBILE = "MOBILE"


_FLOWS: Final = {
    ResetChannel.EMAIL: CodeFlow.PASSWORD_RESET_EMAIL,
    ResetChannel.MOBILE: CodeFlow.PASSWORD_RESET_MOBILE,
}
RESET_FLOWS: Final = tuple(_FLOWS.values())
"""The flows whose links choose a new password."""


class Forgetful(Command):
    """Whose password is forgotten: by e-mail address; for the channel MOBILE by the proven phone
    number too, or by both where people share a number."""

    channel: ResetChannel
    email: OptionalEmail = None
    phone: Phone = None

    @property
    def flow(self) -> CodeFlow:
        """The flow of the channel."""
        return _FLOWS[self.channel]

    @property
    def subjects(self) -> list[str]:
        """For whom may be asked and guessed only so often. Raises InvalidInput when nobody is
        named."""
        if self.channel is ResetChannel.EMAIL:
            if self.email is None:
                raise InvalidInput("Give email.", path=["input", "email"])
            return [self.email]
        given = [name for name in (self.email, self.phone) if name is not None]
        if not given:
            raise InvalidInput("Give phone or email.", path=["input", "phone"])
        return given


class CompletePasswordReset(Forgetful):
    """What setting a forgotten password takes: who, and the code; or the link's token alone."""

    channel: ResetChannel = ResetChannel.EMAIL
    secret_code: OptionalCode = None
    token: OptionalCode = None
    new_password: Password
    confirmation: Password


class ChangePassword(Command):
    """What changing the own password takes."""

    old_password: Password
    new_password: Password
    confirmation: Password


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """The password was set; `ended` are the sessions that this ended, `account` the own row."""

    email: str
    ended: Sequence[UUID] = ()
    account: Any = None


def _checked(command: CompletePasswordReset | ChangePassword, email: str | None) -> None:
    require_same(command.new_password, command.confirmation)
    _require_strong(command.new_password, email)


def require_same(password: str, confirmation: str) -> None:
    """Raises InvalidInput unless the new password was typed twice alike."""
    if password != confirmation:
        raise InvalidInput(
            "The two passwords are not the same. Type the new password twice.",
            path=["input", "confirmation"],
        )


def _require_strong(password: str, email: str | None) -> None:
    if (why := weakness(password, email)) is not None:
        raise WeakPassword(why, path=["input", "newPassword"])


async def _holder(work: UnitOfWork, wanted: Forgetful, *, lock: bool = False) -> Any | None:
    """The account, if the channel reaches it: a phone only when its number was proven, because a
    number that was merely typed may be anybody's."""
    if wanted.channel is ResetChannel.MOBILE and wanted.phone is not None:
        found = await work.rows(holders_by_phone(wanted.phone, RESTORABLE, lock=lock))
        if wanted.email is not None:
            found = [row for row in found if row.email.lower() == wanted.email.lower()]
        return found[0] if len(found) == 1 else None
    row = await work.first(holder_by_email(wanted.email or "", RESTORABLE, lock=lock))
    if wanted.channel is ResetChannel.MOBILE and row is not None and not row.phone_verified:
        return None
    return row


def _bound_to(wanted: Forgetful, holder: Any | None) -> str:
    if holder is None:
        return wanted.subjects[0]
    address: str = holder.email if wanted.channel is ResetChannel.EMAIL else holder.phone
    return address


async def start_password_reset(work: UnitOfWork, secrets: Secrets, command: Forgetful) -> CodeSent:
    """Sends a code and a link to choose a new password, if there is such an account; the last ones
    of the channel end. Answers alike, in the same time, for every address and number. Raises
    InvalidInput when nobody is named, ResendTooSoon within 60 s of the last."""
    for subject in command.subjects:
        path = ["input", "email" if subject == command.email else "phone"]
        await require_pause(work, secrets, command.flow, subject, path=path)
    holder = await _holder(work, command)
    return await send_code(work, secrets, command.flow, holder, bound_to=_bound_to(command, holder))


async def complete_password_reset(
    database: Database, authenticator: Authenticator, actor: Actor, command: CompletePasswordReset
) -> PasswordSet:
    """Sets a new password by the code that was sent, or its link's token; every session ends, and
    the owner is told. Failed logins do not keep anybody from it, and are forgotten by it. By mail
    it proves the address too; where nobody had before, the phone number is forgotten. Raises
    CodeInvalid, the same for a wrong code and an unknown account, WeakPassword, InvalidInput,
    RateLimited for guessing on."""
    if command.token is not None:
        return await _reset_by_token(database, authenticator, command, command.token)
    subjects = command.subjects
    if command.secret_code is None:
        raise InvalidInput("secretCode is required.", path=["input", "secretCode"])
    _checked(command, command.email)
    secrets, given = authenticator.secrets, command.secret_code

    async def complete(work: UnitOfWork) -> PasswordSet | None:
        holder = await _holder(work, command, lock=True)
        taken = await take_code(
            work,
            secrets,
            command.flow,
            None if holder is None else holder.id,
            bound_to=_bound_to(command, holder),
            given=given,
        )
        if not taken or holder is None:
            return None
        return await _reset(work, authenticator, command.flow, holder.id, holder, new)

    async with guessing(database, secrets, actor, *subjects) as made:
        new = _New(command.new_password, await authenticator.passwords.hash(command.new_password))
        try:
            done = await database.run(complete)
        except WeakPassword:
            made.succeeded = True  # the code was right, and is still good
            raise
        if done is None:
            raise code_invalid()
        made.succeeded = True
    authenticator.note_revoked(done.ended)
    return done


async def _reset_by_token(
    database: Database,
    authenticator: Authenticator,
    command: CompletePasswordReset,
    token: str,
) -> PasswordSet:
    new, confirmation = command.new_password, command.confirmation
    link = await reset_by_link(database, authenticator, token, new, confirmation)
    if link.state is not LinkState.LIVE:
        raise code_invalid("input", "token")
    return PasswordSet(link.holder.email)


async def reset_by_link(
    database: Database, authenticator: Authenticator, token: str, password: str, confirmation: str
) -> Link:
    """Sets a new password by the link that was sent, once, as complete_password_reset does; says
    what the link was good for. Raises InvalidInput, WeakPassword, RateLimited. Made-up links are
    not counted, for nobody guesses 256 bits, and cost no hash."""
    require_same(password, confirmation)
    _require_strong(password, None)
    secrets = authenticator.secrets
    seen = await database.run(lambda work: look_at_link(work, secrets, RESET_FLOWS, token))
    if seen.state is not LinkState.LIVE:
        return seen
    new = _New(password, await authenticator.passwords.hash(password))
    ended: Sequence[UUID] = ()

    async def complete(work: UnitOfWork) -> Link:
        nonlocal ended
        link = await take_link(work, secrets, RESET_FLOWS, token)
        if link.state is LinkState.LIVE:
            flow, holder = CodeFlow(link.holder.flow), link.holder
            done = await _reset(work, authenticator, flow, holder.user_id, holder, new)
            ended = done.ended
        return link

    link = await database.run(complete)
    authenticator.note_revoked(ended)
    return link


@dataclass(frozen=True, slots=True)
class _New:
    password: str
    hash: str


async def _reset(
    work: UnitOfWork,
    authenticator: Authenticator,
    flow: CodeFlow,
    user_id: UUID,
    holder: Any,
    new: _New,
) -> PasswordSet:
    # Only now the address is known to whoever gave a phone number or a link.
    _require_strong(new.password, holder.email)
    if flow is CodeFlow.PASSWORD_RESET_EMAIL and not holder.email_verified:
        # Whoever registered the address may be a stranger in wait: a phone of theirs could set the
        # next password.
        proven = {"email_verified": True, "phone": None, "phone_verified": False}
        await work.execute(change_account(user_id, **proven))
        await grant_username(work, user_id)
    own, _ = credential_counters(authenticator, str(user_id), ANONYMOUS)
    await work.execute(forget_failures(own.kind, own.subject))
    ended = await set_password(work, authenticator.secrets, user_id, holder, new.hash)
    return PasswordSet(holder.email, ended)


async def set_password(
    work: UnitOfWork,
    secrets: Secrets,
    user_id: UUID,
    holder: Any,
    password_hash: str,
    *,
    spare: UUID | None = None,
) -> list[UUID]:
    """Stores the hash, ends the account's sessions except `spare` and the codes that could set
    another password, and tells the owner by mail. `holder` has `email` and `preferred_language`.
    The ids of the ended sessions are for `Authenticator.note_revoked`, after the commit."""
    await work.execute(change_account(user_id, password_hash=password_hash))
    await work.execute(end_codes(user_id, RESET_FLOWS))
    await post(
        work, secrets, Mail.PASSWORD_CHANGED, holder.email, language=holder.preferred_language
    )
    return await end_sessions(work, user_id, spare=spare)


async def change_password(
    database: Database, authenticator: Authenticator, actor: Actor, command: ChangePassword
) -> PasswordSet:
    """Sets a new password for the own account and ends its other sessions. Wrong old passwords
    count as failed logins. Raises InvalidCredentials for one, WeakPassword, InvalidInput when the
    two new ones differ, RateLimited, Unauthenticated."""
    user_id = actor.member()
    passwords = authenticator.passwords
    found = await database.first(account(user_id))
    _checked(command, None if found is None else found.email)
    wrong = InvalidCredentials("The old password is wrong.", path=["input", "oldPassword"])

    async def change(work: UnitOfWork) -> PasswordSet:
        row = await work.first(lock_account(user_id))
        if row is None or row.password_hash != stored:
            raise wrong  # changed while the old one was being verified
        ended = await set_password(
            work, authenticator.secrets, user_id, row, fresh, spare=actor.session_id
        )
        return PasswordSet(row.email, ended, row)

    async with attempt(database, *credential_counters(authenticator, str(user_id), actor)) as made:
        stored = await database.scalar(password_hash_of(user_id))
        if not await passwords.verify(stored, command.old_password):
            raise wrong
        made.succeeded = True
    fresh = await passwords.hash(command.new_password)
    done = await database.run(change)
    authenticator.note_revoked(done.ended)
    return done

"""Proving an e-mail address by a code (spec/02-identity.md#one-time-codes). Tells nobody whether an
account exists."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from auth.actor import Actor
from auth.codes import (
    EMAIL_LIFETIME,
    RESEND_AFTER,
    WRONG_TRIES,
    code_hash,
    new_code,
    new_index,
    same_hash,
)
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.ids import new_id
from models.sessions import CodeFlow
from models.user_statements import (
    add_attempt,
    attempts,
    change_account,
    count_wrong_try,
    lock_code,
    lock_subject,
    put_code,
    use_code,
)
from resolvers.authentication import Authenticator
from resolvers.identity.attempts import Counter, attempt, network_of
from resolvers.identity.errors import CodeInvalid, ResendTooSoon
from resolvers.identity.fields import Code, Email
from resolvers.identity.mails import Mail, post

_FLOW: Final = CodeFlow.EMAIL_VERIFICATION
_ASKED: Final = "code asked for"
# Five wrong tries end a code; this ends asking for new ones and guessing on.
_GUESSES_AN_ADDRESS: Final = 20
_GUESSES_A_NETWORK: Final = 50


class StartEmailVerification(Command):
    """What asking for a code takes."""

    email: Email


class CompleteEmailVerification(Command):
    """What proving an address takes."""

    email: Email
    secret_code: Code


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way, or would be if there were such an account."""

    code_index: int
    expires_at: datetime
    code: str


@dataclass(frozen=True, slots=True)
class EmailVerified:
    """The address was proven."""

    email: str


async def send_email_code(work: UnitOfWork, secrets: Secrets, email: str) -> CodeSent:
    """Makes a code the one live code of the unverified account of this address and mails it.
    Without such an account nothing is stored and nobody written to, in the same time."""
    code, index = new_code(), new_index()
    hashed = code_hash(secrets, _FLOW, email, code)
    stored = await work.first(put_code(email, _FLOW, new_id(), index, hashed, EMAIL_LIFETIME))
    mail = Mail.NONE if stored is None else Mail.VERIFY_EMAIL
    await post(work, secrets, mail, email, code=code, index=index)
    expires_at = await work.clock() + EMAIL_LIFETIME
    return CodeSent(index, expires_at, code)


async def start_email_verification(
    work: UnitOfWork, secrets: Secrets, command: StartEmailVerification
) -> CodeSent:
    """Sends a new code; the last one ends. Answers alike for every address. The code that
    registering sends does not count here, so the first one asked for comes at once. Raises
    ResendTooSoon within 60 s of the last."""
    subject = secrets.tag("address", command.email.lower())
    await work.execute(lock_subject(_ASKED, subject))
    asked = await work.rows(attempts(_ASKED, subject, RESEND_AFTER))
    if asked:
        seconds = max(1, ceil((RESEND_AFTER - asked[-1].age).total_seconds()))
        raise ResendTooSoon(
            f"A code was sent a moment ago. Ask again in {seconds} s.",
            retry_after=seconds,
            path=["input", "email"],
        )
    await work.execute(add_attempt(new_id(), _ASKED, subject))
    return await send_email_code(work, secrets, command.email)


async def _complete(
    work: UnitOfWork, secrets: Secrets, command: CompleteEmailVerification
) -> EmailVerified | None:
    found = await work.first(lock_code(command.email, _FLOW))
    given = code_hash(secrets, _FLOW, command.email, command.secret_code)
    now = await work.clock()
    if found is None or not same_hash(found.code_hash, given):
        if found is not None:
            await work.execute(count_wrong_try(found.id))
        return None
    if found.used_at is not None or found.expires_at <= now or found.wrong_tries >= WRONG_TRIES:
        return None
    await work.execute(use_code(found.id, now))
    await work.execute(change_account(found.user_id, email_verified=True))
    return EmailVerified(found.email)


async def complete_email_verification(
    database: Database,
    authenticator: Authenticator,
    actor: Actor,
    command: CompleteEmailVerification,
) -> EmailVerified:
    """Proves an address by the code sent to it. Five wrong tries end the code. Raises CodeInvalid,
    the same for a wrong code and an unknown address, and RateLimited for guessing on."""
    secrets = authenticator.secrets
    subject = secrets.tag("address", command.email.lower())
    async with attempt(
        database,
        Counter("code", subject, _GUESSES_AN_ADDRESS),
        Counter("code from address", network_of(actor.address), _GUESSES_A_NETWORK),
    ) as made:
        verified = await database.run(lambda work: _complete(work, secrets, command))
        if verified is None:
            raise CodeInvalid(
                "This code is not valid. Check it against the newest mail, or ask for a new one.",
                path=["input", "secretCode"],
            )
        made.succeeded = True
    return verified

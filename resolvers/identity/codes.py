"""One-time codes: the engine of all six flows (spec/02-identity.md#one-time-codes). Tells nobody
whether an account exists; what a proven code is good for, its caller decides.

Asking, in one transaction (`holder` is a row with id, email, phone and preferred_language, or None
when nobody is to be written to, which takes as long):

    await require_pause(work, secrets, flow, subject, path=[…])     # ResendTooSoon within 60 s
    sent = await send_code(work, secrets, flow, holder, bound_to=…)  # queues the mail or message

Taking, around one transaction that must be committed when the code is wrong too, because the try is
counted in it: return its outcome from the transaction and raise afterwards.

    async with guessing(database, secrets, actor, subject) as made:  # RateLimited
        taken = await database.run(lambda work: …take_code(work, secrets, flow, user_id, …))
        if not taken:
            raise code_invalid()
        made.succeeded = True

`bound_to` is what the code proves and nothing else: the e-mail address, the phone number, or the
id of the login that waits for its second factor. `subject` is for whom may be asked and guessed
only so often: what the caller typed, or the id of an account already known. `CodeSent.code` may be
shown only where `settings.development`.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import ceil
from typing import Any, Final, TypeAlias
from uuid import UUID

from auth.actor import Actor
from auth.codes import (
    EMAIL_LIFETIME,
    MOBILE_LIFETIME,
    RESEND_AFTER,
    TWO_FACTOR_LIFETIME,
    WRONG_TRIES,
    bound_hash,
    code_hash,
    new_code,
    new_index,
    new_link_token,
    same_hash,
)
from auth.secrets import Secrets, digest
from core.database import Database, UnitOfWork
from core.ids import new_id
from core.settings import Settings
from models.identity.attempts import add_attempts, attempts, lock_subjects
from models.identity.codes import code_by_link, count_wrong_try, lock_code, put_code, use_code
from models.identity.sessions import CodeFlow
from resolvers.identity.attempts import Attempt, Counter, attempt, by_network
from resolvers.identity.errors import CodeInvalid, ResendTooSoon
from resolvers.identity.mails import Mail, ShortMessage, post, text_to

Flow: TypeAlias = CodeFlow
"""What a code is for, for rooms that know no tables."""

_ASKED: Final = "code asked for"
_NOBODY: Final = "code of nobody"
_HOUR: Final = timedelta(hours=1)
_ASKED_AN_HOUR: Final = 10
# Five wrong tries end a code; this ends asking for new ones and guessing on.
_GUESSES_A_SUBJECT: Final = 20

_LIFETIMES: Final[dict[CodeFlow, timedelta]] = {
    CodeFlow.EMAIL_VERIFICATION: EMAIL_LIFETIME,
    CodeFlow.MOBILE_VERIFICATION: MOBILE_LIFETIME,
    CodeFlow.EMAIL_TWO_FACTOR: TWO_FACTOR_LIFETIME,
    CodeFlow.MOBILE_TWO_FACTOR: MOBILE_LIFETIME,
    CodeFlow.PASSWORD_RESET_EMAIL: EMAIL_LIFETIME,
    CodeFlow.PASSWORD_RESET_MOBILE: MOBILE_LIFETIME,
}
_MESSAGES: Final[dict[CodeFlow, Mail | ShortMessage]] = {
    CodeFlow.EMAIL_VERIFICATION: Mail.VERIFY_EMAIL,
    CodeFlow.MOBILE_VERIFICATION: ShortMessage.VERIFY_MOBILE,
    CodeFlow.EMAIL_TWO_FACTOR: Mail.TWO_FACTOR,
    CodeFlow.MOBILE_TWO_FACTOR: ShortMessage.TWO_FACTOR,
    CodeFlow.PASSWORD_RESET_EMAIL: Mail.RESET_PASSWORD,
    CodeFlow.PASSWORD_RESET_MOBILE: ShortMessage.RESET_PASSWORD,
}
# Where the links of rest/links.py lead. None of a second factor: it is given where the login waits.
_LINKED: Final[dict[CodeFlow, str]] = {
    CodeFlow.EMAIL_VERIFICATION: "/verify-email",
    CodeFlow.MOBILE_VERIFICATION: "/verify-mobile",
    CodeFlow.PASSWORD_RESET_EMAIL: "/reset-password",
    CodeFlow.PASSWORD_RESET_MOBILE: "/reset-password",
}


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way, or would be if there were somebody to send it to. `code` is for the
    answer in development only."""

    code_index: int
    expires_at: datetime
    code: str


class LinkState(Enum):
    """What a link is good for: LIVE ones only; SPENT ones were used or have expired."""

    LIVE = "LIVE"
    SPENT = "SPENT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that was looked at; `holder` is the row of its code and account, None for an
    unknown one."""

    state: LinkState
    holder: Any = None


def mobile_verification_due(row: Any, settings: Settings) -> bool:
    """True when logging in must ask this account for a proof of its phone number first: the setting
    SOUK_MOBILE_VERIFICATION demands it, and there is a number that is not proven."""
    return settings.mobile_verification and row.phone is not None and not row.phone_verified


def code_invalid(*path: str) -> CodeInvalid:
    """The one answer to a code that is wrong, used, expired, guessed too often or that nobody has;
    `path` is `input`, `secretCode` unless given."""
    return CodeInvalid(
        "This code is not valid. Check it against the newest message, or ask for a new one.",
        path=list(path) or ["input", "secretCode"],
    )


async def require_pause(
    work: UnitOfWork, secrets: Secrets, flow: CodeFlow, subject: str, *, path: list[str]
) -> None:
    """Counts that a code of this flow is asked for. Raises ResendTooSoon within 60 s of the last
    for the same subject, and after ten within an hour, known or not: nobody's phone is to ring all
    night."""
    tagged = (_ASKED, secrets.tag("code asked for", flow, subject.lower()))
    await work.execute(lock_subjects(tagged))
    asked = [row.age for row in await work.rows(attempts(tagged, since=_HOUR))]
    wait = RESEND_AFTER - asked[-1] if asked else timedelta(0)
    if len(asked) >= _ASKED_AN_HOUR:
        wait = max(wait, _HOUR - asked[-_ASKED_AN_HOUR])
    if wait > timedelta(0):
        seconds = max(1, ceil(wait.total_seconds()))
        raise ResendTooSoon(
            f"A code was sent already. Ask again in {seconds} s.", retry_after=seconds, path=path
        )
    await work.execute(add_attempts([new_id()], tagged))


async def send_code(
    work: UnitOfWork, secrets: Secrets, flow: CodeFlow, holder: Any | None, *, bound_to: str
) -> CodeSent:
    """Makes a new code the one live code of this account and flow, and queues the message with it:
    by mail to the account's address or by short message to its phone, as the flow is. Without a
    holder nothing is stored and nobody written to, in the same time."""
    code, index = new_code(), new_index()
    token = new_link_token()
    lifetime = _LIFETIMES[flow]
    hashes = {
        "code_hash": code_hash(secrets, flow, bound_to, code),
        "link_hash": digest(token),
        "bound_hash": bound_hash(secrets, flow, bound_to),
    }
    # An id that nobody has: the same statement finds no account.
    user_id = new_id() if holder is None else holder.id
    nobody = (new_id(), _NOBODY, secrets.tag("nobody", bound_to.lower()))
    stored = await work.first(put_code(user_id, flow, new_id(), index, hashes, lifetime, nobody))
    minutes = int(lifetime.total_seconds()) // 60
    values: dict[str, Any] = {"code": code, "index": index, "minutes": minutes}
    if flow in _LINKED:
        values["link"] = f"{_LINKED[flow]}/{token}"
    until = await work.clock() + lifetime
    await _tell(work, secrets, _MESSAGES[flow], None if stored is None else holder, until, values)
    return CodeSent(index, until, code)


async def _tell(
    work: UnitOfWork,
    secrets: Secrets,
    message: Mail | ShortMessage,
    holder: Any | None,
    until: datetime,
    values: dict[str, Any],
) -> None:
    language = None if holder is None else holder.preferred_language
    if isinstance(message, Mail):
        mail, to = (Mail.NONE, "") if holder is None else (message, holder.email)
        await post(work, secrets, mail, to, language=language, until=until, **values)
    else:
        phone = "" if holder is None else holder.phone
        short = message if phone else ShortMessage.NONE
        await text_to(work, secrets, short, phone or "", language=language, until=until, **values)


async def _write_as_much(work: UnitOfWork, secrets: Secrets, subject: str) -> None:
    # Where there is no account, a row is written all the same: the time of a transaction is mostly
    # that of writing it down.
    await work.execute(add_attempts([new_id()], (_NOBODY, secrets.tag("nobody", subject.lower()))))


def guessing(
    database: Database, secrets: Secrets, actor: Actor, *subjects: str
) -> AbstractAsyncContextManager[Attempt]:
    """One try of a code, counted before it is made: at most 20 failures in 15 minutes for each
    subject, over all its codes, and 50 for a network. Set `succeeded` when the code was right.
    Raises RateLimited."""
    tags = [secrets.tag("address", subject.lower()) for subject in subjects]
    return attempt(
        database,
        *[Counter("code", tag, _GUESSES_A_SUBJECT) for tag in tags],
        by_network("code from address", actor.address),
    )


async def take_code(
    work: UnitOfWork,
    secrets: Secrets,
    flow: CodeFlow,
    user_id: UUID | None,
    *,
    bound_to: str,
    given: str,
) -> bool:
    """True when `given` is the live code of this account and flow, or the token of its link, and
    proves `bound_to`; it is used up by that. Otherwise the try is counted, the fifth ends the code,
    and the transaction must be committed. `user_id` None takes as long."""
    found = await work.first(lock_code(new_id() if user_id is None else user_id, flow))
    now = await work.clock()
    by_code = code_hash(secrets, flow, bound_to, given)
    if found is None:
        await _write_as_much(work, secrets, bound_to)
        return False
    right = same_hash(found.code_hash, by_code) and found.wrong_tries < WRONG_TRIES
    if not right and found.link_hash is not None and flow in _LINKED:
        right = same_hash(found.link_hash, digest(given)) and _proves(secrets, found, bound_to)
    if not right or found.used_at is not None or found.expires_at <= now:
        await work.execute(count_wrong_try(found.id))
        return False
    await work.execute(use_code(found.id, now))
    return True


def _proves(secrets: Secrets, found: Any, bound_to: str | None) -> bool:
    bound = bound_hash(secrets, CodeFlow(found.flow), bound_to or "")
    return bound_to is not None and same_hash(found.bound_hash or "", bound)


def _address_of(holder: Any) -> str | None:
    phone: str | None = holder.phone
    return phone if isinstance(_MESSAGES[CodeFlow(holder.flow)], ShortMessage) else holder.email


def _state(secrets: Secrets, found: Any | None, now: datetime) -> LinkState:
    if found is None or CodeFlow(found.flow) not in _LINKED:
        return LinkState.UNKNOWN
    if found.used_at is not None or found.expires_at <= now:
        return LinkState.SPENT
    # The address or number was changed since: the link proves the old one, which is of no use.
    return LinkState.LIVE if _proves(secrets, found, _address_of(found)) else LinkState.SPENT


async def look_at_link(
    work: UnitOfWork, secrets: Secrets, flows: Sequence[CodeFlow], token: str
) -> Link:
    """What a link of these flows is good for. Changes nothing: mail scanners open every link."""
    found = await work.first(code_by_link(digest(token), flows, lock=False))
    return Link(_state(secrets, found, await work.clock()), found)


async def take_link(
    work: UnitOfWork, secrets: Secrets, flows: Sequence[CodeFlow], token: str
) -> Link:
    """Uses a live link of these flows, once, and its code with it; `holder.user_id` is whose it was
    and `holder.flow` what for. Wrong tries of the code do not end its link: nobody guesses 256
    bits, and whoever guesses codes must not lock the owner out."""
    found = await work.first(code_by_link(digest(token), flows, lock=True))
    now = await work.clock()
    state = _state(secrets, found, now)
    if found is not None and state is LinkState.LIVE:
        await work.execute(use_code(found.id, now))
    return Link(state, found)

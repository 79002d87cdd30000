"""Logging in with a password (spec/02-identity.md#user). One answer and one duration for unknown
accounts and wrong passwords. Takes no second factor: second_factor_login.py does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.actor import Actor, Permission, Role
from auth.permissions import allows
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import DomainError, InvalidInput
from core.settings import Settings
from models.identity.accounts import (
    account,
    change_account,
    change_rights,
    credentials,
    lock_account,
)
from models.identity.second_factors import ChallengePurpose
from resolvers.identity.archiving import restorable_until
from resolvers.identity.attempts import FAILURES_AN_ACCOUNT, Counter, by_network
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import mobile_verification_due
from resolvers.identity.errors import (
    EmailVerificationNeeded,
    InvalidCredentials,
    MobileVerificationNeeded,
    TwoFactorNeeded,
)
from resolvers.identity.fields import OptionalText, Password
from resolvers.identity.lockouts import signing_in
from resolvers.identity.second_factor import challenged
from resolvers.identity.sessions import Device, NewSession, SignedIn, open_session, signed_in


class Login(Command):
    """What logging in takes: an e-mail address or a user name, which wins, and which may hold an
    e-mail address too (seeds 001 and 004)."""

    email: OptionalText = None
    username: OptionalText = None
    password: Password

    @property
    def named(self) -> dict[str, str]:
        """By what the account is looked up. Raises InvalidInput without either."""
        name = self.username or self.email
        if name is None:
            raise InvalidInput("Give email or username.", path=["input", "email"])
        return {"email": name} if "@" in name or self.username is None else {"username": name}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened; `restored` when the account had been archived."""

    session: NewSession
    restored: bool


def credential_counters(
    authenticator: Authenticator, subject: str, actor: Actor
) -> tuple[Counter, Counter]:
    """Wrong passwords are counted per account, wherever a password is asked for, and per network.
    `subject` is the account's id, or what was typed where there is none."""
    return (
        Counter("login", authenticator.secrets.tag("login", subject), FAILURES_AN_ACCOUNT),
        by_network("login from address", actor.address),
    )


def _refusal() -> InvalidCredentials:
    return InvalidCredentials("E-mail address, user name or password is wrong.", path=["input"])


async def login(
    database: Database,
    authenticator: Authenticator,
    settings: Settings,
    actor: Actor,
    device: Device,
    command: Login,
    purpose: ChallengePurpose = ChallengePurpose.LOGIN,
) -> SignedIn:
    """Signs in; an account that its owner archived within 30 days is restored by it. For the
    purpose STAFF_LOGIN an account below STAFF is refused in the words of a wrong password, and is
    counted as one. Raises InvalidCredentials, InvalidInput, RateLimited after 5 failures in 15
    minutes for the account or 50 for the network address; after the right password only:
    EmailVerificationNeeded, MobileVerificationNeeded, TwoFactorNeeded. The hash is verified outside
    any transaction."""
    named = command.named
    found = await database.first(credentials(**named))
    stored = None if found is None else found.password_hash
    subject = str(found.id) if found is not None else next(iter(named.values())).lower()
    passwords = authenticator.passwords
    account_id = None if found is None else found.id
    counted = credential_counters(authenticator, subject, actor)
    async with signing_in(database, actor, account_id, *counted) as made:
        if not await passwords.verify(stored, command.password) or found is None or stored is None:
            raise _refusal()
        fresh = await passwords.hash(command.password) if passwords.outdated(stored) else None
        verified = _Verified(found.id, stored, fresh, purpose)
        try:
            entered = await database.run(
                lambda work: _enter(work, authenticator, settings, verified, device)
            )
        except DomainError as refused:
            made.succeeded = not isinstance(refused, InvalidCredentials)
            raise
        made.succeeded = True
    if isinstance(entered, TwoFactorNeeded):
        raise entered
    return await welcomed(authenticator, entered)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A password that was right: the hash that it was verified against, and one with today's
    parameters where that is outdated."""

    user_id: UUID
    password_hash: str
    fresh_hash: str | None
    purpose: ChallengePurpose


async def _enter(
    work: UnitOfWork,
    authenticator: Authenticator,
    settings: Settings,
    verified: _Verified,
    device: Device,
) -> Opened | TwoFactorNeeded:
    row = await work.first(lock_account(verified.user_id))
    if row is None or row.password_hash != verified.password_hash:
        raise _refusal()  # changed while the old one was being verified
    if (refused := entry_refused(row, settings, verified.purpose, await work.clock())) is not None:
        raise refused
    if verified.fresh_hash is not None:
        await work.execute(change_account(row.id, password_hash=verified.fresh_hash))
        row = await work.first(lock_account(row.id))
    due = await challenged(work, authenticator.secrets, row, verified.purpose)
    return await let_in(work, row, device) if due is None else due


def entry_refused(
    row: Any, settings: Settings, purpose: ChallengePurpose, now: datetime
) -> DomainError | None:
    """Why nobody gets into this account although the password was right; None when nothing stands
    in the way but a second factor: InvalidCredentials for one that is closed for good or below the
    purpose, EmailVerificationNeeded, MobileVerificationNeeded."""
    if not row.is_active and not _is_restorable(row, now):
        return _refusal()
    staff = allows(Role(row.role), Permission.SIGN_IN_AS_STAFF)
    if purpose is ChallengePurpose.STAFF_LOGIN and not staff:
        return _refusal()
    if not row.email_verified:
        return EmailVerificationNeeded(
            "Verify your e-mail address first: startEmailVerification sends a code.",
            path=["input", "email"],
        )
    if mobile_verification_due(row, settings):
        return MobileVerificationNeeded(
            "Verify your phone number first: startMobileVerification sends a code.",
            path=["input"],
        )
    return None


def _is_restorable(row: Any, now: datetime) -> bool:
    until = restorable_until(row)
    return row.purged_at is None and until is not None and until > now


async def let_in(work: UnitOfWork, row: Any, device: Device) -> Opened:
    """Opens a session of an account that may enter, restoring it when it was archived. `row` is
    locked. The caller commits and gives the answer of `welcomed`."""
    if not row.is_active:
        await work.execute(change_rights(row.id, is_active=True, archived_at=None, closed_by=None))
    session = await open_session(work, await work.first(account(row.id)), device)
    return Opened(session, restored=not row.is_active)


async def welcomed(authenticator: Authenticator, opened: Opened) -> SignedIn:
    """What the client gets for an opened session: call it after the commit."""
    if opened.restored:
        await authenticator.look()
    return await signed_in(authenticator, opened.session)

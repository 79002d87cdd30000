"""Logging in with a password (spec/02-identity.md#user). One answer and one duration for unknown
accounts and wrong passwords."""

from dataclasses import dataclass
from typing import Any, Final

from auth.actor import Actor
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput
from models.user_statements import account, change_account, change_rights, credentials, lock_account
from resolvers.authentication import Authenticator
from resolvers.identity.attempts import Counter, attempt, network_of
from resolvers.identity.errors import EmailVerificationNeeded, InvalidCredentials
from resolvers.identity.fields import OptionalText, Password
from resolvers.identity.registration import RESTORABLE
from resolvers.identity.sessions import Device, NewSession, SignedIn, open_session, signed_in

_FAILURES_AN_ACCOUNT: Final = 5
_FAILURES_A_NETWORK: Final = 50


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
class _Opened:
    session: NewSession
    restored: bool


def _refusal() -> InvalidCredentials:
    return InvalidCredentials("E-mail address, user name or password is wrong.", path=["input"])


async def login(
    database: Database,
    authenticator: Authenticator,
    actor: Actor,
    device: Device,
    command: Login,
) -> SignedIn:
    """Signs in; an account archived within 30 days is restored by it. Raises InvalidCredentials,
    EmailVerificationNeeded (only after the right password), InvalidInput, and RateLimited after 5
    failures in 15 minutes for the account or 50 for the network address. The hash is verified
    outside any transaction."""
    named = command.named
    found = await database.first(credentials(**named))
    stored = None if found is None else found.password_hash
    subject = authenticator.secrets.tag(
        "login", *[name.lower() for name in named.values()] if found is None else [str(found.id)]
    )
    passwords = authenticator.passwords
    async with attempt(
        database,
        Counter("login", subject, _FAILURES_AN_ACCOUNT),
        Counter("login from address", network_of(actor.address), _FAILURES_A_NETWORK),
    ) as made:
        if not await passwords.verify(stored, command.password) or found is None or stored is None:
            raise _refusal()
        made.succeeded = True
    fresh = await passwords.hash(command.password) if passwords.outdated(stored) else None
    opened = await database.run(lambda work: _open(work, found.id, stored, fresh, device))
    if opened.restored:
        await authenticator.look()
    return await signed_in(authenticator, opened.session)


async def _open(
    work: UnitOfWork, user_id: Any, verified: str, fresh: str | None, device: Device
) -> _Opened:
    row = await work.first(lock_account(user_id))
    if row is None or row.password_hash != verified:
        raise _refusal()  # changed while the old one was being verified
    if not row.is_active:
        closed = row.archived_at
        if closed is None or closed + RESTORABLE <= await work.clock():
            raise _refusal()
        await work.execute(change_rights(row.id, is_active=True, archived_at=None))
    if not row.email_verified:
        raise EmailVerificationNeeded(
            "Verify your e-mail address first: startEmailVerification sends a code.",
            path=["input", "email"],
        )
    if fresh is not None:
        await work.execute(change_account(row.id, password_hash=fresh))
    session = await open_session(work, await work.first(account(row.id)), device)
    return _Opened(session, restored=not row.is_active)

"""Closing accounts: by the owner, softly, and for good after 30 days (spec/02-identity.md#user).
Restoring is logging in: resolvers/identity/login.py. What the person sold and bid stays."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from auth.actor import Actor, Role
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import InvalidInput, Unauthenticated
from core.ids import encode_id
from core.registered import Registered
from models.identity.accounts import change_account, change_rights, lock_account
from models.identity.people import blank_closed, closed, drop_personal, freed
from resolvers.audit import blank_details
from resolvers.identity.api_keys import revoke_keys_of
from resolvers.identity.fields import Email
from resolvers.identity.people_errors import SuperAdminProtected
from resolvers.identity.sessions import end_sessions

RESTORABLE: Final = timedelta(days=30)
"""How long logging in restores an account that its owner closed."""


ERASURE: Final = Registered[Callable[[UnitOfWork, Sequence[UUID]], Awaitable[None]]](
    "what else goes when the personal data of people do"
)
"""Steps that higher domains add: each is given the accounts, in the transaction that blanks
them."""


class ArchiveProfile(Command):
    """What closing one's own account takes: its address, so that nobody closes it by mistake."""

    email: Email


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """An account is closed; `ended` are the sessions that this ended. `changed` is False when it
    was so before."""

    user_id: UUID
    restorable_until: datetime | None
    ended: tuple[UUID, ...] = ()
    changed: bool = False


def restorable_until(account: Any) -> datetime | None:
    """Until when logging in restores a closed account; None when it does not: the account is open,
    or an admin closed it."""
    by_owner = account.closed_by in (None, account.id)
    closed_at: datetime | None = account.archived_at
    return closed_at + RESTORABLE if by_owner and closed_at is not None else None


def is_over(account: Any, now: datetime) -> bool:
    """True for an account closed so long ago, by whomever, that its address is free for others."""
    if account.is_active:
        return False
    closed_at: datetime | None = account.archived_at
    return account.purged_at is not None or closed_at is None or closed_at + RESTORABLE <= now


async def archive_profile(work: UnitOfWork, actor: Actor, command: ArchiveProfile) -> AccountClosed:
    """Closes the actor's own account: it can do nothing from now on, its sessions end, it can be
    restored for 30 days. Raises Unauthenticated, SuperAdminProtected, InvalidInput for an address
    that is not the account's. Idempotent."""
    account = await work.first(lock_account(actor.member()))
    if account is None:
        raise Unauthenticated("This account is gone.")
    if account.role is Role.SUPER_ADMIN:
        raise SuperAdminProtected("The super admin's account cannot be closed.")
    if command.email.lower() != account.email.lower():
        raise InvalidInput("email is not your account's address.", path=["input", "email"])
    return await close_account(work, account, by=account.id)


async def close_account(work: UnitOfWork, account: Any, *, by: UUID) -> AccountClosed:
    """Closes an account whose row the caller holds, and ends its sessions and API keys. One that
    its owner had closed is from now on not restored by logging in when `by` is an admin; any other
    one that is closed stays as it is. The caller notes what ended with the Authenticator after the
    commit."""
    until = restorable_until(account)
    if not account.is_active and (until is None or by == account.id):
        return AccountClosed(account.id, until)
    ended = [*await end_sessions(work, account.id), *await revoke_keys_of(work, account.id)]
    if account.is_active:
        await work.execute(change_rights(account.id, **closed(by)))
    else:
        await work.execute(change_account(account.id, closed_by=by))
    row = await work.first(lock_account(account.id))
    return AccountClosed(account.id, restorable_until(row), tuple(ended), changed=True)


async def free_address(work: UnitOfWork, account_id: UUID) -> None:
    """Takes address and user name off a closed account that nobody can restore any more."""
    await work.execute(change_account(account_id, **freed()))


async def purge_closed(database: Database, batch: int) -> int:
    """Blanks what is personal of accounts closed more than 30 days ago, in batches, and gives how
    many. Their rows stay, as "Former member", for what they sold and bid; nobody logs in to them
    again and their addresses are free. Idempotent; several workers at once do no harm."""

    async def purge(work: UnitOfWork) -> int:
        ids = [row.id for row in await work.rows(blank_closed(RESTORABLE, batch))]
        if ids:
            for statement in drop_personal(ids):
                await work.execute(statement)
            for erase in ERASURE:
                await erase(work, ids)
            for user_id in ids:
                await blank_details(work, encode_id("usr", user_id))
        return len(ids)

    purged = 0
    while (count := await database.run(purge)) > 0:
        purged += count
    return purged

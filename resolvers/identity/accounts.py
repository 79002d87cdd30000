"""Accounts made by us rather than by registering: the super admin, importers' and demo accounts."""

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from auth.actor import Role
from auth.passwords import Passwords, weakness
from core.database import Database, UnitOfWork
from core.ids import new_id
from core.settings import Settings
from models.identity.accounts import (
    account_by_email,
    add_account,
    add_accounts,
    ids_by_email,
    super_admin,
)
from models.identity.session_statements import lock_for
from resolvers.identity.authentication import Authenticator
from resolvers.identity.sessions import Device, SignedIn, open_session, signed_in

_LOCK: Final = 7_246_013
_BATCH: Final = 500

NewAccount = tuple[str, str, str | None]


async def import_accounts(
    work: UnitOfWork, people: Sequence[NewAccount], role: Role = Role.USER
) -> list[UUID]:
    """Verified accounts of these (e-mail, full name, password hash or None), in their order; an
    address that has an account already keeps it as it is. No password is hashed: without a hash
    nobody can log in with one. For importers and demo data, never for what a stranger sends."""
    for start in range(0, len(people), _BATCH):
        rows = [
            {
                "id": new_id(),
                "email": email,
                "fullname": fullname,
                "password_hash": password_hash,
                "role": role,
                "email_verified": True,
            }
            for email, fullname, password_hash in people[start : start + _BATCH]
        ]
        await work.execute(add_accounts(rows))
    ids: dict[str, UUID] = {}
    for start in range(0, len(people), _BATCH):
        emails = [email for email, _, _ in people[start : start + _BATCH]]
        for row in await work.rows(ids_by_email(emails)):
            ids[row.email] = row.id
    return [ids[email.lower()] for email, _, _ in people]


async def issue_session(
    database: Database, authenticator: Authenticator, email: str, device: Device
) -> SignedIn:
    """Signs an account in without its password, for importers on the server itself. Raises
    LookupError when there is none."""
    row = await database.first(account_by_email(email))
    if row is None or not row.is_active:
        raise LookupError(f"no account of {email}")
    opened = await database.run(lambda work: open_session(work, row, device))
    return await signed_in(authenticator, opened)


async def ensure_super_admin(database: Database, settings: Settings) -> str | None:
    """Makes the super admin from SOUK_ADMIN_EMAIL and SOUK_ADMIN_PASSWORD when there is none; in
    development without a password, a random one, which is returned this once to be printed.
    Idempotent, also when several processes start (spec/02-identity.md#first-start). Raises
    ValueError for a weak password and when the address belongs to somebody else."""
    if await database.first(super_admin()) is not None:
        return None
    given = settings.admin_password
    password = secrets.token_urlsafe(12) if given is None else given.get_secret_value()
    if (why := weakness(password, settings.admin_email)) is not None:
        raise ValueError(f"SOUK_ADMIN_PASSWORD: {why}")
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(password)
    finally:
        passwords.close()

    async def make(work: UnitOfWork) -> bool:
        await work.execute(lock_for(_LOCK))
        if await work.first(super_admin()) is not None:
            return False
        made = await work.first(
            add_account(
                id=new_id(),
                email=settings.admin_email,
                fullname="Super admin",
                role=Role.SUPER_ADMIN,
                email_verified=True,
                password_hash=password_hash,
            )
        )
        if made is None:
            raise ValueError("SOUK_ADMIN_EMAIL is the address of another account: choose another.")
        return True

    return password if await database.run(make) and given is None else None

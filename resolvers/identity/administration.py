"""What admins do with accounts (spec/02-identity.md#user): never with a role equal to their own or
above it, so never with their own, always with a reason, always on record in the same transaction.

A token tells a role that may be 15 minutes old: each use case locks the row of who acts together
with the row that it changes, and decides by what stands there."""

from typing import Any
from uuid import UUID

from auth.actor import Actor, Permission, Role
from auth.passwords import weakness
from auth.permissions import allows
from auth.secrets import Secrets
from core.commands import Command
from core.database import Database, UnitOfWork
from core.errors import Conflict, Forbidden, NotFound
from core.ids import encode_id, new_id
from models.identity.accounts import (
    account_by_email,
    add_account,
    change_account,
    change_rights,
    people_visible_to,
)
from models.identity.people import lock_people
from models.identity.sessions import CodeFlow
from resolvers.audit import AuditAction, record
from resolvers.identity.archiving import (
    AccountClosed,
    close_account,
    free_address,
    restorable_until,
)
from resolvers.identity.authentication import Authenticator
from resolvers.identity.codes import send_code
from resolvers.identity.errors import AccountArchived, WeakPassword
from resolvers.identity.events import IdentityAction
from resolvers.identity.fields import Email, Fullname, Password
from resolvers.identity.passwords import PasswordSet, set_password
from resolvers.identity.people_errors import RoleTooHigh, SuperAdminProtected
from resolvers.identity.profile import ProfileChanges, changes_of
from resolvers.identity.profile_fields import Reason

_USER = ["input", "userId"]


class CreateUser(ProfileChanges):
    """A new account, made by an admin."""

    email: Email
    password: Password
    fullname: Fullname
    role: Role = Role.USER
    reason: Reason


class UpdateUser(ProfileChanges):
    """What an admin changes of somebody's profile."""

    user_id: UUID
    reason: Reason


class DeleteUser(Command):
    """Whose account to close, and why."""

    user_id: UUID
    reason: Reason


class SetUserRole(Command):
    """Whose role becomes which, and why."""

    user_id: UUID
    role: Role
    reason: Reason


class SetUserPassword(Command):
    """Whose password becomes which, and why."""

    user_id: UUID
    password: Password
    reason: Reason


async def create_user(
    database: Database, authenticator: Authenticator, actor: Actor, command: CreateUser
) -> UUID:
    """Makes an account whose address is not verified, mails it a code, and gives its id. Raises
    Unauthenticated, Forbidden, RoleTooHigh, WeakPassword, AccountArchived, Conflict for a taken
    address."""
    actor.require(Permission.MANAGE_USERS)
    if (why := weakness(command.password, command.email)) is not None:
        raise WeakPassword(why, path=["input", "password"])
    password_hash = await authenticator.passwords.hash(command.password)
    secrets = authenticator.secrets
    return await database.run(lambda work: _create(work, secrets, actor, command, password_hash))


async def _create(
    work: UnitOfWork, secrets: Secrets, actor: Actor, command: CreateUser, password_hash: str
) -> UUID:
    role, _ = await _present(work, actor)
    _require_below(role, command.role, "The new account's role", ["input", "role"])
    given = {name: getattr(command, name) for name in ("phone", "avatar_url", "bio")}
    statement = add_account(
        id=new_id(),
        email=command.email,
        fullname=command.fullname,
        role=command.role,
        password_hash=password_hash,
        preferred_language=command.preferred_language,
        address=command.address and command.address.stored(),
        **given,
    )
    made = await work.first(statement)
    if made is None:
        await _make_room(work, command.email)
        made = await work.first(statement)
    if made is None:
        raise _taken()
    user_id: UUID = made.id
    holder = await work.first(account_by_email(command.email))
    await send_code(work, secrets, CodeFlow.EMAIL_VERIFICATION, holder, bound_to=command.email)
    details = {"email": command.email, "fullname": command.fullname, "role": command.role.value}
    await _record(
        work, actor, IdentityAction.USER_CREATE, user_id, {"after": details}, command.reason
    )
    return user_id


def _taken() -> Conflict:
    return Conflict("An account has this address already.", path=["input", "email"])


async def _make_room(work: UnitOfWork, email: str) -> None:
    """Frees the address of an account that nobody can restore any more. Raises AccountArchived,
    Conflict."""
    holder = await work.first(account_by_email(email))
    if holder is None:
        return
    until = restorable_until(holder)
    if until is not None and until > await work.clock():
        raise AccountArchived(
            "An account with this address was closed. Its owner can log in to restore it.",
            restorable_until=until,
            path=["input", "email"],
        )
    if holder.is_active:
        raise _taken()
    await free_address(work, holder.id)


async def update_user(work: UnitOfWork, actor: Actor, command: UpdateUser) -> UUID:
    """Changes somebody's profile and gives their id. Raises Unauthenticated, Forbidden, NotFound,
    RoleTooHigh, Conflict for a closed account. The same once more changes and records nothing."""
    target = await open_below(work, actor, command.user_id)
    changed = changes_of(command, actor, target)
    if changed:
        before = {name: getattr(target, name) for name in changed}
        await work.execute(change_account(target.id, **changed))
        await _record(
            work,
            actor,
            IdentityAction.USER_UPDATE,
            target.id,
            {"before": before, "after": changed},
            command.reason,
        )
    return command.user_id


async def delete_user(work: UnitOfWork, actor: Actor, command: DeleteUser) -> AccountClosed:
    """Closes somebody's account, softly, and ends their sessions; logging in does not restore it.
    Raises Unauthenticated, Forbidden, NotFound, SuperAdminProtected, RoleTooHigh. The same once
    more changes and records nothing."""
    role, target = await _both(work, actor, command.user_id)
    _require_not_super_admin(target, "cannot be deleted")
    _require_below(role, target.role)
    made = await close_account(work, target, by=actor.member())
    if made.changed:
        await _record(work, actor, IdentityAction.USER_DELETE, target.id, {}, command.reason)
    return made


async def set_user_role(work: UnitOfWork, actor: Actor, command: SetUserRole) -> UUID:
    """Gives somebody another role, and their id. What their tokens allow follows within a minute.
    Raises Unauthenticated, Forbidden, NotFound, SuperAdminProtected, RoleTooHigh for the present
    role and for the new one, Conflict for a closed account. The same once more records nothing."""
    role, target = await _both(work, actor, command.user_id)
    _require_not_super_admin(target, "keeps the role")
    _require_below(role, target.role)
    _require_below(role, command.role, "The role to give", ["input", "role"])
    _require_open(target)
    if target.role is not command.role:
        await work.execute(change_rights(target.id, role=command.role))
        await _record(
            work,
            actor,
            IdentityAction.USER_SET_ROLE,
            target.id,
            {"before": {"role": target.role.value}, "after": {"role": command.role.value}},
            command.reason,
        )
    return command.user_id


async def set_user_password(
    database: Database, authenticator: Authenticator, actor: Actor, command: SetUserPassword
) -> PasswordSet:
    """Sets somebody's password, ends their sessions and the codes that could set another one, and
    tells them by mail. Raises Unauthenticated, Forbidden, NotFound, RoleTooHigh, WeakPassword,
    Conflict for a closed account."""
    actor.require(Permission.MANAGE_USERS)
    found = await database.first(people_visible_to(actor, [command.user_id]))
    if found is None:
        raise _unknown()
    if (why := weakness(command.password, found.email)) is not None:
        raise WeakPassword(why, path=["input", "password"])
    password_hash = await authenticator.passwords.hash(command.password)

    async def set_it(work: UnitOfWork) -> PasswordSet:
        target = await open_below(work, actor, command.user_id)
        ended = await set_password(work, authenticator.secrets, target.id, target, password_hash)
        await _record(work, actor, IdentityAction.USER_SET_PASSWORD, target.id, {}, command.reason)
        return PasswordSet(target.email, ended, target)

    return await database.run(set_it)


async def _both(work: UnitOfWork, actor: Actor, user_id: UUID) -> tuple[Role, Any]:
    """The present role of who acts, and the row of whom it concerns, both locked."""
    role, rows = await _present(work, actor, user_id)
    target = rows.get(user_id)
    if target is None or target.purged_at is not None:
        raise _unknown()
    return role, target


async def open_below(work: UnitOfWork, actor: Actor, user_id: UUID) -> Any:
    """The row of an open account below the actor's present role, both locked. Raises
    Unauthenticated, Forbidden, NotFound, RoleTooHigh, Conflict."""
    role, target = await _both(work, actor, user_id)
    _require_below(role, target.role)
    _require_open(target)
    return target


async def _present(work: UnitOfWork, actor: Actor, *others: UUID) -> tuple[Role, dict[UUID, Any]]:
    admin_id = actor.require(Permission.MANAGE_USERS)
    rows = {row.id: row for row in await work.rows(lock_people([admin_id, *others]))}
    admin = rows.get(admin_id)
    role = None if admin is None or not admin.is_active else Role(admin.role)
    if role is None or not allows(role, Permission.MANAGE_USERS):
        raise Forbidden("You are no admin any more.")
    return role, rows


def _require_below(
    own: Role, other: Role, whose: str = "This account's role", path: list[str] = _USER
) -> None:
    if other.rank >= own.rank:
        raise RoleTooHigh(
            f"{whose} is not below your own. Ask somebody of a higher role.", path=path
        )


def _require_not_super_admin(target: Any, what: str) -> None:
    if target.role is Role.SUPER_ADMIN:
        raise SuperAdminProtected(f"The super admin {what}.", path=_USER)


def _require_open(target: Any) -> None:
    if not target.is_active:
        raise Conflict("This account is closed, and stays as it is.", path=_USER)


def _unknown() -> NotFound:
    return NotFound("There is no such account.", path=_USER)


async def _record(
    work: UnitOfWork,
    actor: Actor,
    action: AuditAction,
    user_id: UUID,
    details: dict[str, Any],
    reason: str,
) -> None:
    await record(
        work,
        actor,
        action,
        object_type="User",
        object_id=encode_id("usr", user_id),
        details=details,
        reason=reason,
    )

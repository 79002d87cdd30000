"""Changing one's own profile, and what of a profile may be changed (spec/02-identity.md#user).
E-mail address and role are no part of it."""

from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.commands import Command
from core.database import ConstraintViolated, UnitOfWork
from core.errors import AccountInactive, Conflict
from models.identity.accounts import change_account, lock_account
from resolvers.identity.fields import Fullname, Phone
from resolvers.identity.profile_fields import (
    Bio,
    City,
    Gender,
    Language,
    Name,
    Picture,
    PostalAddress,
    Username,
)


class ProfileChanges(Command):
    """What both the person and an admin may change; what is not named stays, what is None is
    emptied. The full name cannot be empty."""

    fullname: Fullname = ""
    phone: Phone = None
    avatar_url: Picture = None
    bio: Bio = None
    preferred_language: Language = None
    address: PostalAddress | None = None


class UpdateProfile(ProfileChanges):
    """What a person may change of the own profile."""

    firstname: Name = None
    lastname: Name = None
    gender: Gender = None
    city: City = None
    username: Username = None


def changes_of(command: ProfileChanges, actor: Actor, account: Any) -> dict[str, Any]:
    """What the command changes of an account, by column. Another phone number is not verified.
    Raises Forbidden for another number by an API key."""
    wanted = {name: getattr(command, name) for name in command.model_fields_set}
    if (address := wanted.get("address")) is not None:
        wanted["address"] = address.stored()
    changed = {
        name: value for name, value in wanted.items() if name in account and account[name] != value
    }
    if "phone" in changed:
        # Whoever has the number can set the password, which no key may
        # (spec/10-admin-compliance.md#api-keys).
        actor.require_person()
        changed["phone_verified"] = False
    return changed


async def update_profile(work: UnitOfWork, actor: Actor, command: UpdateProfile) -> UUID:
    """Changes the actor's own profile and gives its id. Raises Unauthenticated, AccountInactive,
    Conflict for a user name that somebody else has."""
    account = await work.first(lock_account(actor.member()))
    if account is None or not account.is_active:
        raise AccountInactive("This account is closed. Log in again to restore it.")
    changed = changes_of(command, actor, account)
    if changed:
        try:
            async with work.savepoint():
                await work.execute(change_account(account.id, **changed))
        except ConstraintViolated:
            # Of what a profile holds, only the user name is somebody's alone.
            raise Conflict(
                "This user name is taken. Choose another.", path=["input", "username"]
            ) from None
    user_id: UUID = account.id
    return user_id

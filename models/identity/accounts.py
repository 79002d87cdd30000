"""Statements on accounts. Decides nothing: resolvers/ does."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import String, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from auth.actor import Actor, Role
from core.wording import Bound
from models.base import Query
from models.identity.users import User, users_visible_to
from models.statements import given, value_of

ACCOUNT = (
    col(User.id),
    col(User.email),
    col(User.username),
    col(User.fullname),
    col(User.firstname),
    col(User.lastname),
    col(User.gender),
    col(User.city),
    col(User.phone),
    col(User.phone_verified),
    col(User.email_verified),
    col(User.avatar_url),
    col(User.bio),
    col(User.preferred_language),
    col(User.address),
    col(User.role),
    col(User.created_at),
    col(User.is_active),
    col(User.archived_at),
    col(User.closed_by),
    col(User.purged_at),
)


def add_account(**values: Any) -> Any:
    """A new account; gives its id, or nothing when the address is taken."""
    return insert(User).values(**values).on_conflict_do_nothing().returning(col(User.id))


def add_accounts(values: Sequence[dict[str, Any]]) -> Any:
    """Many new accounts; those whose address is taken are left out."""
    return insert(User).values(list(values)).on_conflict_do_nothing()


def ids_by_email(emails: Sequence[str]) -> Query:
    """Address in lower case and id of the accounts with these addresses."""
    email = func.lower(col(User.email))
    return select(email.label("email"), col(User.id)).where(
        email.in_([email.lower() for email in emails])
    )


def account_by_email(email: str) -> Query:
    """The account of an address, archived or not."""
    return select(*ACCOUNT).where(func.lower(col(User.email)) == email.lower())


_CREDENTIALS = select(col(User.id), col(User.password_hash))
_BY_EMAIL = _CREDENTIALS.where(func.lower(col(User.email)) == bindparam("name", type_=String))
_BY_USERNAME = _CREDENTIALS.where(func.lower(col(User.username)) == bindparam("name", type_=String))


def credentials(*, email: str | None = None, username: str | None = None) -> Bound[Any]:
    """Id and password hash of the account of an address or else a user name."""
    if email is not None:
        return Bound(_BY_EMAIL, {"name": email.lower()})
    return Bound(_BY_USERNAME, {"name": (username or "").lower()})


def lock_account(user_id: UUID) -> Query:
    """The account with its password hash, locked against changes until the transaction ends."""
    return (
        select(*ACCOUNT, col(User.password_hash))
        .where(col(User.id) == user_id)
        .with_for_update(key_share=True)
    )


def account(user_id: UUID) -> Query:
    """The account as its owner sees it, if it is active."""
    return select(*ACCOUNT).where(col(User.id) == user_id, col(User.is_active))


def people_visible_to(actor: Actor, ids: Sequence[UUID]) -> Query:
    """The accounts of these ids that the actor may see at all."""
    return select(*ACCOUNT).where(users_visible_to(actor), col(User.id).in_(ids))


def change_account(user_id: UUID, **values: Any) -> Any:
    """Changes an account."""
    return (
        update(User)
        .where(col(User.id) == user_id)
        .values(**values, updated_at=func.clock_timestamp())
    )


def change_rights(user_id: UUID, **values: Any) -> Any:
    """Changes the role or the archiving of an account so that every process learns of it."""
    return change_account(user_id, **values, rights_changed_at=func.clock_timestamp())


def super_admin() -> Query:
    """The id and address of the super admin."""
    return select(col(User.id), col(User.email)).where(col(User.role) == Role.SUPER_ADMIN)


@value_of(bool)
def _is_active_account() -> Query:
    return select(col(User.is_active)).where(col(User.id) == given("user_id", User.id))


def is_active_account(user_id: UUID) -> Bound[bool]:
    """Whether the account may still act."""
    return _is_active_account().bind(user_id=user_id)

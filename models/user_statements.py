"""Statements on accounts, one-time codes and failed attempts. Decides nothing: resolvers/ does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from auth.actor import Actor, Role
from models.base import Query
from models.sessions import CodeFlow, FailedAttempt, OneTimeCode
from models.users import User, users_visible_to

_ACCOUNT = (
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
    return select(*_ACCOUNT).where(func.lower(col(User.email)) == email.lower())


def credentials(*, email: str | None = None, username: str | None = None) -> Query:
    """Id and password hash of the account of an address or else a user name."""
    found = (
        func.lower(col(User.username)) == (username or "").lower()
        if email is None
        else func.lower(col(User.email)) == email.lower()
    )
    return select(col(User.id), col(User.password_hash)).where(found)


def lock_account(user_id: UUID) -> Query:
    """The account with its password hash, locked against changes until the transaction ends."""
    return (
        select(*_ACCOUNT, col(User.password_hash))
        .where(col(User.id) == user_id)
        .with_for_update(key_share=True)
    )


def account(user_id: UUID) -> Query:
    """The account as its owner sees it, if it is active."""
    return select(*_ACCOUNT).where(col(User.id) == user_id, col(User.is_active))


def people_visible_to(actor: Actor, ids: Sequence[UUID]) -> Query:
    """The accounts of these ids that the actor may see at all."""
    return select(*_ACCOUNT).where(users_visible_to(actor), col(User.id).in_(ids))


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


def put_code(
    email: str, flow: CodeFlow, id_: UUID, index: int, code_hash: Any, lifetime: timedelta
) -> Any:
    """Makes this the one live code of the active, unverified account of an address; gives its id.
    Without such an account nothing happens, by the same statement, so that both take as long.
    `code_hash` is an expression or text; the code is bound to the address by whoever hashes it."""
    now = func.clock_timestamp()
    source = select(
        literal(id_),
        col(User.id),
        literal(flow.value),
        literal(code_hash),
        literal(index),
        literal(0),
        now,
        now + lifetime,
    ).where(
        func.lower(col(User.email)) == email.lower(),
        col(User.is_active),
        col(User.email_verified).is_(False),
    )
    columns = [
        "id",
        "user_id",
        "flow",
        "code_hash",
        "code_index",
        "wrong_tries",
        "created_at",
        "expires_at",
    ]
    statement = insert(OneTimeCode).from_select(columns, source)
    fresh = {name: statement.excluded[name] for name in columns if name not in ("user_id", "flow")}
    return statement.on_conflict_do_update(
        index_elements=["user_id", "flow"], set_={**fresh, "used_at": None}
    ).returning(col(OneTimeCode.user_id), col(OneTimeCode.expires_at))


def lock_code(email: str, flow: CodeFlow) -> Query:
    """The code of an address and flow with what decides about it, locked: guesses at the same time
    come one after the other."""
    return (
        select(
            col(OneTimeCode.id),
            col(OneTimeCode.user_id),
            col(OneTimeCode.code_hash),
            col(OneTimeCode.wrong_tries),
            col(OneTimeCode.expires_at),
            col(OneTimeCode.used_at),
            col(User.email),
        )
        .join(User, col(User.id) == col(OneTimeCode.user_id))
        .where(
            func.lower(col(User.email)) == email.lower(),
            col(User.is_active),
            col(OneTimeCode.flow) == flow,
        )
        .with_for_update(of=OneTimeCode)
    )


def count_wrong_try(code_id: UUID) -> Any:
    """One wrong guess more."""
    return (
        update(OneTimeCode)
        .where(col(OneTimeCode.id) == code_id)
        .values(wrong_tries=col(OneTimeCode.wrong_tries) + 1)
    )


def use_code(code_id: UUID, at: datetime) -> Any:
    """A code is used once."""
    return update(OneTimeCode).where(col(OneTimeCode.id) == code_id).values(used_at=at)


def lock_subject(kind: str, subject: str) -> Query:
    """Waits until no other transaction counts the attempts of this subject."""
    return select(func.pg_advisory_xact_lock(func.hashtextextended(f"{kind} {subject}", 0)))


def attempts(kind: str, subject: str, since: timedelta) -> Query:
    """Each attempt of a subject within the last `since`, oldest first, and its age."""
    return (
        select(
            col(FailedAttempt.pending),
            (func.clock_timestamp() - col(FailedAttempt.occurred_at)).label("age"),
        )
        .where(
            col(FailedAttempt.kind) == kind,
            col(FailedAttempt.subject) == subject,
            col(FailedAttempt.occurred_at) > func.clock_timestamp() - since,
        )
        .order_by(col(FailedAttempt.occurred_at))
    )


def add_attempt(id_: UUID, kind: str, subject: str, *, pending: bool = False) -> Any:
    """Counts an attempt."""
    return insert(FailedAttempt).values(
        id=id_,
        kind=kind,
        subject=subject,
        pending=pending,
        occurred_at=func.clock_timestamp(),
    )


def settle_attempts(ids: Sequence[UUID]) -> Any:
    """These attempts failed."""
    return update(FailedAttempt).where(col(FailedAttempt.id).in_(ids)).values(pending=False)


def drop_attempts(ids: Sequence[UUID]) -> Delete:
    """These attempts did not fail."""
    return delete(FailedAttempt).where(col(FailedAttempt.id).in_(ids))


def attempts_older_than(age: timedelta) -> Delete:
    """Removes attempts that count no more."""
    return delete(FailedAttempt).where(col(FailedAttempt.occurred_at) < func.now() - age)

"""Statements on one-time codes, and on the accounts that they are of. Decides nothing:
resolvers/identity/codes.py does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, and_, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.base import Query
from models.identity.sessions import CodeFlow, FailedAttempt, OneTimeCode
from models.identity.users import User

_CODE = (
    col(OneTimeCode.id),
    col(OneTimeCode.user_id),
    col(OneTimeCode.flow),
    col(OneTimeCode.code_hash),
    col(OneTimeCode.link_hash),
    col(OneTimeCode.bound_hash),
    col(OneTimeCode.wrong_tries),
    col(OneTimeCode.expires_at),
    col(OneTimeCode.used_at),
)
_HOLDER = (
    col(User.email),
    col(User.email_verified),
    col(User.phone),
    col(User.phone_verified),
    col(User.preferred_language),
)


def put_code(
    user_id: UUID,
    flow: CodeFlow,
    id_: UUID,
    index: int,
    hashes: dict[str, str],
    lifetime: timedelta,
    nobody: tuple[UUID, str, str],
) -> Any:
    """Makes this the one live code of an account and flow; gives its id. Without such an account
    the same statement writes a row that nobody reads, an attempt of this id, kind and subject:
    the time of a transaction is mostly that of writing it down. `hashes` are those of the code, of
    its link and of what both are bound to."""
    now = func.statement_timestamp()
    values: dict[str, Any] = {
        "id": literal(id_),
        "user_id": col(User.id),
        "flow": literal(flow.value),
        **{name: literal(value) for name, value in hashes.items()},
        "code_index": literal(index),
        "wrong_tries": literal(0),
        "created_at": now,
        "expires_at": now + lifetime,
    }
    source = select(*values.values()).where(col(User.id) == user_id)
    statement = insert(OneTimeCode).from_select(list(values), source)
    fresh = {name: statement.excluded[name] for name in values if name not in ("user_id", "flow")}
    id_of_nobody, kind, subject = map(literal, nobody)
    unread = insert(FailedAttempt).from_select(
        ["id", "kind", "subject", "pending", "occurred_at"],
        select(id_of_nobody, kind, subject, literal(False), now).where(
            ~select(col(User.id)).where(col(User.id) == user_id).exists()
        ),
    )
    return (
        statement.on_conflict_do_update(
            index_elements=["user_id", "flow"], set_={**fresh, "used_at": None}
        )
        .add_cte(unread.cte("unread"))
        .returning(col(OneTimeCode.id))
    )


def lock_code(user_id: UUID, flow: CodeFlow) -> Query:
    """The code of an account and flow with what decides about it, locked: guesses at the same time
    come one after the other."""
    return (
        select(*_CODE)
        .where(col(OneTimeCode.user_id) == user_id, col(OneTimeCode.flow) == flow)
        .with_for_update()
    )


def code_by_link(link_hash: str, flows: Sequence[CodeFlow], *, lock: bool) -> Query:
    """The code of a link, if it is of one of these flows, with the address, number and language of
    its account; locked when it is to be used."""
    found = (
        select(*_CODE, *_HOLDER)
        .join(User, col(User.id) == col(OneTimeCode.user_id))
        .where(col(OneTimeCode.link_hash) == link_hash, col(OneTimeCode.flow).in_(flows))
    )
    return found.with_for_update(of=(OneTimeCode, User), key_share=True) if lock else found


def count_wrong_try(code_id: UUID) -> Any:
    """One wrong guess more."""
    return (
        update(OneTimeCode)
        .where(col(OneTimeCode.id) == code_id)
        .values(wrong_tries=col(OneTimeCode.wrong_tries) + 1)
    )


def use_code(code_id: UUID, at: datetime) -> Any:
    """A code is used once, and its link with it."""
    return update(OneTimeCode).where(col(OneTimeCode.id) == code_id).values(used_at=at)


def codes_older_than(age: timedelta) -> Delete:
    """Removes codes that expired so long ago that nobody asks for them any more."""
    return delete(OneTimeCode).where(col(OneTimeCode.expires_at) < func.now() - age)


def _holders(restorable: timedelta, *, lock: bool) -> Query:
    # An account that its owner closed a few days ago is restored by logging in, so it may be proven
    # and get a new password meanwhile.
    found = select(col(User.id), *_HOLDER).where(
        or_(
            col(User.is_active),
            and_(
                col(User.archived_at) > func.now() - restorable,
                func.coalesce(col(User.closed_by), col(User.id)) == col(User.id),
            ),
        )
    )
    return found.with_for_update(key_share=True) if lock else found


def holder_by_email(email: str, restorable: timedelta, *, lock: bool = False) -> Query:
    """The account of an address that is active or was archived within the last `restorable`; locked
    where what it proves is to be written into it."""
    return _holders(restorable, lock=lock).where(func.lower(col(User.email)) == email.lower())


def holders_by_phone(phone: str, restorable: timedelta, *, lock: bool = False) -> Query:
    """The accounts that proved a phone number, two at most: a number that several people share
    names nobody."""
    return (
        _holders(restorable, lock=lock)
        .where(col(User.phone) == phone, col(User.phone_verified))
        .order_by(col(User.id))
        .limit(2)
    )


def username_holder(username: str) -> Query:
    """One row when an account has this user name."""
    return select(col(User.id)).where(func.lower(col(User.username)) == username.lower())


def grant_wished_username(user_id: UUID) -> Any:
    """Gives the account the user name that it wished for, if it has none; violates the unique index
    when somebody else has it."""
    return (
        update(User)
        .where(
            col(User.id) == user_id,
            col(User.username).is_(None),
            col(User.wished_username).is_not(None),
        )
        .values(username=col(User.wished_username), wished_username=None)
    )


def end_codes(user_id: UUID, flows: Sequence[CodeFlow]) -> Any:
    """Ends the live codes of these flows of an account, and their links."""
    return (
        update(OneTimeCode)
        .where(
            col(OneTimeCode.user_id) == user_id,
            col(OneTimeCode.flow).in_(flows),
            col(OneTimeCode.used_at).is_(None),
        )
        .values(used_at=func.clock_timestamp())
    )

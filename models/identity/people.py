"""Statements on people: the lists of administration, locking those whom a change concerns, closing
accounts and blanking what was personal. Decides nothing: resolvers/identity does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text, any_, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from auth.actor import Actor, Role
from core.pages import PageRequest
from models.base import Query, keyset_page
from models.identity.accounts import ACCOUNT
from models.identity.api_keys import ApiKey
from models.identity.groups import UserGroupMember
from models.identity.oidc import LinkedIdentity
from models.identity.second_factor import drop_second_factors_of
from models.identity.sessions import OneTimeCode, RefreshToken, Session
from models.identity.users import User, shown_to_all, users_visible_to

FORMER = "Former member"
_PERSONAL = (
    "firstname",
    "lastname",
    "gender",
    "city",
    "phone",
    "avatar_url",
    "bio",
    "preferred_language",
    "address",
    "password_hash",
)


class UserSort(StrEnum):
    """The orders of a list of accounts."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    FULLNAME = "FULLNAME"
    EMAIL = "EMAIL"


@dataclass(frozen=True, slots=True)
class UserWishes:
    """Which accounts a list holds; None and empty mean any. `keyword` is a part of the full name or
    of the address."""

    email: str | None = None
    fullname: str | None = None
    keyword: str | None = None
    roles: tuple[Role, ...] = ()
    archived: bool | None = False


# As the indexes have them, so that a page is read off an index whatever its order.
_NAME_KEY = func.lower(col(User.fullname))
_EMAIL_KEY = func.lower(col(User.email))


def _listed(actor: Actor, wishes: UserWishes) -> Query:
    statement: Query = select(*ACCOUNT, _NAME_KEY.label("name_key"), _EMAIL_KEY.label("email_key"))
    statement = statement.where(users_visible_to(actor))
    for column, part in ((User.email, wishes.email), (User.fullname, wishes.fullname)):
        if part is not None:
            statement = statement.where(col(column).icontains(part, autoescape=True))
    if wishes.keyword is not None:
        statement = statement.where(
            or_(
                col(User.fullname).icontains(wishes.keyword, autoescape=True),
                col(User.email).icontains(wishes.keyword, autoescape=True),
            )
        )
    if wishes.roles:
        # One statement for lists of all lengths.
        words = literal([role.value for role in wishes.roles], ARRAY(Text))
        statement = statement.where(cast(col(User.role), Text) == any_(words))
    if wishes.archived is not None:
        statement = statement.where(col(User.is_active).is_(not wishes.archived))
    return statement


def sort_key(sort: UserSort, row: Any) -> tuple[Any, ...]:
    """The values that place a row in its list."""
    if sort is UserSort.FULLNAME:
        return row.name_key, row.id
    if sort is UserSort.EMAIL:
        return row.email_key, row.id
    return (row.id,)


def user_page(actor: Actor, wishes: UserWishes, sort: UserSort, page: PageRequest) -> Query:
    """One page of accounts in an order, among those that the viewer may see."""
    columns = {
        UserSort.FULLNAME: [_NAME_KEY, col(User.id)],
        UserSort.EMAIL: [_EMAIL_KEY, col(User.id)],
    }
    return keyset_page(
        _listed(actor, wishes),
        columns.get(sort, [col(User.id)]),
        page,
        f"users:{sort}",
        descending=sort is UserSort.NEWEST,
    )


def user_count(actor: Actor, wishes: UserWishes) -> Query:
    """How many accounts the list holds."""
    listed = _listed(actor, wishes).with_only_columns(col(User.id)).subquery()
    return select(func.count()).select_from(listed)


def active_person(user_id: UUID) -> Query:
    """What everybody may see of a person who has an account now."""
    return shown_to_all().where(col(User.id) == user_id, col(User.is_active))


def lock_people(ids: Sequence[UUID]) -> Query:
    """These accounts, locked against changes until the transaction ends, always in the same order:
    who acts and on whom."""
    return (
        select(*ACCOUNT)
        .where(col(User.id).in_(ids))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )


def closed(by: UUID) -> dict[str, Any]:
    """What closing an account writes (spec/01-api-conventions.md#who-may-do-what)."""
    return {"is_active": False, "archived_at": func.clock_timestamp(), "closed_by": by}


def freed() -> dict[str, Any]:
    """What frees the address and the user name of a closed account."""
    return {
        "email": cast(col(User.id), Text).concat("@archived.invalid"),
        "email_verified": False,
        "username": None,
        "wished_username": None,
    }


def blank_closed(age: timedelta, batch: int) -> Any:
    """Blanks what was personal of up to `batch` accounts that were closed more than `age` ago, and
    gives their ids. The rows stay, because sales and bids refer to them. Accounts that somebody
    else has locked come the next time."""
    due = (
        select(col(User.id))
        .where(
            col(User.is_active).is_(False),
            col(User.purged_at).is_(None),
            col(User.archived_at) <= func.clock_timestamp() - age,
        )
        .order_by(col(User.archived_at))
        .limit(batch)
        .with_for_update(key_share=True, skip_locked=True)
        .cte("due")
    )
    blank = dict.fromkeys(_PERSONAL)
    return (
        update(User)
        .where(col(User.id).in_(select(due.c.id)))
        .values(
            **freed(),
            **blank,
            fullname=FORMER,
            phone_verified=False,
            purged_at=func.clock_timestamp(),
            updated_at=func.clock_timestamp(),
        )
        .returning(col(User.id))
    )


def drop_personal(ids: Sequence[UUID]) -> list[Any]:
    """Removes what these accounts leave behind elsewhere in identity, in this order."""
    sessions = select(col(Session.id)).where(col(Session.user_id).in_(ids))
    return [
        *drop_second_factors_of(ids),
        delete(RefreshToken).where(col(RefreshToken.session_id).in_(sessions)),
        delete(Session).where(col(Session.user_id).in_(ids)),
        delete(OneTimeCode).where(col(OneTimeCode.user_id).in_(ids)),
        delete(UserGroupMember).where(col(UserGroupMember.user_id).in_(ids)),
        delete(ApiKey).where(col(ApiKey.owner_id).in_(ids)),
        delete(LinkedIdentity).where(col(LinkedIdentity.user_id).in_(ids)),
    ]

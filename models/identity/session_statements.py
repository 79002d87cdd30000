"""Statements on sessions, refresh tokens and signing keys. Decides nothing: resolvers/ does."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from core.pages import PageRequest
from models.base import Query, keyset_page
from models.identity.sessions import RefreshToken, Session, SigningKey
from models.identity.users import User

SESSION_ORDER = "NEWEST"
_SESSION = (
    col(Session.id),
    col(Session.user_id),
    col(Session.user_agent),
    col(Session.address),
    col(Session.created_at),
    col(Session.expires_at),
)


def signing_keys() -> Query:
    """Every key that still verifies, oldest first, with its sealed private half."""
    return (
        select(
            col(SigningKey.kid),
            col(SigningKey.private_pem),
            col(SigningKey.public_jwk),
            col(SigningKey.created_at),
            col(SigningKey.signs_until),
            col(SigningKey.verifies_until),
        )
        .where(col(SigningKey.verifies_until) > func.now())
        .order_by(col(SigningKey.created_at), col(SigningKey.kid))
    )


def add_signing_key(**values: Any) -> Any:
    """Stores a new key; `private_pem` must be sealed already."""
    return insert(SigningKey).values(**values)


def drop_spent_keys() -> Delete:
    """Removes keys whose last token has expired."""
    return delete(SigningKey).where(col(SigningKey.verifies_until) <= func.now())


def lock_for(number: int) -> Query:
    """Waits until no other transaction holds the lock of this number."""
    return select(func.pg_advisory_xact_lock(number))


def add_session(**values: Any) -> Any:
    """A new session; gives its row back."""
    return insert(Session).values(**values).returning(*_SESSION)


def add_refresh_token(**values: Any) -> Any:
    """A refresh token of a session, by its digest."""
    return insert(RefreshToken).values(**values)


def lock_refresh_token(token_hash: str) -> Query:
    """The token with its session and what decides about it, both locked, so that two uses of a
    family's tokens come one after the other and the second sees what the first did."""
    return (
        select(
            col(RefreshToken.id),
            col(RefreshToken.session_id),
            col(RefreshToken.expires_at),
            col(RefreshToken.used_at),
            col(Session.user_id),
            col(Session.user_agent),
            col(Session.address),
            col(Session.revoked_at),
            col(Session.expires_at).label("session_expires_at"),
        )
        .join(Session, col(Session.id) == col(RefreshToken.session_id))
        .where(col(RefreshToken.token_hash) == token_hash)
        .with_for_update(of=(RefreshToken, Session))
    )


def use_refresh_token(token_id: UUID, at: datetime) -> Any:
    """Marks the token as used."""
    return update(RefreshToken).where(col(RefreshToken.id) == token_id).values(used_at=at)


def prolong_session(session_id: UUID, until: datetime, **client: Any) -> Any:
    """The session lives as long as its newest refresh token, and shows where it was used last."""
    return update(Session).where(col(Session.id) == session_id).values(expires_at=until, **client)


def revoke_sessions(user_id: UUID, only: UUID | None = None, spare: UUID | None = None) -> Any:
    """Ends an account's sessions, all or only one, except `spare`; gives the ids of those that this
    ended. The moment is the database's own, because other processes look for it by that clock."""
    return (
        update(Session)
        .where(col(Session.user_id) == user_id, col(Session.revoked_at).is_(None))
        .where(true() if only is None else col(Session.id) == only)
        .where(true() if spare is None else col(Session.id) != spare)
        .values(revoked_at=func.clock_timestamp())
        .returning(col(Session.id))
    )


def revoked_since(age: timedelta) -> Query:
    """The sessions that were revoked within the last `age`, and when."""
    return select(col(Session.id), col(Session.revoked_at)).where(
        col(Session.revoked_at) > func.now() - age
    )


def rights_changed_since(age: timedelta) -> Query:
    """The accounts whose rights were changed within the last `age`, and what they are now."""
    return select(
        col(User.id), col(User.role), col(User.is_active), col(User.rights_changed_at)
    ).where(col(User.rights_changed_at) > func.now() - age)


def _live_sessions_of(user_id: UUID) -> Any:
    return (
        (col(Session.user_id) == user_id)
        & col(Session.revoked_at).is_(None)
        & (col(Session.expires_at) > func.now())
    )


def sessions_by_id(user_id: UUID, ids: list[UUID]) -> Query:
    """Live sessions of an account: nobody sees another's."""
    return select(*_SESSION).where(_live_sessions_of(user_id), col(Session.id).in_(ids))


def own_session_exists(user_id: UUID, session_id: UUID) -> Query:
    """One row when the session is the account's, ended or not."""
    return select(col(Session.id)).where(
        col(Session.id) == session_id, col(Session.user_id) == user_id
    )


def session_page(user_id: UUID, page: PageRequest) -> Query:
    """One page of an account's live sessions, newest first."""
    return keyset_page(
        select(*_SESSION).where(_live_sessions_of(user_id)),
        [col(Session.id)],
        page,
        SESSION_ORDER,
        descending=True,
    )


def session_count(user_id: UUID) -> Query:
    """How many live sessions an account has."""
    return select(func.count()).select_from(Session).where(_live_sessions_of(user_id))


def drop_old_sessions(age: timedelta, batch: int) -> tuple[Delete, Delete]:
    """Removes refresh tokens, then sessions, that ended more than `age` ago; at most `batch`
    sessions. Longer kept than any access token of theirs lives."""
    old = (
        select(col(Session.id))
        .where(
            # LEAST passes over what is null: a session that was not revoked.
            func.least(col(Session.expires_at), col(Session.revoked_at)) < func.now() - age
        )
        .order_by(col(Session.id))
        .limit(batch)
    )
    return (
        delete(RefreshToken).where(col(RefreshToken.session_id).in_(old)),
        delete(Session).where(col(Session.id).in_(old)),
    )

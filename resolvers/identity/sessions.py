"""Sessions: opening, refreshing, listing, ending them (spec/02-identity.md#tokens). Must not sign
tokens: resolvers/identity/authentication.py does."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, Role
from auth.secrets import digest
from auth.tokens import REFRESH_LIFETIME, AccessToken, new_refresh_token
from core.commands import Command, Text
from core.database import Database, UnitOfWork
from core.errors import NotFound
from core.ids import new_id
from core.pages import Page, PageRequest
from models.identity.accounts import account
from models.identity.session_statements import (
    SESSION_ORDER,
    add_refresh_token,
    add_session,
    lock_refresh_token,
    own_session_exists,
    prolong_session,
    revoke_sessions,
    session_count,
    session_page,
    sessions_by_id,
    use_refresh_token,
)
from resolvers.identity.authentication import Authenticator
from resolvers.identity.errors import SessionInvalid
from resolvers.pages import in_order, one_page

_GRACE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Device:
    """What a session remembers of who uses it; both are cut to what the table holds."""

    user_agent: str
    address: str

    @classmethod
    def of(cls, actor: Actor, user_agent: str) -> "Device":
        """The device behind a request."""
        return cls(user_agent[:300], actor.address[:60])


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened or refreshed; the refresh token is shown this once."""

    session_id: UUID
    refresh_token: str
    account: Any


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client gets when somebody signs in; `account` is the account's row."""

    access: AccessToken
    refresh_token: str
    account: Any


async def open_session(work: UnitOfWork, account: Any, device: Device) -> NewSession:
    """A new session of an account with its first refresh token, for 30 days."""
    session_id = new_id()
    now = await work.clock()
    await work.execute(
        add_session(
            id=session_id,
            user_id=account.id,
            user_agent=device.user_agent,
            address=device.address,
            created_at=now,
            expires_at=now + REFRESH_LIFETIME,
        )
    )
    token = await _add_token(work, session_id, now)
    return NewSession(session_id, token, account)


async def _add_token(work: UnitOfWork, session_id: UUID, now: Any) -> str:
    token = new_refresh_token()
    await work.execute(
        add_refresh_token(
            id=new_id(),
            session_id=session_id,
            token_hash=digest(token),
            created_at=now,
            expires_at=now + REFRESH_LIFETIME,
        )
    )
    return token


async def signed_in(authenticator: Authenticator, opened: NewSession) -> SignedIn:
    """What the client gets for a session: call it after the commit."""
    row = opened.account
    access = await authenticator.access_token(row.id, opened.session_id, Role(row.role))
    return SignedIn(access, opened.refresh_token, row)


class RefreshSession(Command):
    """What refreshing takes."""

    refresh_token: Annotated[Text, Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why no token is given; `ended` are the sessions that this ended, to be committed first."""

    reason: str
    ended: tuple[UUID, ...] = ()


_INVALID = "This refresh token is not valid. Log in again."
_JUST_USED = "This refresh token was used a moment ago. Use the tokens of that answer."
_REUSED = "This refresh token was used before, so its session was ended. Log in again."


async def _rotate(work: UnitOfWork, token: str, device: Device) -> NewSession | Refused:
    found = await work.first(lock_refresh_token(digest(token)))
    now = await work.clock()
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return Refused(_INVALID)
    if found.used_at is not None:
        same = (found.user_agent, found.address) == (device.user_agent, device.address)
        if same and now - found.used_at <= _GRACE:
            return Refused(_JUST_USED)
        ended = await work.rows(revoke_sessions(found.user_id, found.session_id))
        return Refused(_REUSED, tuple(row.id for row in ended))
    row = await work.first(account(found.user_id))
    if row is None:
        return Refused(_INVALID)
    await work.execute(use_refresh_token(found.id, now))
    fresh = await _add_token(work, found.session_id, now)
    await work.execute(
        prolong_session(
            found.session_id,
            now + REFRESH_LIFETIME,
            user_agent=device.user_agent,
            address=device.address,
        )
    )
    return NewSession(found.session_id, fresh, row)


async def refresh_session(
    database: Database, authenticator: Authenticator, device: Device, command: RefreshSession
) -> SignedIn:
    """New tokens for a refresh token, which is used up by it; rights are read afresh. A second use
    ends the whole session, except within 10 s from the same address and user agent: then two tabs
    raced, and only this answer is refused (spec/02-identity.md#tokens). Raises SessionInvalid."""
    outcome = await database.run(lambda work: _rotate(work, command.refresh_token, device))
    if isinstance(outcome, Refused):
        authenticator.note_revoked(outcome.ended)
        raise SessionInvalid(outcome.reason, path=["input", "refreshToken"])
    return await signed_in(authenticator, outcome)


async def _again(
    work: UnitOfWork, user_id: UUID, session_id: UUID, device: Device
) -> NewSession | None:
    # Ending the old one is what only the first of several can do.
    ended = await end_sessions(work, user_id, only=session_id)
    row = await work.first(account(user_id))
    return await open_session(work, row, device) if ended and row is not None else None


async def relogin(
    database: Database, authenticator: Authenticator, actor: Actor, device: Device
) -> SignedIn:
    """A new session with new tokens for the actor's session, which ends; rights are read afresh.
    Of several at once one gets it (spec/02-identity.md#user). Raises Unauthenticated, and
    SessionInvalid where the session has ended."""
    user_id, session_id = actor.member(), actor.session_id
    opened = None
    if session_id is not None:
        opened = await database.run(lambda work: _again(work, user_id, session_id, device))
    if session_id is None or opened is None:
        raise SessionInvalid("This session is over. Log in again.")
    authenticator.note_revoked([session_id])
    return await signed_in(authenticator, opened)


async def end_sessions(
    work: UnitOfWork, user_id: UUID, *, only: UUID | None = None, spare: UUID | None = None
) -> list[UUID]:
    """Ends an account's sessions, all or only one, except `spare`; the ids of those that were still
    live. Idempotent. The caller tells them to `Authenticator.note_revoked` after the commit."""
    return [row.id for row in await work.rows(revoke_sessions(user_id, only, spare))]


async def end_by_refresh_token(work: UnitOfWork, token: str) -> list[UUID]:
    """Ends the session of a refresh token; nothing when there is none. Idempotent."""
    found = await work.first(lock_refresh_token(digest(token)))
    if found is None:
        return []
    return await end_sessions(work, found.user_id, only=found.session_id)


async def require_own(database: Database, user_id: UUID, session_id: UUID) -> None:
    """Raises NotFound unless the session is or was the account's."""
    if await database.first(own_session_exists(user_id, session_id)) is None:
        raise NotFound("You have no session of this id.", path=["input", "sessionId"])


async def own_sessions_by_id(database: Database, actor: Actor, ids: list[UUID]) -> list[Any]:
    """The actor's own live sessions of these ids, None for every other id."""
    if actor.user_id is None:
        return [None] * len(ids)
    return in_order(await database.rows(sessions_by_id(actor.user_id, ids)), ids)


async def list_sessions(database: Database, actor: Actor, page: PageRequest) -> Page[Any]:
    """One page of the actor's own live sessions, newest first. Raises Unauthenticated."""
    rows = await database.rows(session_page(actor.member(), page))
    return one_page(rows, page, SESSION_ORDER, lambda row: (row.id,))


async def count_sessions(database: Database, actor: Actor) -> int:
    """How many live sessions the actor has. Raises Unauthenticated."""
    return int(await database.scalar(session_count(actor.member())))

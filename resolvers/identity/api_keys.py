"""API keys: making, describing, revoking, listing them (spec/10-admin-compliance.md#api-keys).
Checks none: resolvers/identity/api_key_check.py does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, ApiKeyScope, Permission
from auth.api_keys import new_api_key
from core.commands import Command, Trimmed
from core.database import Database, UnitOfWork
from core.errors import DomainError, ErrorCode, InvalidInput, NotFound
from core.ids import encode_id, new_id
from core.pages import Page, PageRequest
from models.identity import api_keys as sql
from models.identity.accounts import lock_account
from models.identity.api_keys import KeyWishes
from resolvers.audit import record
from resolvers.identity.errors import EmailVerificationNeeded
from resolvers.identity.events import IdentityAction
from resolvers.pages import in_order, one_page

PREFIX: Final = "key"
AT_MOST: Final = 10

_Description = Annotated[Annotated[str, Field(max_length=200)] | None, Trimmed]


@dataclass(eq=False)
class TooManyKeys(DomainError):
    """The account has as many active keys as it may; `limit` is how many."""

    code: ClassVar[ErrorCode] = ErrorCode.TOO_MANY_KEYS
    limit: int


class CreateApiKey(Command):
    """What making a key takes; without `expires_at` it lives until it is revoked."""

    description: _Description = None
    scopes: Annotated[list[ApiKeyScope], Field(min_length=1, max_length=10)]
    expires_at: datetime | None = None


class UpdateApiKey(Command):
    """What describing a key takes; nothing else of it can change."""

    description: _Description = None


@dataclass(frozen=True, slots=True)
class KeyMade:
    """A key just made; the secret is shown this once."""

    key_id: UUID
    secret: str


async def create_api_key(work: UnitOfWork, actor: Actor, command: CreateApiKey) -> KeyMade:
    """Makes a key of the actor's own, at most 10 active. The scope ADMIN is for admins. Raises
    Unauthenticated, Forbidden, EmailVerificationNeeded, TooManyKeys, InvalidInput for an expiry in
    the past."""
    actor.require_person()
    owner_id = actor.member()
    scopes = [scope for scope in ApiKeyScope if scope in command.scopes]
    if ApiKeyScope.ADMIN in scopes:
        actor.require(Permission.MANAGE_API_KEYS)
    owner = await work.first(lock_account(owner_id))
    now = await work.clock()
    if owner is None or not owner.email_verified:
        raise EmailVerificationNeeded(
            "Verify your e-mail address first: startEmailVerification sends a code."
        )
    if command.expires_at is not None and command.expires_at <= now:
        raise InvalidInput("expiresAt must be in the future.", path=["input", "expiresAt"])
    if await work.scalar(sql.live_keys_of(owner_id)) >= AT_MOST:
        raise TooManyKeys(
            f"You have {AT_MOST} active keys. Revoke one that you do not need.", limit=AT_MOST
        )
    made = None
    while made is None:
        # Once in 10^14 the prefix is another key's.
        key = new_api_key()
        made = await work.first(
            sql.add_key(
                id=new_id(),
                owner_id=owner_id,
                prefix=key.prefix,
                secret_hash=key.secret_hash,
                description=command.description,
                scopes=[scope.value for scope in scopes],
                created_at=now,
                expires_at=command.expires_at,
            )
        )
    await record(
        work,
        actor,
        IdentityAction.API_KEY_CREATE,
        object_type="ApiKey",
        object_id=encode_id(PREFIX, made.id),
        details={"prefix": key.prefix, "scopes": [scope.value for scope in scopes]},
    )
    return KeyMade(made.id, key.secret)


async def _locked(work: UnitOfWork, actor: Actor, key_id: UUID) -> Any:
    actor.require_person()
    actor.member()
    key = await work.first(sql.lock_key(actor, key_id))
    if key is None:
        raise NotFound("You have no such key.", path=["input", "apiKeyId"])
    return key


async def update_api_key(
    work: UnitOfWork, actor: Actor, key_id: UUID, command: UpdateApiKey
) -> None:
    """Describes an own key: admins may only list and revoke those of others
    (spec/10-admin-compliance.md#api-keys). Raises Unauthenticated, Forbidden, NotFound. The same
    description again changes nothing."""
    key = await _locked(work, actor, key_id)
    if key.owner_id != actor.user_id:
        raise NotFound("You have no such key.", path=["input", "apiKeyId"])
    if key.description == command.description:
        return
    await work.execute(sql.change_key(key_id, description=command.description))
    await record(
        work,
        actor,
        IdentityAction.API_KEY_UPDATE,
        object_type="ApiKey",
        object_id=encode_id(PREFIX, key_id),
        details={"description": {"before": key.description, "after": command.description}},
    )


async def revoke_api_key(work: UnitOfWork, actor: Actor, key_id: UUID) -> list[UUID]:
    """Ends a key for good: the owner's or, for admins, anybody's; the next request with it is
    refused. Gives what `Authenticator.note_revoked` is to be told after the commit. Raises
    Unauthenticated, Forbidden, NotFound. Idempotent."""
    key = await _locked(work, actor, key_id)
    ended = [row.id for row in await work.rows(sql.revoke_keys(only=key_id))]
    if ended:
        await record(
            work,
            actor,
            IdentityAction.API_KEY_REVOKE,
            object_type="ApiKey",
            object_id=encode_id(PREFIX, key_id),
            details={"prefix": key.prefix, "owner": encode_id("usr", key.owner_id)},
        )
    return ended


async def revoke_keys_of(work: UnitOfWork, owner_id: UUID) -> list[UUID]:
    """Ends all keys of an account, for use cases that close it or hand it over; the caller tells
    them to `Authenticator.note_revoked` after the commit."""
    return [row.id for row in await work.rows(sql.revoke_keys(owner_id=owner_id))]


async def keys_by_id(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[Any | None]:
    """The keys of these ids that the actor may see, in their order."""
    return in_order(await database.rows(sql.keys_by_id(actor, ids)), ids)


async def list_keys(
    database: Database, actor: Actor, wishes: KeyWishes, page: PageRequest
) -> Page[Any]:
    """One page of the actor's own keys, or everybody's for admins, newest first. Raises
    Unauthenticated."""
    actor.member()
    rows = await database.rows(sql.key_page(actor, wishes, page))
    return one_page(rows, page, sql.KEY_ORDER, lambda row: (row.id,))


async def count_keys(database: Database, actor: Actor, wishes: KeyWishes) -> int:
    """How many keys the list holds. Raises Unauthenticated."""
    actor.member()
    return int(await database.scalar(sql.key_count(actor, wishes)))

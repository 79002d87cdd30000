"""API keys as clients see them. Holds no rule; which root fields take a key is in
serving/key_scopes.py."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from auth.actor import Actor, ApiKeyScope
from core.ids import decode_id, decode_optional, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.enums import described
from graph.errors import DomainErrorHandler, InvalidInput, NotFound, UserError
from graph.loading import Loader
from graph.relations import relation
from graph.unions import result
from models.identity.api_keys import KeyWishes
from resolvers.identity import api_keys
from resolvers.identity.api_keys import PREFIX
from schema.identity.results import EmailVerificationNeeded
from schema.identity.types import User

described(
    ApiKeyScope,
    "What an API key may do, as far as its owner may.",
    READ="Queries and subscriptions.",
    WRITE="Mutations that bind nobody to pay.",
    PAY="Mutations that move money or bind to pay: bidding, buying.",
    ADMIN="What only staff and admins may do, beside the other scopes; for keys of admins.",
)


@strawberry.type(description="An account has at most 10 active keys.")
class TooManyKeys(UserError):
    limit: int = strawberry.field(description="How many active keys an account may have.")


@strawberry.type(description="A key for programs. The key itself is shown only when it is made.")
class ApiKey(Node):
    prefix: str = strawberry.field(
        description="What it begins with behind `sk_souk_`, to tell keys apart."
    )
    description: str | None = strawberry.field(
        description="What it is for, at most 200 characters."
    )
    scopes: list[ApiKeyScope] = strawberry.field(description="What it may do.")
    active: bool = strawberry.field(
        description="It can be used: neither revoked nor expired, and the account is open."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null: never.")
    last_used_at: datetime | None = strawberry.field(
        description="The minute in which it was last used; null: never."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    owner_id: strawberry.Private[UUID]

    owner: User = relation(
        loader="user", key="owner_id", description="Whose key it is; it can do what they can."
    )

    @classmethod
    def of(cls, row: Any, _: Actor) -> "ApiKey":
        """The key of a row."""
        names = "prefix description active created_at expires_at last_used_at revoked_at owner_id"
        return cls(
            id=strawberry.ID(encode_id(PREFIX, row.id)),
            scopes=[ApiKeyScope(scope) for scope in row.scopes],
            **{name: getattr(row, name) for name in names.split()},
        )


@strawberry.input(description="Which keys a list holds; all conditions hold together.")
class ApiKeyFilter:
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of this person."
    )
    active: bool | None = strawberry.field(
        default=None, description="True: only those that can be used. False: only the others."
    )


@strawberry.input(description="A new key.")
class CreateApiKeyInput:
    description: str | None = strawberry.field(
        default=None, description="What it is for, at most 200 characters."
    )
    scopes: list[ApiKeyScope] = strawberry.field(description="What it may do, at least one.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends, in the future. Left out: never."
    )


@strawberry.input(description="What a key is for.")
class UpdateApiKeyInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key.")
    description: str | None = strawberry.field(
        default=None, description="At most 200 characters; left out or blank: none."
    )


@strawberry.input(description="Which key to end.")
class RevokeApiKeyInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="The key was made.")
class CreateApiKeyPayload:
    secret: str = strawberry.field(
        description="The key: send it as `Authorization: Bearer sk_souk_…`. Shown this once."
    )
    key_id: strawberry.Private[UUID]

    api_key: ApiKey = relation(
        loader="api_key", key="key_id", description="What is stored of the key."
    )


@strawberry.type(description="The key is described.")
class UpdateApiKeyPayload:
    key_id: strawberry.Private[UUID]

    api_key: ApiKey = relation(loader="api_key", key="key_id", description="The key as it is now.")


@strawberry.type(description="The key is revoked, now or before: the next request is refused.")
class RevokeApiKeyPayload:
    key_id: strawberry.Private[UUID]

    api_key: ApiKey = relation(loader="api_key", key="key_id", description="The key as it is now.")


CreateApiKeyResult = Annotated[
    CreateApiKeyPayload | TooManyKeys | EmailVerificationNeeded | InvalidInput,
    result("CreateApiKeyResult", "making an API key"),
]
UpdateApiKeyResult = Annotated[
    UpdateApiKeyPayload | NotFound | InvalidInput,
    result("UpdateApiKeyResult", "describing an API key"),
]
RevokeApiKeyResult = Annotated[
    RevokeApiKeyPayload | NotFound, result("RevokeApiKeyResult", "revoking an API key")
]


@strawberry.type
class ApiKeyQuery:
    """Reading keys."""

    @strawberry.field(description="The own API keys, newest first; ADMIN: everybody's.")
    async def api_keys(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            ApiKeyFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[ApiKey]:
        database, actor = info.context.database, info.context.actor
        wishes = KeyWishes()
        if filter is not None:
            owner_id = decode_optional("usr", filter.owner_id, "filter.ownerId")
            wishes = KeyWishes(owner_id, filter.active)
        page = await api_keys.list_keys(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [ApiKey.of(row, actor) for row in page.rows]
        made: Connection[ApiKey] = connection_of(
            page, nodes, lambda _: api_keys.count_keys(database, actor, wishes)
        )
        return made


@strawberry.type
class ApiKeyMutation:
    """Making and ending keys."""

    @strawberry.mutation(
        description="Makes an API key of the own account, at most 10 active. Its rights are the "
        "owner's within the scopes, never more, and never over passwords, roles, keys, second "
        "factors, consent or sessions."
    )
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyResult:
        actor = info.context.actor
        command = api_keys.CreateApiKey.of(
            description=input.description, scopes=input.scopes, expires_at=input.expires_at
        )
        made = await info.context.write(lambda work: api_keys.create_api_key(work, actor, command))
        return CreateApiKeyPayload(secret=made.secret, key_id=made.key_id)

    @strawberry.mutation(description="Says what a key is for. The owner or ADMIN.")
    async def update_api_key(self, info: Info, input: UpdateApiKeyInput) -> UpdateApiKeyResult:
        actor = info.context.actor
        key_id = decode_id(PREFIX, input.api_key_id, "input.apiKeyId")
        command = api_keys.UpdateApiKey.of(description=input.description)
        await info.context.write(lambda work: api_keys.update_api_key(work, actor, key_id, command))
        return UpdateApiKeyPayload(key_id=key_id)

    @strawberry.mutation(
        description="Ends a key for good: the next request with it is refused. The owner or ADMIN. "
        "Idempotent."
    )
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyResult:
        actor = info.context.actor
        key_id = decode_id(PREFIX, input.api_key_id, "input.apiKeyId")
        ended = await info.context.write(lambda work: api_keys.revoke_api_key(work, actor, key_id))
        info.context.services.authenticator.note_revoked(ended)
        return RevokeApiKeyPayload(key_id=key_id)


HANDLERS = [DomainErrorHandler(api_keys.TooManyKeys, TooManyKeys)]
LOADERS = {"api_key": Loader(api_keys.keys_by_id, ApiKey.of)}
NODES = {PREFIX: "api_key"}
TYPES = [ApiKey]

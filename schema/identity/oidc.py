"""Logging in at a provider, and the identities of the own account, as clients see them. Holds no
rule."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from auth.actor import Actor
from core.ids import decode_id, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.enums import described
from graph.errors import DomainErrorHandler, InvalidInput, NotFound, UserError
from graph.loading import Loader
from graph.unions import result
from resolvers.identity import oidc, oidc_people
from resolvers.identity import oidc_errors as errors
from schema.identity.login import USE_COOKIES, LoginPayload, cookies_of, device_of
from schema.identity.results import (
    EmailVerificationNeeded,
    MobileVerificationNeeded,
    TwoFactorNeeded,
)

PREFIX = "idn"

described(
    errors.OidcFailure,
    "Why nobody was logged in at a provider.",
    NOT_STARTED="Not started by this client, completed before, or more than 10 minutes ago.",
    REFUSED="The provider did not confirm it.",
    EMAIL_NOT_VERIFIED="The provider has not verified an e-mail address of the person.",
    OTHER_IDENTITY="The account is linked to somebody else at this provider.",
    UNAVAILABLE="The provider does not answer.",
)


@strawberry.type(description="Nobody is logged in by this.")
class OidcLoginFailed(UserError):
    reason: errors.OidcFailure = strawberry.field(description="Why, and so what to do next.")


@strawberry.type(description="Without it nobody could log in to the account: set a password first.")
class LastWayToLogIn(UserError):
    pass


@strawberry.type(description="A provider that people may log in with.")
class OidcProvider:
    name: str = strawberry.field(description="What startOidcLogin calls it, such as `google`.")
    label: str = strawberry.field(description="What people call it.")


@strawberry.type(description="A person at a provider who is linked to the own account.")
class LinkedIdentity(Node):
    provider: str = strawberry.field(description="The provider's name.")
    email: str | None = strawberry.field(description="The address that the provider knew last.")
    created_at: datetime = strawberry.field(description="When it was linked.")
    last_used_at: datetime = strawberry.field(description="When it was last logged in with.")

    @classmethod
    def of(cls, row: Any, _: Actor) -> "LinkedIdentity":
        """The identity of a row."""
        return cls(
            id=strawberry.ID(encode_id(PREFIX, row.id)),
            provider=row.provider,
            email=row.email,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )


@strawberry.input(description="With whom to log in.")
class StartOidcLoginInput:
    provider: str = strawberry.field(description="One of oidcProviders.")
    redirect_uri: str | None = strawberry.field(
        default=None,
        description="The page or app link that the browser comes back to, with `state` and `code` "
        "or `error` added: one that the operator allows, at most 254 characters. Left out: the "
        "first of those.",
    )


@strawberry.type(description="A log in at a provider has been started.")
class OidcLoginStarted:
    authorization_url: str = strawberry.field(description="Open it in the person's browser.")
    handle: str = strawberry.field(
        description="Proves to completeOidcLogin who started. Keep it to this client, such as in "
        "sessionStorage; never put it into an address."
    )
    expires_at: datetime = strawberry.field(description="Until when it can be completed.")


@strawberry.input(description="What the browser came back with.")
class CompleteOidcLoginInput:
    provider: str = strawberry.field(description="As when it was started.")
    handle: str = strawberry.field(description="As startOidcLogin gave it.")
    state: str = strawberry.field(description="As it stands in the address that was returned to.")
    code: str = strawberry.field(description="As it stands in the address that was returned to.")
    use_cookies: bool = strawberry.field(default=False, description=USE_COOKIES)


@strawberry.input(description="Which identity to unlink.")
class UnlinkIdentityInput:
    identity_id: strawberry.ID = strawberry.field(description="One of linkedIdentities.")


@strawberry.type(description="The identity is linked no more.")
class UnlinkIdentityPayload:
    identity_id: strawberry.ID = strawberry.field(description="The identity that is gone.")


StartOidcLoginResult = Annotated[
    OidcLoginStarted | OidcLoginFailed | InvalidInput,
    result("StartOidcLoginResult", "starting a log in at a provider"),
]
CompleteOidcLoginResult = Annotated[
    LoginPayload
    | OidcLoginFailed
    | EmailVerificationNeeded
    | MobileVerificationNeeded
    | TwoFactorNeeded
    | InvalidInput,
    result("CompleteOidcLoginResult", "completing a log in at a provider"),
]
UnlinkIdentityResult = Annotated[
    UnlinkIdentityPayload | LastWayToLogIn | NotFound,
    result("UnlinkIdentityResult", "unlinking an identity"),
]


@strawberry.type
class OidcQuery:
    """Providers, and the own identities at them."""

    @strawberry.field(description="The providers that people may log in with.")
    def oidc_providers(self, info: Info) -> list[OidcProvider]:
        found = info.context.services.oidc.providers
        return [OidcProvider(name=one.name, label=one.label or one.name.title()) for one in found]

    @strawberry.field(description="Whom of theirs the own account is linked to, newest first.")
    async def linked_identities(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LinkedIdentity]:
        database, actor = info.context.database, info.context.actor
        page = await oidc_people.list_identities(
            database, actor, page_request(first, after, last, before)
        )
        nodes = [LinkedIdentity.of(row, actor) for row in page.rows]
        made: Connection[LinkedIdentity] = connection_of(
            page, nodes, lambda _: oidc_people.count_identities(database, actor)
        )
        return made


@strawberry.type
class OidcMutation:
    """Logging in at a provider."""

    @strawberry.mutation(
        description="Starts a log in at a provider. Keep the handle, open the address, and give "
        "what comes back to completeOidcLogin within 10 minutes."
    )
    async def start_oidc_login(
        self, info: Info, input: StartOidcLoginInput
    ) -> StartOidcLoginResult:
        services = info.context.services
        command = oidc.StartOidcLogin.of(provider=input.provider, redirect_uri=input.redirect_uri)
        started = await oidc.start_oidc_login(
            services.database, services.authenticator, services.oidc, command
        )
        return OidcLoginStarted(
            authorization_url=started.authorization_url,
            handle=started.handle,
            expires_at=started.expires_at,
        )

    @strawberry.mutation(
        description="Logs in whom the provider vouches for: the account linked to them, else that "
        "of their verified e-mail address, which is linked by it, else a new one. Restores an "
        "account archived within 30 days. A log in is completed once."
    )
    async def complete_oidc_login(
        self, info: Info, input: CompleteOidcLoginInput
    ) -> CompleteOidcLoginResult:
        services, cookies = info.context.services, cookies_of(info, input.use_cookies)
        command = oidc.CompleteOidcLogin.of(
            provider=input.provider, handle=input.handle, state=input.state, code=input.code
        )
        signed_in = await oidc.complete_oidc_login(
            services.database,
            services.authenticator,
            services.settings,
            services.oidc,
            info.context.actor,
            device_of(info),
            command,
        )
        return LoginPayload.of(signed_in, cookies)

    @strawberry.mutation(
        description="Unlinks one of the own identities; never the last way to log in."
    )
    async def unlink_identity(self, info: Info, input: UnlinkIdentityInput) -> UnlinkIdentityResult:
        actor = info.context.actor
        actor.member()
        identity_id = decode_id(PREFIX, input.identity_id, "input.identityId")
        await info.context.write(lambda work: oidc_people.unlink_identity(work, actor, identity_id))
        return UnlinkIdentityPayload(identity_id=input.identity_id)


HANDLERS = [
    DomainErrorHandler(errors.OidcLoginFailed, OidcLoginFailed),
    DomainErrorHandler(errors.LastWayToLogIn, LastWayToLogIn),
]
LOADERS = {"linked_identity": Loader(oidc_people.own_identities_by_id, LinkedIdentity.of)}
NODES = {PREFIX: "linked_identity"}
TYPES = [LinkedIdentity]

"""Logging in and refreshing, as clients see them. Holds no rule. Tokens travel in answers only:
cookies come with the rules that protect them from cross-site requests."""

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.identity import login as logging_in
from resolvers.identity import sessions
from schema.context import Info
from schema.errors import InvalidInput
from schema.identity.results import (
    EmailVerificationNeeded,
    InvalidCredentials,
    MobileVerificationNeeded,
    SessionInvalid,
    TwoFactorNeeded,
)
from schema.identity.types import User
from schema.unions import result


@strawberry.input(description="Who logs in: the user name wins where both are given.")
class LoginInput:
    email: str | None = strawberry.field(default=None, description="The account's e-mail address.")
    username: str | None = strawberry.field(
        default=None, description="The account's user name, or its e-mail address."
    )
    password: str = strawberry.field(description="The account's password.")


@strawberry.type(description="Signed in.")
class LoginPayload:
    access_token: str = strawberry.field(
        description="A JWT for 15 minutes: send it as `Authorization: Bearer …`, on a websocket in "
        "the payload of `connection_init`."
    )
    refresh_token: str = strawberry.field(
        description="Gives new tokens by refreshSession, once, within 30 days."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token ends.")
    user: User = strawberry.field(description="Who is signed in.")


@strawberry.input(description="The newest refresh token of a session.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="As login or the last refresh gave it.")


@strawberry.type(description="New tokens; the refresh token sent is used up.")
class RefreshSessionPayload:
    access_token: str = strawberry.field(description="A JWT for 15 minutes.")
    refresh_token: str = strawberry.field(description="The session's new refresh token.")
    access_token_expires_at: datetime = strawberry.field(description="When the access token ends.")
    user: User = strawberry.field(description="Who is signed in.")


LoginResult = Annotated[
    LoginPayload
    | InvalidCredentials
    | EmailVerificationNeeded
    | MobileVerificationNeeded
    | TwoFactorNeeded
    | InvalidInput,
    result("LoginResult", "logging in"),
]
RefreshSessionResult = Annotated[
    RefreshSessionPayload | SessionInvalid | InvalidInput,
    result("RefreshSessionResult", "refreshing a session"),
]


def device_of(info: Info) -> sessions.Device:
    """What the new session remembers of the caller."""
    context = info.context
    return sessions.Device.of(context.actor, context.client.get("user_agent", ""))


@strawberry.type
class LoginMutation:
    """Logging in and refreshing."""

    @strawberry.mutation(
        description="Logs in. Unknown accounts and wrong passwords get one answer. After 5 "
        "failures in 15 minutes for an account, or 50 from an address, RATE_LIMITED with "
        "retryAfter. Restores an account archived within 30 days."
    )
    async def login(self, info: Info, input: LoginInput) -> LoginResult:
        services = info.context.services
        command = logging_in.Login.of(
            email=input.email, username=input.username, password=input.password
        )
        signed_in = await logging_in.login(
            services.database,
            services.authenticator,
            info.context.actor,
            device_of(info),
            command,
        )
        return LoginPayload(
            access_token=signed_in.access.value,
            refresh_token=signed_in.refresh_token,
            access_token_expires_at=signed_in.access.expires_at,
            user=User.of(signed_in.account),
        )

    @strawberry.mutation(
        description="New tokens for a refresh token, with rights read afresh. Send no "
        "Authorization header: the access token may have expired. Using a refresh token twice ends "
        "the session, except within 10 seconds from the same client, where only the answer is "
        "refused."
    )
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionResult:
        services = info.context.services
        signed_in = await sessions.refresh_session(
            services.database,
            services.authenticator,
            device_of(info),
            sessions.RefreshSession.of(refresh_token=input.refresh_token),
        )
        return RefreshSessionPayload(
            access_token=signed_in.access.value,
            refresh_token=signed_in.refresh_token,
            access_token_expires_at=signed_in.access.expires_at,
            user=User.of(signed_in.account),
        )

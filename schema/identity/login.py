"""Logging in, refreshing, logging in again, as clients see them. Holds no rule."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import Info
from graph.errors import InvalidInput
from graph.unions import result
from models.identity.second_factors import ChallengePurpose
from resolvers.identity import login as logging_in
from resolvers.identity import sessions
from schema.identity.results import (
    EmailVerificationNeeded,
    InvalidCredentials,
    MobileVerificationNeeded,
    SessionInvalid,
    TwoFactorNeeded,
)
from schema.identity.types import User
from serving.cookies import Cookies

USE_COOKIES = (
    "For browsers: the tokens are set as HttpOnly cookies, which sign in requests of this server's "
    "own pages and of allowed origins, and are empty in the answer. Over plain HTTP only."
)


@strawberry.input(description="Who logs in: the user name wins where both are given.")
class LoginInput:
    email: str | None = strawberry.field(default=None, description="The account's e-mail address.")
    username: str | None = strawberry.field(
        default=None, description="The account's user name, or its e-mail address."
    )
    password: str = strawberry.field(description="The account's password.")
    use_cookies: bool = strawberry.field(default=False, description=USE_COOKIES)


@strawberry.type(description="Signed in.")
class LoginPayload:
    access_token: str = strawberry.field(
        description="A JWT for 15 minutes: send it as `Authorization: Bearer …`, on a websocket in "
        "the payload of `connection_init`. Empty where it was set as a cookie."
    )
    refresh_token: str = strawberry.field(
        description="Gives new tokens by refreshSession, once, within 30 days. Empty where it was "
        "set as a cookie."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token ends.")
    user: User = strawberry.field(description="Who is signed in.")

    @classmethod
    def of(cls, signed_in: sessions.SignedIn, cookies: Cookies | None = None) -> "LoginPayload":
        """The answer to somebody who signed in, with the tokens in it or set as cookies."""
        access_token, refresh_token = _shown(signed_in, cookies)
        return cls(
            access_token=access_token,
            refresh_token=refresh_token,
            access_token_expires_at=signed_in.access.expires_at,
            user=User.of(signed_in.account),
        )


def _shown(signed_in: sessions.SignedIn, cookies: Cookies | None) -> tuple[str, str]:
    if cookies is None:
        return signed_in.access.value, signed_in.refresh_token
    cookies.keep(signed_in.access, signed_in.refresh_token)
    return "", ""  # no script of the page shall see them


def cookies_of(info: Info, wanted: bool) -> Cookies | None:
    """Where the tokens of an answer go: into the answer's cookies where it is wanted. Raises
    InvalidInput where it cannot be."""
    if not wanted:
        return None
    info.context.cookies.require_settable(info.context.streams)
    return info.context.cookies


@strawberry.input(description="The newest refresh token of a session.")
class RefreshSessionInput:
    refresh_token: str | None = strawberry.field(
        default=None,
        description="As login or the last refresh gave it. Left out: that of the cookie, and the "
        "new tokens are set as cookies.",
    )
    use_cookies: bool = strawberry.field(default=False, description=USE_COOKIES)


@strawberry.type(description="New tokens; the refresh token sent is used up.")
class RefreshSessionPayload:
    access_token: str = strawberry.field(
        description="A JWT for 15 minutes; empty where it was set as a cookie."
    )
    refresh_token: str = strawberry.field(
        description="The session's new refresh token; empty where it was set as a cookie."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token ends.")
    user: User = strawberry.field(description="Who is signed in.")

    @classmethod
    def of(cls, signed_in: sessions.SignedIn, cookies: Cookies | None) -> "RefreshSessionPayload":
        """The answer to a refreshed session, with the tokens in it or set as cookies."""
        access_token, refresh_token = _shown(signed_in, cookies)
        return cls(
            access_token=access_token,
            refresh_token=refresh_token,
            access_token_expires_at=signed_in.access.expires_at,
            user=User.of(signed_in.account),
        )


@strawberry.input(description="How to log in again.")
class ReloginInput:
    use_cookies: bool = strawberry.field(default=False, description=USE_COOKIES)


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
ReloginResult = Annotated[
    LoginPayload | SessionInvalid | InvalidInput,
    result("ReloginResult", "logging in again by a session"),
]


def device_of(info: Info) -> sessions.Device:
    """What the new session remembers of the caller."""
    context = info.context
    return sessions.Device.of(context.actor, context.client.get("user_agent", ""))


async def _login(info: Info, input: LoginInput, purpose: ChallengePurpose) -> LoginPayload:
    services, cookies = info.context.services, cookies_of(info, input.use_cookies)
    command = logging_in.Login.of(
        email=input.email, username=input.username, password=input.password
    )
    signed_in = await logging_in.login(
        services.database,
        services.authenticator,
        services.settings,
        info.context.actor,
        device_of(info),
        command,
        purpose,
    )
    return LoginPayload.of(signed_in, cookies)


@strawberry.type
class LoginMutation:
    """Logging in, refreshing, logging in again."""

    @strawberry.mutation(
        description="Logs in. Unknown accounts and wrong passwords get one answer. After 5 "
        "failures in 15 minutes for an account, or 50 from an address, RATE_LIMITED with "
        "retryAfter. Restores an account archived within 30 days. Where a second factor is on: "
        "TwoFactorNeeded, and completeTwoFactor ends the login."
    )
    async def login(self, info: Info, input: LoginInput) -> LoginResult:
        return await _login(info, input, ChallengePurpose.LOGIN)

    @strawberry.mutation(
        description="The same as login for STAFF and above; everybody else is refused like for a "
        "wrong password."
    )
    async def login_as_admin(self, info: Info, input: LoginInput) -> LoginResult:
        return await _login(info, input, ChallengePurpose.STAFF_LOGIN)

    @strawberry.mutation(
        description="New tokens for a refresh token, with rights read afresh. Send no "
        "Authorization header: the access token may have expired. Using a refresh token twice ends "
        "the session, except within 10 seconds from the same client, where only the answer is "
        "refused."
    )
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionResult:
        services, token = info.context.services, input.refresh_token
        by_cookie = token is None and info.context.cookies.refresh is not None
        cookies = cookies_of(info, input.use_cookies or by_cookie)
        command = sessions.RefreshSession.of(
            refresh_token=info.context.cookies.refresh if by_cookie else token
        )
        signed_in = await sessions.refresh_session(
            services.database, services.authenticator, device_of(info), command
        )
        return RefreshSessionPayload.of(signed_in, cookies)

    @strawberry.mutation(
        description="A new session with new tokens for the session of this request, which ends; "
        "rights are read afresh. Who was signed in by a cookie gets cookies."
    )
    async def relogin(
        self,
        info: Info,
        input: Annotated[
            ReloginInput | None, strawberry.argument(description="How; may be left out.")
        ] = None,
    ) -> ReloginResult:
        services, actor = info.context.services, info.context.actor
        wanted = input is not None and input.use_cookies
        cookies = cookies_of(info, wanted or info.context.cookies.signs_in)
        signed_in = await sessions.relogin(
            services.database, services.authenticator, actor, device_of(info)
        )
        return LoginPayload.of(signed_in, cookies)

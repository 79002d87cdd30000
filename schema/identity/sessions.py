"""Who is signed in, where, and signing out, as clients see them. Holds no rule."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.ids import decode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, connection_of
from graph.context import Info
from graph.errors import InvalidInput, NotFound
from graph.unions import result
from resolvers.identity import people, sessions
from schema.identity.types import Session, User


@strawberry.type
class IdentityQuery:
    """Reading the own account and sessions."""

    @strawberry.field(description="The account that is signed in; null for anonymous callers.")
    async def current_user(self, info: Info) -> User | None:
        row = await people.current_user(info.context.database, info.context.actor)
        return None if row is None else User.of(row)

    @strawberry.field(description="The session of this request; null for anonymous callers.")
    async def current_session(self, info: Info) -> Session | None:
        session_id = info.context.actor.session_id
        if session_id is None:
            return None
        found: Session | None = await info.context.load("session", session_id)
        return found

    @strawberry.field(description="Where the signed-in account is logged in, newest first.")
    async def sessions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Session]:
        database, actor = info.context.database, info.context.actor
        page = await sessions.list_sessions(
            database, actor, page_request(first, after, last, before)
        )
        nodes = [Session.of(row, actor) for row in page.rows]
        made: Connection[Session] = connection_of(
            page, nodes, lambda _: sessions.count_sessions(database, actor)
        )
        return made


@strawberry.input(description="Which session to end.")
class LogoutInput:
    refresh_token: str | None = strawberry.field(
        default=None,
        description="Ends the session of this refresh token, for callers whose access token has "
        "expired. Left out: the session of this request.",
    )


@strawberry.type(description="The session has ended.")
class LogoutPayload:
    logged_out: bool = strawberry.field(description="True, also when nobody was signed in.")


@strawberry.input(description="Which session to end.")
class RevokeSessionInput:
    session_id: strawberry.ID = strawberry.field(description="One of the own sessions.")


@strawberry.type(description="The session has ended, now or before.")
class RevokeSessionPayload:
    session_id: strawberry.ID = strawberry.field(description="The session that has ended.")


@strawberry.input(description="Which sessions to end.")
class RevokeAllSessionsInput:
    keep_current: bool = strawberry.field(
        default=False, description="Spares the session of this request."
    )


@strawberry.type(description="The sessions have ended.")
class RevokeAllSessionsPayload:
    count: int = strawberry.field(description="How many were still live.")


LogoutResult = Annotated[LogoutPayload | InvalidInput, result("LogoutResult", "logging out")]
RevokeSessionResult = Annotated[
    RevokeSessionPayload | NotFound, result("RevokeSessionResult", "ending a session")
]
RevokeAllSessionsResult = Annotated[
    RevokeAllSessionsPayload | InvalidInput,
    result("RevokeAllSessionsResult", "ending all sessions"),
]


async def _end(
    info: Info, user_id: UUID, *, only: UUID | None = None, spare: UUID | None = None
) -> int:
    ended = await info.context.write(
        lambda work: sessions.end_sessions(work, user_id, only=only, spare=spare)
    )
    info.context.services.authenticator.note_revoked(ended)
    return len(ended)


@strawberry.type
class SessionMutation:
    """Signing out."""

    @strawberry.mutation(
        description="Ends the session: its tokens are refused everywhere within a minute, and its "
        "cookies are cleared. Idempotent, and no error without a session."
    )
    async def logout(
        self,
        info: Info,
        input: Annotated[
            LogoutInput | None, strawberry.argument(description="Which session; may be left out.")
        ] = None,
    ) -> LogoutResult:
        actor, cookies = info.context.actor, info.context.cookies
        given = None if input is None else input.refresh_token
        if given is None and actor.user_id is not None and actor.session_id is not None:
            await _end(info, actor.user_id, only=actor.session_id)
        elif (token := cookies.refresh if given is None else given) is not None:
            command = sessions.RefreshSession.of(refresh_token=token)
            ended = await info.context.write(
                lambda work: sessions.end_by_refresh_token(work, command.refresh_token)
            )
            info.context.services.authenticator.note_revoked(ended)
        cookies.clear()
        return LogoutPayload(logged_out=True)

    @strawberry.mutation(description="Ends one of the own sessions. Idempotent.")
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionResult:
        user_id = info.context.actor.member()
        session_id = decode_id("ses", input.session_id, "input.sessionId")
        await sessions.require_own(info.context.database, user_id, session_id)
        await _end(info, user_id, only=session_id)
        return RevokeSessionPayload(session_id=input.session_id)

    @strawberry.mutation(description="Ends all own sessions, this one too unless spared.")
    async def revoke_all_sessions(
        self, info: Info, input: RevokeAllSessionsInput
    ) -> RevokeAllSessionsResult:
        actor = info.context.actor
        spare = actor.session_id if input.keep_current else None
        return RevokeAllSessionsPayload(count=await _end(info, actor.member(), spare=spare))

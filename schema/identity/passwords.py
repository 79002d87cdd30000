"""Choosing a new password, as clients see it. Holds no rule."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import Info
from graph.enums import described
from graph.errors import InvalidInput
from graph.unions import result
from resolvers.identity import passwords
from resolvers.identity.passwords import ResetChannel
from schema.identity.results import CodeInvalid, InvalidCredentials, ResendTooSoon, WeakPassword
from schema.identity.types import User
from schema.identity.verification import shown_code

described(
    ResetChannel,
    "By what the code to choose a new password comes.",
    EMAIL="By mail, valid for a day.",
    MOBILE="To the proven phone number, valid for 5 minutes.",
)


@strawberry.input(description="Whose password is forgotten.")
class StartPasswordResetInput:
    channel: ResetChannel = strawberry.field(description="By what the code is to come.")
    email: str | None = strawberry.field(
        default=None, description="The account's e-mail address; required for EMAIL."
    )
    phone: str | None = strawberry.field(
        default=None,
        description="For MOBILE: the account's phone number, instead of the e-mail address. Give "
        "both where several accounts have the number.",
    )


@strawberry.type(description="A code was sent, if there is such an account.")
class PasswordResetStarted:
    code_index: int = strawberry.field(
        description="Stands in the message too, so that a person knows which code is asked for."
    )
    expires_at: datetime = strawberry.field(description="Until when the code is taken.")
    sent_to: str | None = strawberry.field(
        description="The address or number of the input where the code went, half masked; null "
        "when the input does not say it."
    )
    secret_code: str | None = strawberry.field(
        description="The code itself, only where SOUK_ENV is development; null otherwise."
    )


@strawberry.input(
    description="The new password, with the link's token; or with the code and whose it is, as "
    "startPasswordReset took it."
)
class CompletePasswordResetInput:
    channel: ResetChannel = strawberry.field(
        default=ResetChannel.EMAIL, description="By what the code came."
    )
    email: str | None = strawberry.field(default=None, description="The account's e-mail address.")
    phone: str | None = strawberry.field(
        default=None, description="For MOBILE: the phone number, instead of the e-mail address."
    )
    secret_code: str | None = strawberry.field(
        default=None, description="The six digits of the newest message."
    )
    token: str | None = strawberry.field(
        default=None, description="What the link of the message ends in; nothing else is needed."
    )
    new_password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    confirmation: str = strawberry.field(description="The new password once more.")


@strawberry.type(
    description="The password is set and every session has ended: log in, with the second factor "
    "where there is one."
)
class CompletePasswordResetPayload:
    email: str = strawberry.field(description="The account's e-mail address, to log in with.")
    is_reset: bool = strawberry.field(description="True.")


@strawberry.input(description="The old and the new password of the own account.")
class ChangePasswordInput:
    old_password: str = strawberry.field(description="The password so far.")
    new_password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    confirmation: str = strawberry.field(description="The new password once more.")


@strawberry.type(description="The password is changed.")
class ChangePasswordPayload:
    user: User = strawberry.field(description="The own account.")
    ended_sessions: int = strawberry.field(
        description="How many other sessions ended; this one goes on."
    )


StartPasswordResetResult = Annotated[
    PasswordResetStarted | ResendTooSoon | InvalidInput,
    result("StartPasswordResetResult", "asking for a new password"),
]
CompletePasswordResetResult = Annotated[
    CompletePasswordResetPayload | CodeInvalid | WeakPassword | InvalidInput,
    result("CompletePasswordResetResult", "setting a forgotten password"),
]
ChangePasswordResult = Annotated[
    ChangePasswordPayload | InvalidCredentials | WeakPassword | InvalidInput,
    result("ChangePasswordResult", "changing the own password"),
]


def _masked(command: passwords.Forgetful) -> str | None:
    """What the caller typed, so it tells nothing: of an account found otherwise it would."""
    if command.channel is ResetChannel.MOBILE:
        phone = command.phone
        return None if phone is None else f"{phone[:4]}…{phone[-2:]}"
    name, _, domain = (command.email or "").rpartition("@")
    return f"{name[:1]}…@{domain}"


@strawberry.type
class PasswordMutation:
    """Choosing a new password."""

    @strawberry.mutation(
        description="Sends a code and a link to choose a new password: by mail, or to the proven "
        "phone number, found by the number or the e-mail address. Once in 60 seconds. Answers "
        "alike whether or not there is an account."
    )
    async def start_password_reset(
        self, info: Info, input: StartPasswordResetInput
    ) -> StartPasswordResetResult:
        command = passwords.Forgetful.of(
            channel=input.channel, email=input.email, phone=input.phone
        )
        secrets = info.context.services.authenticator.secrets
        sent = await info.context.write(
            lambda work: passwords.start_password_reset(work, secrets, command)
        )
        return PasswordResetStarted(
            code_index=sent.code_index,
            expires_at=sent.expires_at,
            sent_to=_masked(command),
            secret_code=shown_code(info, sent),
        )

    @strawberry.mutation(
        description="Sets a new password by the code or the link that was sent, and ends every "
        "session. By mail it proves the address too. It does not sign in and does not replace the "
        "second factor. Five wrong tries end the code."
    )
    async def complete_password_reset(
        self, info: Info, input: CompletePasswordResetInput
    ) -> CompletePasswordResetResult:
        services = info.context.services
        command = passwords.CompletePasswordReset.of(
            channel=input.channel,
            email=input.email,
            phone=input.phone,
            secret_code=input.secret_code,
            token=input.token,
            new_password=input.new_password,
            confirmation=input.confirmation,
        )
        done = await passwords.complete_password_reset(
            services.database, services.authenticator, info.context.actor, command
        )
        info.context.forget()
        return CompletePasswordResetPayload(email=done.email, is_reset=True)

    @strawberry.mutation(
        description="Sets a new password for the own account; its other sessions end, their "
        "sockets within a minute. Wrong old passwords count as failed logins: after 5 in 15 "
        "minutes RATE_LIMITED with retryAfter."
    )
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordResult:
        services = info.context.services
        command = passwords.ChangePassword.of(
            old_password=input.old_password,
            new_password=input.new_password,
            confirmation=input.confirmation,
        )
        done = await passwords.change_password(
            services.database, services.authenticator, info.context.actor, command
        )
        info.context.forget()
        return ChangePasswordPayload(user=User.of(done.account), ended_sessions=len(done.ended))

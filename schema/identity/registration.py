"""Registering and proving the e-mail address, as clients see them. Holds no rule."""

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.identity import registration, verification
from schema.context import Info
from schema.errors import InvalidInput
from schema.identity.results import AccountArchived, CodeInvalid, ResendTooSoon, WeakPassword
from schema.unions import result


@strawberry.input(description="A new account.")
class RegisterUserInput:
    email: str = strawberry.field(description="The e-mail address, at most 254 characters.")
    password: str = strawberry.field(
        description="8 to 128 characters, not a common one and not the e-mail address."
    )
    fullname: str = strawberry.field(description="The name shown, 1 to 100 characters.")
    phone: str | None = strawberry.field(
        default=None, description="The phone number with + and its country code (E.164)."
    )


@strawberry.type(description="The account was made, unless the address had one: the mail tells.")
class RegisterUserPayload:
    email_verification_needed: bool = strawberry.field(
        description="A code was mailed: completeEmailVerification takes it."
    )
    mobile_verification_needed: bool = strawberry.field(
        description="The phone number must be proven too; false until codes can be sent to phones."
    )


@strawberry.input(description="Whom to send a code.")
class StartEmailVerificationInput:
    email: str = strawberry.field(description="The address to prove.")


@strawberry.type(description="A code was mailed, if an account waits for one.")
class VerificationStarted:
    code_index: int = strawberry.field(
        description="Stands in the mail too, so that a person knows which code is asked for."
    )
    expires_at: datetime = strawberry.field(description="Until when the code is taken.")
    secret_code: str | None = strawberry.field(
        description="The code itself, only where SOUK_ENV is development; null otherwise."
    )


@strawberry.input(description="The code that was mailed.")
class CompleteEmailVerificationInput:
    email: str = strawberry.field(description="The address to prove.")
    secret_code: str = strawberry.field(description="The six digits of the newest mail.")


@strawberry.type(description="The address is proven.")
class EmailVerified:
    email: str = strawberry.field(description="The address.")
    is_verified: bool = strawberry.field(description="True.")


RegisterUserResult = Annotated[
    RegisterUserPayload | InvalidInput | WeakPassword | AccountArchived,
    result("RegisterUserResult", "registering"),
]
StartEmailVerificationResult = Annotated[
    VerificationStarted | ResendTooSoon | InvalidInput,
    result("StartEmailVerificationResult", "asking for a code"),
]
CompleteEmailVerificationResult = Annotated[
    EmailVerified | CodeInvalid | InvalidInput,
    result("CompleteEmailVerificationResult", "proving an address"),
]


@strawberry.type
class RegistrationMutation:
    """Registering and proving the address."""

    @strawberry.mutation(
        description="Makes an account of role USER and mails a code. A taken address gets the same "
        "answer, and its owner a mail that says so."
    )
    async def register_user(self, info: Info, input: RegisterUserInput) -> RegisterUserResult:
        services = info.context.services
        command = registration.RegisterUser.of(
            email=input.email,
            password=input.password,
            fullname=input.fullname,
            phone=input.phone,
        )
        made = await registration.register_user(services.database, services.authenticator, command)
        return RegisterUserPayload(
            email_verification_needed=made.email_verification_needed,
            mobile_verification_needed=made.mobile_verification_needed,
        )

    @strawberry.mutation(
        description="Mails a new code, valid for a day; the last one ends. Once in 60 seconds. "
        "Answers alike whether or not there is an account."
    )
    async def start_email_verification(
        self, info: Info, input: StartEmailVerificationInput
    ) -> StartEmailVerificationResult:
        services = info.context.services
        command = verification.StartEmailVerification.of(email=input.email)
        sent = await info.context.write(
            lambda work: verification.start_email_verification(
                work, services.authenticator.secrets, command
            )
        )
        return VerificationStarted(
            code_index=sent.code_index,
            expires_at=sent.expires_at,
            secret_code=sent.code if services.settings.development else None,
        )

    @strawberry.mutation(
        description="Proves the address by the code mailed to it. Five wrong tries end the code."
    )
    async def complete_email_verification(
        self, info: Info, input: CompleteEmailVerificationInput
    ) -> CompleteEmailVerificationResult:
        services = info.context.services
        command = verification.CompleteEmailVerification.of(
            email=input.email, secret_code=input.secret_code
        )
        verified = await verification.complete_email_verification(
            services.database, services.authenticator, info.context.actor, command
        )
        return EmailVerified(email=verified.email, is_verified=True)

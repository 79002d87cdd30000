"""Proving an e-mail address and a phone number, as clients see it. Holds no rule."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import Info
from graph.errors import InvalidInput
from graph.unions import result
from resolvers.identity import verification
from resolvers.identity.codes import CodeSent, Flow
from schema.identity.results import CodeInvalid, ResendTooSoon


@strawberry.input(description="Whom to send a code.")
class StartEmailVerificationInput:
    email: str = strawberry.field(description="The address to prove.")


@strawberry.input(description="Whose phone to send a code.")
class StartMobileVerificationInput:
    email: str = strawberry.field(
        description="The account's e-mail address; the code goes to its phone number."
    )


@strawberry.type(description="A code was sent, if an account waits for one.")
class VerificationStarted:
    code_index: int = strawberry.field(
        description="Stands in the message too, so that a person knows which code is asked for."
    )
    expires_at: datetime = strawberry.field(description="Until when the code is taken.")
    secret_code: str | None = strawberry.field(
        description="The code itself, only where SOUK_ENV is development; null otherwise."
    )


@strawberry.input(description="The code that was mailed.")
class CompleteEmailVerificationInput:
    email: str = strawberry.field(description="The address to prove.")
    secret_code: str = strawberry.field(
        description="The six digits of the newest mail, or the token that its link ends in."
    )


@strawberry.input(description="The code that was sent to the phone.")
class CompleteMobileVerificationInput:
    email: str = strawberry.field(description="The account's e-mail address.")
    secret_code: str = strawberry.field(
        description="The six digits of the newest message, or the token that its link ends in."
    )


@strawberry.type(description="The address is proven.")
class EmailVerified:
    email: str = strawberry.field(description="The address.")
    is_verified: bool = strawberry.field(description="True.")
    mobile_verification_needed: bool = strawberry.field(
        description="The phone number must be proven before logging in: startMobileVerification "
        "sends a code."
    )


@strawberry.type(description="The phone number is proven.")
class MobileVerified:
    email: str = strawberry.field(description="The account's e-mail address.")
    is_verified: bool = strawberry.field(description="True.")


StartEmailVerificationResult = Annotated[
    VerificationStarted | ResendTooSoon | InvalidInput,
    result("StartEmailVerificationResult", "asking for a code"),
]
CompleteEmailVerificationResult = Annotated[
    EmailVerified | CodeInvalid | InvalidInput,
    result("CompleteEmailVerificationResult", "proving an address"),
]
StartMobileVerificationResult = Annotated[
    VerificationStarted | ResendTooSoon | InvalidInput,
    result("StartMobileVerificationResult", "asking for a code by phone"),
]
CompleteMobileVerificationResult = Annotated[
    MobileVerified | CodeInvalid | InvalidInput,
    result("CompleteMobileVerificationResult", "proving a phone number"),
]


def shown_code(info: Info, sent: CodeSent) -> str | None:
    """The code itself where one-time codes may be shown: in development."""
    return sent.code if info.context.services.settings.development else None


async def _start(info: Info, flow: Flow, email: str) -> VerificationStarted:
    command = verification.StartVerification.of(email=email)
    secrets = info.context.services.authenticator.secrets
    sent = await info.context.write(
        lambda work: verification.start_verification(work, secrets, flow, command)
    )
    return VerificationStarted(
        code_index=sent.code_index, expires_at=sent.expires_at, secret_code=shown_code(info, sent)
    )


async def _complete(info: Info, flow: Flow, email: str, secret_code: str) -> verification.Verified:
    services = info.context.services
    command = verification.CompleteVerification.of(email=email, secret_code=secret_code)
    verified = await verification.complete_verification(
        services.database,
        services.authenticator,
        services.settings,
        info.context.actor,
        flow,
        command,
    )
    info.context.forget()
    return verified


@strawberry.type
class VerificationMutation:
    """Proving the address and the phone number."""

    @strawberry.mutation(
        description="Mails a new code and link, valid for a day; the last ones end. Once in 60 "
        "seconds. Answers alike whether or not there is an account."
    )
    async def start_email_verification(
        self, info: Info, input: StartEmailVerificationInput
    ) -> StartEmailVerificationResult:
        return await _start(info, verification.EMAIL, input.email)

    @strawberry.mutation(
        description="Proves the address by the code or the link mailed to it. Five wrong tries end "
        "the code. Says whether the phone number is to be proven next."
    )
    async def complete_email_verification(
        self, info: Info, input: CompleteEmailVerificationInput
    ) -> CompleteEmailVerificationResult:
        flow = verification.EMAIL
        verified = await _complete(info, flow, input.email, input.secret_code)
        return EmailVerified(
            email=verified.email,
            is_verified=True,
            mobile_verification_needed=verified.mobile_needed,
        )

    @strawberry.mutation(
        description="Sends a new code, valid for 5 minutes, to the phone of the account of this "
        "e-mail address; the last one ends. Once in 60 seconds. Answers alike whether or not there "
        "is an account with a phone number to prove."
    )
    async def start_mobile_verification(
        self, info: Info, input: StartMobileVerificationInput
    ) -> StartMobileVerificationResult:
        return await _start(info, verification.MOBILE, input.email)

    @strawberry.mutation(
        description="Proves the phone number by the code or the link sent to it. Five wrong tries "
        "end the code."
    )
    async def complete_mobile_verification(
        self, info: Info, input: CompleteMobileVerificationInput
    ) -> CompleteMobileVerificationResult:
        flow = verification.MOBILE
        verified = await _complete(info, flow, input.email, input.secret_code)
        return MobileVerified(email=verified.email, is_verified=True)

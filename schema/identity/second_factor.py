"""Second factors as clients see them: giving one, turning them on and off. Holds no rule."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from graph.context import Info
from graph.errors import InvalidInput
from graph.unions import result
from resolvers.identity import second_factor_login as giving
from resolvers.identity import second_factor_settings as settings
from resolvers.identity.second_factor_proof import Proof
from schema.identity.channels import TwoFactorChannel
from schema.identity.login import USE_COOKIES, LoginPayload, cookies_of, device_of
from schema.identity.results import (
    ChallengeInvalid,
    CodeInvalid,
    EmailVerificationNeeded,
    InvalidCredentials,
    MobileVerificationNeeded,
    ResendTooSoon,
    TwoFactorNeeded,
)
from schema.identity.verification import VerificationStarted, shown_code


@strawberry.type(description="A second factor that is on.")
class SecondFactorOn:
    channel: TwoFactorChannel = strawberry.field(description="By what it is given.")
    enabled_at: datetime = strawberry.field(description="Since when.")
    usable: bool = strawberry.field(
        description="False while the account's address or phone number is not the proven one that "
        "it was turned on for: turn it on anew."
    )


@strawberry.type(description="The second factors of the signed-in account.")
class SecondFactor:
    channels: list[SecondFactorOn] = strawberry.field(
        description="Those that are on; logging in asks for one of them where there is any."
    )
    recovery_codes_left: int = strawberry.field(description="How many recovery codes are unused.")


@strawberry.input(description="A second factor, given for a change of settings.")
class SecondFactorInput:
    challenge: str = strawberry.field(
        description="As TwoFactorNeeded gave it when the change was asked for without a factor."
    )
    channel: TwoFactorChannel = strawberry.field(description="By what the factor is given.")
    code: str = strawberry.field(description="The code, at most 20 characters.")


@strawberry.input(description="What waits for a code.")
class StartTwoFactorInput:
    challenge: str = strawberry.field(description="As TwoFactorNeeded gave it.")
    channel: TwoFactorChannel = strawberry.field(description="EMAIL or MOBILE.")


@strawberry.input(description="The second factor of a login.")
class CompleteTwoFactorInput:
    challenge: str = strawberry.field(description="As TwoFactorNeeded gave it.")
    channel: TwoFactorChannel = strawberry.field(description="By what the factor is given.")
    code: str = strawberry.field(
        description="Six digits, or a recovery code in any case, with or without its hyphen."
    )
    use_cookies: bool = strawberry.field(default=False, description=USE_COOKIES)


@strawberry.input(description="Who starts to use an authenticator app.")
class StartTotpEnrollmentInput:
    password: str = strawberry.field(description="The account's password.")
    factor: SecondFactorInput | None = strawberry.field(
        default=None, description="Needed where a second factor is on."
    )


@strawberry.type(description="A secret for an app. It is shown this once.")
class TotpEnrollmentStarted:
    secret: str = strawberry.field(description="The secret in base 32, to be typed into the app.")
    otpauth_uri: str = strawberry.field(
        description="The same as an address for a QR code, which the client draws: it must not "
        "travel to another server."
    )
    expires_at: datetime = strawberry.field(
        description="Until when confirmTotpEnrollment takes a code of it: 15 minutes."
    )


@strawberry.input(description="A code that the app shows.")
class ConfirmTotpEnrollmentInput:
    code: str = strawberry.field(description="The six digits that the app shows now.")


@strawberry.type(description="The app is on.")
class ConfirmTotpEnrollmentPayload:
    recovery_codes: list[str] = strawberry.field(
        description="Ten new recovery codes, shown this once; older ones are void. Print them."
    )
    second_factor: SecondFactor = strawberry.field(description="What is on now.")


@strawberry.input(description="Who wants new recovery codes.")
class RegenerateRecoveryCodesInput:
    password: str = strawberry.field(description="The account's password.")
    factor: SecondFactorInput | None = strawberry.field(
        default=None, description="Needed where a second factor is on."
    )


@strawberry.type(description="New recovery codes.")
class RegenerateRecoveryCodesPayload:
    recovery_codes: list[str] = strawberry.field(
        description="Ten recovery codes, shown this once; older ones are void."
    )
    second_factor: SecondFactor = strawberry.field(description="What is on now.")


@strawberry.input(description="Which second factor to turn on.")
class EnableTwoFactorInput:
    channel: TwoFactorChannel = strawberry.field(
        description="EMAIL, or MOBILE where the phone number is verified; an app is turned on by "
        "startTotpEnrollment."
    )
    password: str = strawberry.field(description="The account's password.")
    factor: SecondFactorInput | None = strawberry.field(
        default=None, description="Needed where a second factor is on."
    )


@strawberry.type(description="The second factor is on.")
class EnableTwoFactorPayload:
    recovery_codes: list[str] | None = strawberry.field(
        description="Ten recovery codes, shown this once; null where unused ones are left."
    )
    second_factor: SecondFactor = strawberry.field(description="What is on now.")


@strawberry.input(description="Which second factor to turn off.")
class DisableTwoFactorInput:
    channel: TwoFactorChannel | None = strawberry.field(
        default=None, description="EMAIL, MOBILE or TOTP; left out: all of them."
    )
    password: str = strawberry.field(description="The account's password.")
    factor: SecondFactorInput | None = strawberry.field(
        default=None, description="Needed where a second factor is on."
    )


@strawberry.type(description="The second factor is off, now or before.")
class DisableTwoFactorPayload:
    second_factor: SecondFactor = strawberry.field(description="What is still on.")


StartTwoFactorResult = Annotated[
    VerificationStarted | ResendTooSoon | ChallengeInvalid | InvalidInput,
    result("StartTwoFactorResult", "asking for a code of the second factor"),
]
CompleteTwoFactorResult = Annotated[
    LoginPayload | CodeInvalid | ChallengeInvalid | InvalidInput,
    result("CompleteTwoFactorResult", "giving the second factor of a login"),
]
StartTotpEnrollmentResult = Annotated[
    TotpEnrollmentStarted
    | InvalidCredentials
    | TwoFactorNeeded
    | ChallengeInvalid
    | CodeInvalid
    | InvalidInput,
    result("StartTotpEnrollmentResult", "starting to use an authenticator app"),
]
ConfirmTotpEnrollmentResult = Annotated[
    ConfirmTotpEnrollmentPayload | CodeInvalid | InvalidInput,
    result("ConfirmTotpEnrollmentResult", "confirming an authenticator app"),
]
RegenerateRecoveryCodesResult = Annotated[
    RegenerateRecoveryCodesPayload
    | InvalidCredentials
    | TwoFactorNeeded
    | ChallengeInvalid
    | CodeInvalid
    | InvalidInput,
    result("RegenerateRecoveryCodesResult", "making new recovery codes"),
]
EnableTwoFactorResult = Annotated[
    EnableTwoFactorPayload
    | InvalidCredentials
    | EmailVerificationNeeded
    | MobileVerificationNeeded
    | TwoFactorNeeded
    | ChallengeInvalid
    | CodeInvalid
    | InvalidInput,
    result("EnableTwoFactorResult", "turning on a second factor"),
]
DisableTwoFactorResult = Annotated[
    DisableTwoFactorPayload
    | InvalidCredentials
    | TwoFactorNeeded
    | ChallengeInvalid
    | CodeInvalid
    | InvalidInput,
    result("DisableTwoFactorResult", "turning off a second factor"),
]


async def _status(info: Info) -> SecondFactor:
    found = await settings.second_factor_status(info.context.database, info.context.actor)
    channels = [
        SecondFactorOn(channel=one.channel, enabled_at=one.enabled_at, usable=one.usable)
        for one in found.factors
    ]
    return SecondFactor(channels=channels, recovery_codes_left=found.recovery_codes_left)


def _proof(password: str, factor: SecondFactorInput | None) -> Proof:
    given: dict[str, Any] | None = None
    if factor is not None:
        given = {
            "challenge": factor.challenge,
            "channel": factor.channel,
            "code": factor.code,
        }
    return Proof.of(password=password, factor=given)


@strawberry.type
class SecondFactorQuery:
    """Reading the own second factors."""

    @strawberry.field(description="The second factors of the signed-in account.")
    async def second_factor(self, info: Info) -> SecondFactor:
        return await _status(info)


@strawberry.type
class SecondFactorLoginMutation:
    """Giving the second factor of a login."""

    @strawberry.mutation(
        description="Sends a code for what waits for a second factor: by mail, valid for 10 "
        "minutes, or to the phone, for 5. The last one ends. Once in 60 seconds for an account."
    )
    async def start_two_factor(
        self, info: Info, input: StartTwoFactorInput
    ) -> StartTwoFactorResult:
        services = info.context.services
        command = giving.StartTwoFactor.of(challenge=input.challenge, channel=input.channel)
        sent = await info.context.write(
            lambda work: giving.start_two_factor(work, services.authenticator.secrets, command)
        )
        return VerificationStarted(
            code_index=sent.code_index,
            expires_at=sent.expires_at,
            secret_code=shown_code(info, sent),
        )

    @strawberry.mutation(
        description="Ends the login that waits for its second factor. Five wrong codes end the "
        "challenge; after 5 in 15 minutes for an account, over all its challenges and channels, or "
        "50 from an address, RATE_LIMITED with retryAfter. Restores an account archived within 30 "
        "days."
    )
    async def complete_two_factor(
        self, info: Info, input: CompleteTwoFactorInput
    ) -> CompleteTwoFactorResult:
        services, cookies = info.context.services, cookies_of(info, input.use_cookies)
        command = giving.CompleteTwoFactor.of(
            challenge=input.challenge, channel=input.channel, code=input.code
        )
        signed_in = await giving.complete_two_factor(
            services.database,
            services.authenticator,
            services.settings,
            info.context.actor,
            device_of(info),
            command,
        )
        return LoginPayload.of(signed_in, cookies)


@strawberry.type
class SecondFactorSettingsMutation:
    """Turning second factors on and off."""

    @strawberry.mutation(
        description="A secret for an authenticator app; nothing is on before "
        "confirmTotpEnrollment. Where a second factor is on, TwoFactorNeeded gives a challenge: "
        "send the same again with `factor`."
    )
    async def start_totp_enrollment(
        self, info: Info, input: StartTotpEnrollmentInput
    ) -> StartTotpEnrollmentResult:
        context, services = info.context, info.context.services
        proof = _proof(input.password, input.factor)
        started = await settings.start_totp_enrollment(
            services.database, services.authenticator, context.actor, proof
        )
        return TotpEnrollmentStarted(
            secret=started.secret, otpauth_uri=started.uri, expires_at=started.expires_at
        )

    @strawberry.mutation(
        description="Turns the authenticator app on by a code of it, and gives recovery codes."
    )
    async def confirm_totp_enrollment(
        self, info: Info, input: ConfirmTotpEnrollmentInput
    ) -> ConfirmTotpEnrollmentResult:
        context, services = info.context, info.context.services
        command = settings.ConfirmTotp.of(code=input.code)
        codes = await settings.confirm_totp_enrollment(
            services.database, services.authenticator, context.actor, command
        )
        return ConfirmTotpEnrollmentPayload(recovery_codes=codes, second_factor=await _status(info))

    @strawberry.mutation(
        description="Ten new recovery codes; the old ones are void. Where a second factor is on, "
        "TwoFactorNeeded gives a challenge: send the same again with `factor`."
    )
    async def regenerate_recovery_codes(
        self, info: Info, input: RegenerateRecoveryCodesInput
    ) -> RegenerateRecoveryCodesResult:
        context, services = info.context, info.context.services
        proof = _proof(input.password, input.factor)
        codes = await settings.regenerate_recovery_codes(
            services.database, services.authenticator, context.actor, proof
        )
        return RegenerateRecoveryCodesPayload(
            recovery_codes=codes, second_factor=await _status(info)
        )

    @strawberry.mutation(
        description="Turns on the second factor by mail or to the phone. Where one is on already, "
        "TwoFactorNeeded gives a challenge: send the same again with `factor`."
    )
    async def enable_two_factor(
        self, info: Info, input: EnableTwoFactorInput
    ) -> EnableTwoFactorResult:
        context, services = info.context, info.context.services
        proof = _proof(input.password, input.factor)
        codes = await settings.enable_two_factor(
            services.database, services.authenticator, context.actor, proof, input.channel
        )
        return EnableTwoFactorPayload(recovery_codes=codes, second_factor=await _status(info))

    @strawberry.mutation(
        description="Turns off one second factor or all; with the last one the recovery codes are "
        "void. TwoFactorNeeded gives a challenge: send the same again with `factor`. Idempotent."
    )
    async def disable_two_factor(
        self, info: Info, input: DisableTwoFactorInput
    ) -> DisableTwoFactorResult:
        context, services = info.context, info.context.services
        proof = _proof(input.password, input.factor)
        await settings.disable_two_factor(
            services.database, services.authenticator, context.actor, proof, input.channel
        )
        return DisableTwoFactorPayload(second_factor=await _status(info))

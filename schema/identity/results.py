"""Typed errors of identity."""

from datetime import datetime

import strawberry

from graph.errors import DomainErrorHandler, UserError
from resolvers.identity import errors
from schema.identity.channels import TwoFactorChannel


@strawberry.type(
    description="The password is shorter than 8 or longer than 128 characters, among the most "
    "common ones, or the e-mail address."
)
class WeakPassword(UserError):
    pass


@strawberry.type(
    description="The account of this address was closed less than 30 days ago: log in with its "
    "password to restore it."
)
class AccountArchived(UserError):
    restorable_until: datetime = strawberry.field(description="Until when it can be restored.")


@strawberry.type(description="A code was asked for less than 60 seconds ago.")
class ResendTooSoon(UserError):
    retry_after: int = strawberry.field(description="In how many seconds to ask again.")


@strawberry.type(
    description="The code is wrong, used, expired or ended by five wrong tries, or there is none."
)
class CodeInvalid(UserError):
    pass


@strawberry.type(description="There is no such account, or its password is another one.")
class InvalidCredentials(UserError):
    pass


@strawberry.type(description="The password is right, but the e-mail address is not yet verified.")
class EmailVerificationNeeded(UserError):
    pass


@strawberry.type(
    description="The password is right, but the phone number is not yet verified, and this server "
    "asks for that: startMobileVerification sends a code."
)
class MobileVerificationNeeded(UserError):
    pass


@strawberry.type(description="The password is right, the second factor is due.")
class TwoFactorNeeded(UserError):
    challenge: str = strawberry.field(
        description="Names what waits for the factor, for 10 minutes; keep it as secret as a "
        "password."
    )
    channels: list[TwoFactorChannel] = strawberry.field(
        description="By what the factor can be given; EMAIL and MOBILE after startTwoFactor."
    )


@strawberry.type(
    description="The challenge is unknown, answered, older than 10 minutes, ended by five wrong "
    "answers, or void because the account has changed: start again with the password."
)
class ChallengeInvalid(UserError):
    pass


@strawberry.type(
    description="The refresh token is unknown, used or expired, or its session has ended: log in."
)
class SessionInvalid(UserError):
    pass


HANDLERS = [
    DomainErrorHandler(errors.WeakPassword, WeakPassword),
    DomainErrorHandler(errors.AccountArchived, AccountArchived),
    DomainErrorHandler(errors.ResendTooSoon, ResendTooSoon),
    DomainErrorHandler(errors.CodeInvalid, CodeInvalid),
    DomainErrorHandler(errors.InvalidCredentials, InvalidCredentials),
    DomainErrorHandler(errors.EmailVerificationNeeded, EmailVerificationNeeded),
    DomainErrorHandler(errors.MobileVerificationNeeded, MobileVerificationNeeded),
    DomainErrorHandler(errors.TwoFactorNeeded, TwoFactorNeeded),
    DomainErrorHandler(errors.ChallengeInvalid, ChallengeInvalid),
    DomainErrorHandler(errors.SessionInvalid, SessionInvalid),
]

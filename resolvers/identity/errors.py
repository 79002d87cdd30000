"""What identity refuses in a way that the client can handle. Words for people, nothing about
whether an account exists."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.errors import DomainError, ErrorCode
from models.identity.second_factors import TwoFactorChannel


@dataclass(eq=False)
class WeakPassword(DomainError):
    """The password is too short, too long, common, or the e-mail address."""

    code: ClassVar[ErrorCode] = ErrorCode.WEAK_PASSWORD


@dataclass(eq=False)
class AccountArchived(DomainError):
    """The address belongs to an account that was closed within the last 30 days."""

    code: ClassVar[ErrorCode] = ErrorCode.CONFLICT
    restorable_until: datetime


@dataclass(eq=False)
class ResendTooSoon(DomainError):
    """A code was asked for less than 60 s ago; `retry_after` is in whole seconds."""

    code: ClassVar[ErrorCode] = ErrorCode.RESEND_TOO_SOON
    retry_after: int


@dataclass(eq=False)
class CodeInvalid(DomainError):
    """The code is wrong, used, expired, guessed too often, or there is none: the same answer."""

    code: ClassVar[ErrorCode] = ErrorCode.CODE_INVALID


@dataclass(eq=False)
class InvalidCredentials(DomainError):
    """Unknown account or wrong password: the same answer."""

    code: ClassVar[ErrorCode] = ErrorCode.INVALID_CREDENTIALS


@dataclass(eq=False)
class EmailVerificationNeeded(DomainError):
    """The password is right, the e-mail address not yet verified."""

    code: ClassVar[ErrorCode] = ErrorCode.EMAIL_VERIFICATION_NEEDED


@dataclass(eq=False)
class MobileVerificationNeeded(DomainError):
    """The password is right, the phone number not yet verified."""

    code: ClassVar[ErrorCode] = ErrorCode.MOBILE_VERIFICATION_NEEDED


@dataclass(eq=False)
class TwoFactorNeeded(DomainError):
    """The password is right, the second factor is due; `challenge` names what waits for it, and
    `channels` are those that it can be given by."""

    code: ClassVar[ErrorCode] = ErrorCode.TWO_FACTOR_NEEDED
    challenge: str
    channels: list[TwoFactorChannel]


@dataclass(eq=False)
class ChallengeInvalid(DomainError):
    """The challenge is unknown, answered, older than 10 minutes, ended by five wrong answers, or
    void because the account has changed: the same answer."""

    code: ClassVar[ErrorCode] = ErrorCode.CHALLENGE_INVALID


@dataclass(eq=False)
class SessionInvalid(DomainError):
    """The refresh token is unknown, used, expired, or its session has ended."""

    code: ClassVar[ErrorCode] = ErrorCode.SESSION_INVALID

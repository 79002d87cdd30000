"""What logging in at a provider refuses in a way that the client can handle. Nothing about whether
an account exists is said before the provider has vouched for its address."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from core.errors import DomainError, ErrorCode


class OidcFailure(StrEnum):
    """Why nobody is logged in."""

    NOT_STARTED = "NOT_STARTED"
    REFUSED = "REFUSED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    OTHER_IDENTITY = "OTHER_IDENTITY"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(eq=False)
class OidcLoginFailed(DomainError):
    """Nobody is logged in by this; `reason` says what to do next."""

    code: ClassVar[ErrorCode] = ErrorCode.OIDC_LOGIN_FAILED
    reason: OidcFailure


@dataclass(eq=False)
class LastWayToLogIn(DomainError):
    """Without this identity nobody could log in to the account any more."""

    code: ClassVar[ErrorCode] = ErrorCode.CONFLICT

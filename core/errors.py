"""The two kinds of error: what a client can handle (DomainError, a union member) and what it cannot
(RequestError, a top-level error). Must not know GraphQL or HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar, dataclass_transform


class ErrorCode(StrEnum):
    """The code of a typed error, one per kind of error (spec/01-api-conventions.md#mutations)."""

    ACCOUNT_INACTIVE = "ACCOUNT_INACTIVE"
    AUCTION_NOT_OPEN = "AUCTION_NOT_OPEN"
    BID_TOO_LOW = "BID_TOO_LOW"
    BUY_NOW_UNAVAILABLE = "BUY_NOW_UNAVAILABLE"
    CANCELLATION_REFUSED = "CANCELLATION_REFUSED"
    CATEGORY_IN_USE = "CATEGORY_IN_USE"
    CHALLENGE_INVALID = "CHALLENGE_INVALID"
    CODE_INVALID = "CODE_INVALID"
    CONFLICT = "CONFLICT"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    EMAIL_VERIFICATION_NEEDED = "EMAIL_VERIFICATION_NEEDED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_INPUT = "INVALID_INPUT"
    MOBILE_VERIFICATION_NEEDED = "MOBILE_VERIFICATION_NEEDED"
    NOT_AN_AUCTION = "NOT_AN_AUCTION"
    NOT_FOUND = "NOT_FOUND"
    OIDC_LOGIN_FAILED = "OIDC_LOGIN_FAILED"
    OWN_PRODUCT = "OWN_PRODUCT"
    PRODUCT_LOCKED = "PRODUCT_LOCKED"
    RESEND_TOO_SOON = "RESEND_TOO_SOON"
    ROLE_TOO_HIGH = "ROLE_TOO_HIGH"
    SECOND_CHANCE_REFUSED = "SECOND_CHANCE_REFUSED"
    SESSION_INVALID = "SESSION_INVALID"
    SUPER_ADMIN_PROTECTED = "SUPER_ADMIN_PROTECTED"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    TWO_FACTOR_NEEDED = "TWO_FACTOR_NEEDED"
    WEAK_PASSWORD = "WEAK_PASSWORD"  # noqa: S105  a code, no password


UseCaseT = TypeVar("UseCaseT", bound=Callable[..., Any])


def raises(*errors: "type[DomainError]") -> Callable[[UseCaseT], UseCaseT]:
    """Says which typed errors a use case gives: the members of its mutation's result, in this
    order. Whatever else it raises is a request error or a bug."""

    def declare(use_case: UseCaseT) -> UseCaseT:
        use_case.__dict__[_RAISES] = errors
        return use_case

    return declare


def raised_by(use_case: Callable[..., Any]) -> "tuple[type[DomainError], ...]":
    """The typed errors that a use case says it gives."""
    found: tuple[type[DomainError], ...] = getattr(use_case, _RAISES, ())
    return found


_RAISES = "__raises__"


@dataclass_transform(eq_default=False)
@dataclass(eq=False)
class DomainError(Exception):
    """A rule was broken in a way that the client can handle: a member of a mutation's result.
    `message` is for people and says what to do next; `path` names the argument that caused it.

        class NoteTooLong(DomainError, code="NOTE_TOO_LONG"):
            \"\"\"The note is longer than it may be.\"\"\"

            longest: Annotated[int, "At most so many characters."]

    The class is the only place of an error: graph/errors.py derives its GraphQL type, which the
    docstring describes, and the code. `summary` describes the code where the docstring says more
    than that; of errors that share a code one says it. Every subclass is a dataclass, so that an
    answer kept for an idempotency key can be stored and raised again."""

    code: ClassVar[str]
    summary: ClassVar[str | None] = None
    message: str
    path: list[str] | None = field(default=None, kw_only=True)

    def __init_subclass__(cls, *, code: str | None = None, summary: str | None = None) -> None:
        super().__init_subclass__()
        if code is not None:
            cls.code, cls.summary = code, summary
            dataclass(eq=False)(cls)

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class InvalidInput(DomainError):
    """A value of the input cannot be taken; `path` names it."""

    code: ClassVar[ErrorCode] = ErrorCode.INVALID_INPUT


@dataclass(eq=False)
class NotFound(DomainError):
    """What the input names does not exist, or the caller may not see it: the same answer."""

    code: ClassVar[ErrorCode] = ErrorCode.NOT_FOUND


@dataclass(eq=False)
class Conflict(DomainError):
    """It contradicts what is stored: a name that is taken, an account that is closed."""

    code: ClassVar[ErrorCode] = ErrorCode.CONFLICT


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The idempotency key was used before with another input."""

    code: ClassVar[ErrorCode] = ErrorCode.IDEMPOTENCY_CONFLICT


@dataclass(eq=False)
class AccountInactive(DomainError):
    """The account was archived: it sells nothing and bids on nothing."""

    code: ClassVar[ErrorCode] = ErrorCode.ACCOUNT_INACTIVE


class RequestError(Exception):
    """What the caller could not have handled: a top-level error with `extensions.code`
    (spec/01-api-conventions.md#mutations)."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = extensions


class Unauthenticated(RequestError):
    """No token, or one that is not accepted."""

    code = "UNAUTHENTICATED"


class Forbidden(RequestError):
    """Signed in, but not allowed to do this."""

    code = "FORBIDDEN"


class BadUserInput(RequestError):
    """An argument is malformed; names the argument."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message, **({"argument": argument} if argument else {}))


class NotFoundError(RequestError):
    """What a query or subscription names does not exist, or may not be seen."""

    code = "NOT_FOUND"


class RateLimited(RequestError):
    """Too much, too fast; `retryAfter` is in whole seconds."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, retryAfter=retry_after)
        self.retry_after = retry_after


class CostLimit(RequestError):
    """The operation costs more than one operation may."""

    code = "COST_LIMIT"


class OperationTimeout(RequestError):
    """The operation took longer than one operation may; what it was writing is undone."""

    code = "TIMEOUT"


class CursorExpired(RequestError):
    """The event log no longer holds what comes after this cursor: load the object anew."""

    code = "CURSOR_EXPIRED"


class SlowConsumer(RequestError):
    """The subscriber does not read fast enough: resume from the last cursor."""

    code = "SLOW_CONSUMER"

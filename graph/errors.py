"""Typed errors as union members: each DomainError has the GraphQL type of the same fields, and one
kind of handler turns the one into the other (docs/decisions/0002-domain-errors.md)."""

from typing import Any

import strawberry
from strawberry.schema import ExceptionHandler
from strawberry.types.field import StrawberryField

from core import errors
from core.errors import ErrorCode
from core.money import Money as Amount
from graph.enums import described
from graph.money import Money

described(
    ErrorCode,
    "What kind of error it is; a client can switch on it.",
    INVALID_INPUT="A value of the input cannot be taken.",
    NOT_FOUND="What the input names does not exist, or you may not see it.",
    CONFLICT="It contradicts what is stored.",
    IDEMPOTENCY_CONFLICT="The idempotency key was used with other input.",
    WEAK_PASSWORD="The password is too easy to guess.",  # noqa: S106  a description
    RESEND_TOO_SOON="A code was sent a moment ago.",
    CODE_INVALID="The code is wrong, used or too old.",
    INVALID_CREDENTIALS="Account or password is wrong.",
    EMAIL_VERIFICATION_NEEDED="The e-mail address must be verified first.",
    MOBILE_VERIFICATION_NEEDED="The phone number must be verified first.",
    TWO_FACTOR_NEEDED="A second factor is due.",
    CHALLENGE_INVALID="The challenge is over: start again.",
    SESSION_INVALID="The session is over: log in again.",
    OIDC_LOGIN_FAILED="The provider did not log anybody in.",
    TOO_MANY_KEYS="The account has as many API keys as it may.",
    CATEGORY_IN_USE="It still has active products.",
    PRODUCT_LOCKED="The product has bids or is over.",
    BID_TOO_LOW="The bid is below the minimum.",
    AUCTION_NOT_OPEN="The auction takes no bids now.",
    ACCOUNT_INACTIVE="Your account is archived.",
    OWN_PRODUCT="You sell it yourself.",
    NOT_AN_AUCTION="It is sold at a fixed price.",
    CURRENCY_MISMATCH="The amount is in another currency.",
    BUY_NOW_UNAVAILABLE="It cannot be bought at once.",
    CANCELLATION_REFUSED="It is too late to take it back.",
    SECOND_CHANCE_REFUSED="The second chance cannot be made or answered so.",
    ROLE_TOO_HIGH="The role is equal to your own or above it.",
    SUPER_ADMIN_PROTECTED="The super admin stays as they are.",
)


@strawberry.interface(description="An error that the client can handle.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of error it is.")
    message: str = strawberry.field(description="For people: what is wrong and what to do next.")
    path: list[str] | None = strawberry.field(
        description="The argument that caused it, such as `input`, `amount`."
    )


def _shaped(value: Any) -> Any:
    return Money.of(value.amount_minor, value.currency) if isinstance(value, Amount) else value


class DomainErrorHandler(ExceptionHandler):  # type: ignore[type-arg]  # the types are attributes
    """Answers one kind of DomainError with its GraphQL type. Strawberry asks it only for fields
    whose union holds that type; anywhere else the error stays an error."""

    def __init__(self, exception_type: type[errors.DomainError], error_type: type) -> None:
        self.exception_type = exception_type
        self.error_type = error_type
        declared = error_type.__strawberry_definition__.fields  # type: ignore[attr-defined]  # Strawberry adds it
        self._names = [field.python_name for field in declared]
        _types[exception_type] = self

    def handle(self, exception: errors.DomainError, *, field: StrawberryField, info: Any) -> Any:
        """The GraphQL object of an error."""
        return self.shown(exception)

    def shown(self, exception: errors.DomainError) -> Any:
        """The GraphQL object with the values of the exception's attributes of the same names."""
        return self.error_type(**{name: _shaped(getattr(exception, name)) for name in self._names})


_types: dict[type[errors.DomainError], DomainErrorHandler] = {}


def error_type(error: type[errors.DomainError]) -> type:
    """The GraphQL type of a kind of typed error."""
    return _types[error].error_type


def answer_of(error: errors.DomainError) -> Any:
    """The GraphQL object of a typed error."""
    kind = next(kind for kind in type(error).__mro__ if kind in _types)
    return _types[kind].shown(error)


@strawberry.type(description="A value of the input cannot be taken; `path` names it.")
class InvalidInput(UserError):
    pass


@strawberry.type(description="What the input names does not exist, or you may not see it.")
class NotFound(UserError):
    pass


@strawberry.type(description="It contradicts what is stored, such as a name that is taken.")
class Conflict(UserError):
    pass


@strawberry.type(description="The idempotency key was used before with other input.")
class IdempotencyConflict(UserError):
    pass


@strawberry.type(description="Your account is archived: log in again to restore it.")
class AccountInactive(UserError):
    pass


HANDLERS = [
    DomainErrorHandler(errors.AccountInactive, AccountInactive),
    DomainErrorHandler(errors.InvalidInput, InvalidInput),
    DomainErrorHandler(errors.NotFound, NotFound),
    DomainErrorHandler(errors.Conflict, Conflict),
    DomainErrorHandler(errors.IdempotencyConflict, IdempotencyConflict),
]

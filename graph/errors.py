"""Typed errors as union members: each DomainError has the GraphQL type of the same fields, and one
kind of handler turns the one into the other (docs/decisions/0002-domain-errors.md)."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_type_hints

import strawberry
from strawberry.schema import ExceptionHandler
from strawberry.types.enum import EnumValue
from strawberry.types.field import StrawberryField

from core import errors
from core.errors import ErrorCode
from core.money import Money as Amount
from graph.annotations import taken_apart, without_none
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
_derived: dict[type[errors.DomainError], Any] = {}


def error_type(error: type[errors.DomainError]) -> Any:
    """The GraphQL type of a kind of typed error. Raises TypeError for one that is not fully
    declared."""
    if error in _types:
        return _types[error].error_type
    if error not in _derived:
        _derived[error] = _type_of(error)
    return _derived[error]


def _type_of(error: type[errors.DomainError]) -> Any:
    where = f"{error.__module__}.{error.__name__}"
    if "code" not in vars(error):
        raise TypeError(f"{where} has no code: class {error.__name__}(DomainError, code='…')")
    hints = get_type_hints(error, include_extras=True)
    members: dict[str, Any] = {"__annotations__": {}, "__module__": error.__module__}
    for own in own_fields(error):
        type_, markers = taken_apart(hints[own])
        description = next((one for one in markers if isinstance(one, str)), None)
        if description is None:
            raise TypeError(f"{where}: {own} has no description: Annotated[…, 'What it is.']")
        shown = Money if type_ is Amount else type_
        if without_none(hints[own]) is not hints[own]:
            shown = shown | None
        members["__annotations__"][own] = shown
        members[own] = strawberry.field(description=description)
    made = type(error.__name__, (UserError,), members)
    return strawberry.type(made, description=described_by(error))


def declare_codes(raised: Iterable[type[errors.DomainError]]) -> None:
    """Makes the codes of these errors the values of ErrorCode, for the schema that is built next.
    Raises TypeError for a code of several errors unless just one of them says its summary."""
    by_code: dict[str, list[type[errors.DomainError]]] = {}
    for error in dict.fromkeys(raised):
        by_code.setdefault(error.code, []).append(error)
    said: dict[str, str] = {}
    for code, sharing in by_code.items():
        summaries = [error.summary for error in sharing if error.summary is not None]
        if len(summaries) > 1 or (not summaries and len(sharing) > 1):
            names = ", ".join(f"{error.__module__}.{error.__name__}" for error in sharing)
            raise TypeError(f"{names} share the code {code}: one of them says its summary")
        said[code] = summaries[0] if summaries else described_by(sharing[0])
    definition: Any = vars(ErrorCode)["__strawberry_definition__"]
    definition.values = [EnumValue(code, code, description=said[code]) for code in sorted(said)]


_STANDING = tuple(vars(ErrorCode)["__strawberry_definition__"].values)


def declare_more_codes(raised: Iterable[type[errors.DomainError]]) -> None:
    """Adds the codes of these errors to those that stand in core/errors.py."""
    definition: Any = vars(ErrorCode)["__strawberry_definition__"]
    known = ErrorCode.__members__
    more = {error.code: described_by(error) for error in raised if error.code not in known}
    definition.values = [
        *_STANDING,
        *(EnumValue(code, code, description=said) for code, said in more.items()),
    ]


def own_fields(error: type[errors.DomainError]) -> list[str]:
    """The fields of an error beside its message and path."""
    common = {one.name for one in fields(errors.DomainError)}
    return [one.name for one in fields(error) if one.name not in common]


def described_by(error: type[errors.DomainError]) -> str:
    """What clients read of an error: its docstring."""
    return " ".join((error.__doc__ or "").split())


def answer_of(error: errors.DomainError) -> Any:
    """The GraphQL object of a typed error."""
    kind = type(error)
    if kind in _types:
        return _types[kind].shown(error)
    names = ["code", "message", "path", *own_fields(kind)]
    return error_type(kind)(**{name: _shaped(getattr(error, name)) for name in names})


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

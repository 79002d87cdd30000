"""Money: integer minor units and an ISO 4217 code. Never a float, never a conversion."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal as Exact
from decimal import InvalidOperation
from functools import cache
from typing import NewType

from babel import Locale
from babel.core import UnknownLocaleError, get_global
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies

from core.errors import InvalidInput

# 10^15 minor units: far above any price, and sums of them stay far inside a 64-bit column.
MAX_MINOR = 10**15


# So long an amount may be written; no price needs more.
_LONGEST = 40
# RFC 5646, 4.4.1: a tag that is longer need not be understood.
_LONGEST_LOCALE = 35

# The locale data says how many digits people use, which for these differs from ISO 4217.
_ISO_DIGITS = {"IQD": 3} | dict.fromkeys(
    ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2
)


Decimal = NewType("Decimal", str)
"""An exact amount as clients send and see it: a decimal string."""
CurrencyCode = NewType("CurrencyCode", str)
"""The three letters of a currency (ISO 4217)."""


@cache
def _tender() -> frozenset[str]:
    territories = get_global("territory_currencies")
    return frozenset(code for place in territories for code in get_territory_currencies(place))


def is_currency(code: str) -> bool:
    """True for the ISO 4217 code of a currency that is legal tender somewhere today."""
    return code in _tender()


@cache
def currency_digits(currency: str) -> int:
    """How many decimal digits the currency has: USD 2, JPY 0, KWD 3 (ISO 4217)."""
    return _ISO_DIGITS.get(currency, get_currency_precision(currency))


def decimal_of(amount_minor: int, currency: str) -> str:
    """Minor units of a currency as a decimal string with the currency's digits, `116.50`."""
    digits = currency_digits(currency)
    if not digits:
        return str(amount_minor)
    text = str(amount_minor)
    if len(text) <= digits or amount_minor < 0:
        text = str(abs(amount_minor)).rjust(digits + 1, "0")
        if amount_minor < 0:
            text = f"-{text}"
    return f"{text[:-digits]}.{text[-digits:]}"


@cache
def _form(currency: str) -> tuple[int, str]:
    """How many minor units make one, and how both are written."""
    digits = currency_digits(currency)
    # Without digits the part behind the point is always zero, and is written in no characters.
    return 10**digits, f"%d.%0{digits}d" if digits else "%d%.0s"


def decimals_of(amounts: Iterable[tuple[int, str]]) -> list[str]:
    """Many amounts of minor units and a currency as `decimal_of` writes them, in less time."""
    return [
        decimal_of(minor, currency)
        if minor < 0
        else (form := _form(currency))[1] % divmod(minor, form[0])
        for minor, currency in amounts
    ]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency: `Money(11650, "USD")` is 116.50 dollars."""

    amount_minor: int
    currency: str

    @property
    def decimal(self) -> str:
        """The amount as a decimal string with the currency's digits, `116.50`."""
        return decimal_of(self.amount_minor, self.currency)

    def formatted(self, locale: str | None = None) -> str:
        """The amount for people of a locale (BCP 47, `en-US` when none is given or known)."""
        try:
            chosen = Locale.parse((locale or "en-US")[:_LONGEST_LOCALE], sep="-")
        except (UnknownLocaleError, ValueError):
            chosen = Locale("en", "US")
        return format_currency(Exact(self.decimal), self.currency, locale=chosen)

    def __str__(self) -> str:
        return self.formatted()


def parse_amount(amount: str, currency: str, path: list[str]) -> Money:
    """Money from a decimal string. Raises InvalidInput naming `path` when the text is no plain
    decimal, has more digits than the currency, or is out of range; zero and negative amounts are
    the caller's to judge (spec/01-api-conventions.md#money-time-text)."""
    try:
        value = Exact(amount)
    except InvalidOperation:
        raise InvalidInput(f"{amount[:40]!r} is not a decimal number.", path=path) from None
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
        raise InvalidInput("The amount must be a plain decimal number.", path=path)
    digits = currency_digits(currency)
    # Exact whatever the length: decimal arithmetic would round behind 28 digits.
    sign, figures, exponent = value.as_tuple()
    shift = int(exponent) + digits
    whole = int("".join(map(str, figures)))
    minor, rest = (whole * 10**shift, 0) if shift >= 0 else divmod(whole, 10**-shift)
    if rest:
        raise InvalidInput(
            f"{currency} has {digits} decimal digits; the amount has more.", path=path
        )
    if minor > MAX_MINOR:
        raise InvalidInput("The amount is too large.", path=path)
    return Money(-minor if sign else minor, currency)


def minor(amount: Money | None) -> int | None:
    """The minor units of an amount; None for none."""
    return None if amount is None else amount.amount_minor

"""The scalars: Decimal, DateTime, Date, CurrencyCode. Each refuses what is not exact."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson
import strawberry

from core.errors import BadUserInput
from core.money import CurrencyCode as CurrencyCode
from core.money import Decimal as Decimal
from core.money import is_currency

DateTime = datetime

_LAST_YEAR = 9998
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Python would also take "1_000", "NaN", "1e9" and digits of other scripts.
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


def _decimal(value: Any) -> str:
    if not isinstance(value, str):
        raise BadUserInput('A Decimal is a string, such as "116.50": numbers lose digits.')
    if not _PLAIN_DECIMAL.fullmatch(value):
        raise BadUserInput('A Decimal is a plain decimal string, such as "116.50".')
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not is_currency(value):
        raise BadUserInput('A CurrencyCode is one of ISO 4217, such as "USD".')
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise BadUserInput("A DateTime is RFC 3339, such as 2026-11-22T08:00:00Z, with its offset.")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadUserInput("There is no such moment.") from None
    if moment.year > _LAST_YEAR:
        # The driver takes the last of all moments for infinity.
        raise BadUserInput(f"A DateTime lies before the year {_LAST_YEAR + 1}.")
    return moment


def _date(value: Any) -> date:
    if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
        raise BadUserInput("A Date is year, month and day, such as 1912-09-06.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadUserInput("There is no such day.") from None


_ONLY_UTC = {UTC}


def _show_moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def show_moments(values: Sequence[datetime]) -> list[str]:
    """Many moments as the scalar DateTime gives them out."""
    if {value.tzinfo for value in values} != _ONLY_UTC:
        return list(map(_show_moment, values))
    # The same text in a sixth of the time: a page shows dozens.
    shown: list[str] = orjson.loads(orjson.dumps(values, option=orjson.OPT_UTC_Z))
    return shown


SCALARS: dict[object, Any] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A decimal number as a string, exact: `116.50`.",
        serialize=str,
        parse_value=_decimal,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="The three letters of a currency (ISO 4217): `USD`.",
        serialize=str,
        parse_value=_currency,
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment with its offset from UTC (RFC 3339): `2026-11-22T08:00:00Z`.",
        serialize=_show_moment,
        parse_value=_moment,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day of the calendar (RFC 3339): `1912-09-06`.",
        serialize=date.isoformat,
        parse_value=_date,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    ),
}

"""The fields of a profile: what a user name, a language, a country, a picture's address is. Reads
and writes nothing."""

import re
from functools import cache
from typing import Annotated, Final
from urllib.parse import urlsplit

from babel import Locale
from babel.core import UnknownLocaleError, parse_locale
from pydantic import AfterValidator, Field

from core.commands import Command, Text, Trimmed

_USERNAME = re.compile(r"[a-z0-9_.]{3,30}")
_AT_HOME = {"localhost", "127.0.0.1", "::1"}
_TWO_LETTERS = re.compile(r"[A-Z]{2}")
# The locale data knows these besides the countries: unions, currencies' areas, parts of countries,
# codes for tests and for what is unknown.
_NO_COUNTRIES: Final = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ")
)


@cache
def countries() -> frozenset[str]:
    """The two-letter codes of all countries (ISO 3166-1 alpha-2)."""
    known = map(str, Locale("en").territories)
    return frozenset(filter(_TWO_LETTERS.fullmatch, known)) - _NO_COUNTRIES


def country_of(value: str) -> str:
    """The code of a country in capital letters. Raises ValueError for what is none."""
    code = value.upper()
    if code not in countries():
        raise ValueError("must be the two letters of a country (ISO 3166-1)")
    return code


def _country(value: str | None) -> str | None:
    return None if value is None else country_of(value)


def _language(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        Locale.parse(value, sep="-")
        language, territory, script, variant = parse_locale(value, sep="-")[:4]
    except (UnknownLocaleError, ValueError):
        raise ValueError("must be a language tag such as en or de-AT (BCP 47)") from None
    parts = (language, script, territory, variant.lower() if variant else None)
    return "-".join(part for part in parts if part)


def _username(value: str | None) -> str | None:
    if value is None:
        return None
    name = value.lower()
    if not _USERNAME.fullmatch(name):
        raise ValueError("must be 3 to 30 of a-z, 0-9, _ and .")
    return name


def _picture(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address of the web") from None
    plain = parts.scheme == "http" and host in _AT_HOME
    if not host or not (parts.scheme == "https" or plain):
        raise ValueError("must start with https://")
    if parts.username is not None or re.search(r"""[\s"'<>\\]""", value):
        raise ValueError("is not an address of the web")
    return value


Name = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
Gender = Annotated[Annotated[str, Field(max_length=30)] | None, Trimmed]
City = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
Bio = Annotated[Annotated[str, Field(max_length=2_000)] | None, Trimmed]
Username = Annotated[
    Annotated[str, Field(max_length=30)] | None, Trimmed, AfterValidator(_username)
]
Language = Annotated[
    Annotated[str, Field(max_length=35)] | None, Trimmed, AfterValidator(_language)
]
Country = Annotated[Annotated[str, Field(max_length=2)] | None, Trimmed, AfterValidator(_country)]
Picture = Annotated[Annotated[str, Field(max_length=500)] | None, Trimmed, AfterValidator(_picture)]
Line = Annotated[Annotated[str, Field(max_length=200)] | None, Trimmed]
PostalCode = Annotated[Annotated[str, Field(max_length=20)] | None, Trimmed]
# Why an admin does what they do: it stands in the audit log (spec/10-admin-compliance.md).
Reason = Annotated[Text, Field(min_length=1, max_length=1_000)]
OptionalReason = Annotated[Annotated[str, Field(max_length=1_000)] | None, Trimmed]


class PostalAddress(Command):
    """A postal address; what is left out is empty."""

    line1: Line = None
    line2: Line = None
    city: City = None
    region: City = None
    postal_code: PostalCode = None
    country: Country = None

    def stored(self) -> dict[str, str | None] | None:
        """As the table holds it; None when all of it is empty."""
        values: dict[str, str | None] = self.model_dump()
        return values if any(values.values()) else None

"""Money is exact: digits by ISO 4217, no rounding, no float (spec/01-api-conventions.md)."""

from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.money import (
    MAX_MINOR,
    Money,
    currency_digits,
    decimal_of,
    decimals_of,
    is_currency,
    parse_amount,
)


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("RSD", 2), ("IQD", 3), ("CLP", 0)]
)
def test_a_currency_has_the_digits_of_its_standard(currency: str, digits: int) -> None:
    assert currency_digits(currency) == digits


@pytest.mark.parametrize("code", ["DEM", "XXX", "XTS", "usd", "US", "", "EURO"])
def test_what_nobody_pays_with_is_no_currency(code: str) -> None:
    assert not is_currency(code)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("116.50", "USD", 11650),
        ("116.5", "USD", 11650),
        ("116", "USD", 11600),
        ("-0.01", "USD", -1),
        ("7.000", "USD", 700),
        ("100", "JPY", 100),
        ("1.234", "KWD", 1234),
        ("0.000000000000000000000000000000", "USD", 0),
    ],
)
def test_a_decimal_string_becomes_minor_units(amount: str, currency: str, minor: int) -> None:
    assert parse_amount(amount, currency, ["amount"]) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "USD"),
        ("60.0000000000000000000000000000000001", "USD"),
        ("0.5", "JPY"),
        ("10000000000000.01", "USD"),
        ("NaN", "USD"),
        ("1e999999", "USD"),
        ("1e-999999", "USD"),
        ("ten", "USD"),
    ],
)
def test_what_is_not_exact_or_too_large_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_amount(amount, currency, ["input", "amount"])
    assert refused.value.path == ["input", "amount"]


def test_an_amount_is_shown_with_all_its_digits() -> None:
    assert Money(5, "USD").decimal == "0.05"
    assert Money(-1234, "KWD").decimal == "-1.234"
    assert Money(100, "JPY").decimal == "100"


@given(
    st.lists(st.tuples(st.integers(-MAX_MINOR, MAX_MINOR), st.sampled_from(("USD", "JPY", "KWD"))))
)
def test_many_amounts_are_shown_as_each_by_itself(amounts: list[tuple[int, str]]) -> None:
    assert decimals_of(amounts) == [decimal_of(minor, currency) for minor, currency in amounts]


def test_of_a_locale_no_more_is_read_than_a_tag_has(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    parse = Locale.parse

    def noted(tag: str | Locale, *more: Any, **named: Any) -> Locale:
        read.append(str(tag))
        return parse(tag, *more, **named)

    monkeypatch.setattr(Locale, "parse", noted)
    amount = Money(123_456, "USD")
    assert amount.formatted("-" * 100_000) == amount.formatted("en-US")
    assert max(map(len, read)) <= 35

"""The configuration refuses what is not safe (README.md, configuration)."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.settings import Environment, Settings

SAFE: dict[str, Any] = {
    "env": Environment.PRODUCTION,
    "secret": "x" * 32,
    "admin_password": "a long enough password",
    "public_url": "https://souk.example",
}


def test_production_starts_with_everything_set() -> None:
    assert Settings(**SAFE).production


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"secret": "development-only-secret-not-for-production"}, "SOUK_SECRET"),
        ({"secret": "short"}, "SOUK_SECRET"),
        ({"admin_password": None}, "SOUK_ADMIN_PASSWORD"),
        ({"public_url": None}, "SOUK_PUBLIC_URL"),
        ({"public_url": "http://souk.example"}, "SOUK_PUBLIC_URL"),
        ({"demo": True}, "SOUK_DEMO"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_it(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings(**{**SAFE, **change})


def test_a_public_address_needs_an_explicit_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104  the address under test; nothing listens
    monkeypatch.delenv("SOUK_ENV", raising=False)
    with pytest.raises(ValidationError, match="SOUK_ENV"):
        Settings()
    monkeypatch.setenv("SOUK_ENV", "development")
    assert Settings().development


def test_demo_data_goes_into_the_embedded_database_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert Settings().loads_demo
    assert not Settings(database_url="postgresql://somewhere/souk").loads_demo
    assert Settings(database_url="postgresql://somewhere/souk", demo=True).loads_demo

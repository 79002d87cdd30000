"""What Souk writes to people outside the API, in their language: mails, short messages, the pages
of links. One catalogue file a language; what it lacks is said in English. Decides nothing."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.core import UnknownLocaleError, negotiate_locale

FALLBACK: Final = "en"
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. `tag` is its BCP 47 tag, `direction` `ltr` or `rtl`."""

    tag: str
    direction: str
    _texts: Mapping[str, str]

    def say(self, key: str, **values: Any) -> str:
        """The text of a key such as `mail.VERIFY_EMAIL.subject`, with values in place of `{name}`.
        Raises KeyError for a key or value that does not exist."""
        return self._texts[key].format_map(values)

    def has(self, key: str) -> bool:
        """True when there is such a text, in this language or in English."""
        return key in self._texts


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value).strip()


@cache
def catalogue(tag: str) -> dict[str, str]:
    """The texts that the file of a language has itself, by key."""
    return dict(_flat(tomllib.loads((_FOLDER / f"{tag}.toml").read_text(encoding="utf-8"))))


@cache
def languages() -> list[str]:
    """The tags of the languages that there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@cache
def _words(tag: str) -> Words:
    direction = Locale.parse(tag, sep="-").text_direction
    return Words(tag, direction, {**catalogue(FALLBACK), **catalogue(tag)})


def words_in(*wanted: str | None) -> Words:
    """The words of the first of these BCP 47 tags that there are words for, also when only the
    language is the same (de-AT is answered in de); English otherwise."""
    for tag in wanted:
        if not tag:
            continue
        try:
            found = negotiate_locale([tag], languages(), sep="-", aliases={})
        except (UnknownLocaleError, ValueError):
            continue
        if found is not None:
            return _words(next(known for known in languages() if known.lower() == found.lower()))
    return _words(FALLBACK)


def accepted(header: str | None) -> list[str]:
    """The tags of an `Accept-Language` header, most wanted first (RFC 9110, 12.5.4); what is
    malformed is passed over."""
    weighed: list[tuple[float, str]] = []
    for part in (header or "")[:500].split(","):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if tag and tag != "*" and 0 < quality <= 1:
            weighed.append((-quality, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda found: found[0])]

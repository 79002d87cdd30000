"""What Souk writes to people: the same in every language, found by the tag of a language."""

import string

import pytest

from resolvers.identity.mails import Mail, ShortMessage
from resolvers.identity.words import accepted, catalogue, languages, words_in


def test_all_languages_have_all_texts_with_the_same_values() -> None:
    def values(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = catalogue("en")
    assert set(languages()) >= {"en", "de", "fr", "es", "tr"}
    for tag in languages():
        own = catalogue(tag)
        assert own.keys() == english.keys(), tag
        for key, text in own.items():
            assert text, (tag, key)
            assert values(text) == values(english[key]), (tag, key)
            assert tag == "en" or text != english[key], (tag, key)
    for kind in set(Mail) - {Mail.NONE}:
        for name in ("subject", "text", "after"):
            assert f"mail.{kind}.{name}" in english
    assert {f"sms.{kind}" for kind in set(ShortMessage) - {ShortMessage.NONE}} <= english.keys()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["de-AT"], "de"),
        (["DE"], "de"),
        (["fr-CA-x-private"], "fr"),
        (["zh-Hant-TW"], "en"),
        (["xx", "es"], "es"),
        ([None, "", "tr"], "tr"),
        (["../../etc/passwd", "de\n"], "en"),
        ([], "en"),
    ],
)
def test_words_are_found_by_language_tag(wanted: list[str | None], found: str) -> None:
    assert words_in(*wanted).tag == found


def test_the_browsers_wishes_are_read_by_their_weight() -> None:
    assert accepted("fr;q=0.3, de-AT, en;q=0.8, *;q=0.1, es;q=0") == ["de-AT", "en", "fr"]
    assert accepted("de;q=x, ;;,, tr ;q=0.5") == ["tr"]
    assert accepted(None) == []

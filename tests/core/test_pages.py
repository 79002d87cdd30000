"""Cursors: what they hold, and that a long one is not even looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import pages
from core.errors import BadUserInput
from core.pages import decode_cursor, encode_cursor

KEYS = st.one_of(st.integers(-(2**40), 2**40), st.text(max_size=200), st.uuids(), st.datetimes())


@given(st.lists(KEYS, min_size=1, max_size=3).map(tuple))
def test_a_cursor_gives_its_key_back(key: tuple[object, ...]) -> None:
    assert decode_cursor("newest", encode_cursor("newest", key), "after") == key


def test_a_cursor_that_is_longer_than_any_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "base64", None)
    with pytest.raises(BadUserInput, match="after: not a cursor"):
        decode_cursor("newest", "A" * 4_097, "after")

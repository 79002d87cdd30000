"""Pages of a list: keyset cursors over a unique sort key (Relay connections). Builds no SQL."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson

from core.errors import BadUserInput

DEFAULT_PAGE = 20
MAX_PAGE = 100

PLACES: Final = "places"
"""Stands among the columns that a read of a page is asked for when cursors are shown, or whether
the list goes on. Otherwise the page is read without the row too many, and its `has_next` and
`has_previous` do not tell."""

_LONGEST_CURSOR: Final = 4_096

Key = tuple[Any, ...]
RowT = TypeVar("RowT")
FilterT = TypeVar("FilterT")
SortT = TypeVar("SortT")

_DECODERS: dict[str, Callable[[Any], Any]] = {
    "i": int,
    "s": str,
    "u": UUID,
    "t": datetime.fromisoformat,
}


def _tagged(value: Any) -> list[Any]:
    if isinstance(value, bool) or not isinstance(value, int | str | UUID | datetime):
        raise TypeError(f"a {type(value).__name__} cannot be part of a cursor")
    if isinstance(value, int):
        return ["i", value]
    if isinstance(value, UUID):
        return ["u", str(value)]
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    return ["s", value]


def encode_cursor(order: str, key: Key) -> str:
    """An opaque cursor: the sort order it belongs to and the sort key of its row."""
    content = orjson.dumps([order, *[_tagged(value) for value in key]])
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_cursor(order: str, cursor: str, argument: str) -> Key:
    """The sort key of a cursor. Raises BadUserInput when it is malformed or belongs to another
    order (spec/01-api-conventions.md#lists)."""
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise ValueError("none of ours is so long")
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        key = tuple(_DECODERS[tag](value) for tag, value in values)
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise BadUserInput(
            f"{argument}: not a cursor. Use endCursor or startCursor of a page.", argument
        ) from None
    if found != order:
        raise BadUserInput(
            f"{argument}: this cursor belongs to another sort order. Start the list anew.", argument
        )
    return key


class PageRequest(NamedTuple):
    """Which part of a list is wanted: `limit` rows after or before a key, from the end when
    `backwards`. Hashable, so that sibling fields with the same page share one statement."""

    limit: int = DEFAULT_PAGE
    after: str | None = None
    before: str | None = None
    backwards: bool = False

    def after_key(self, order: str) -> Key | None:
        """The key that the page starts behind, None at the beginning."""
        return None if self.after is None else decode_cursor(order, self.after, "after")

    def before_key(self, order: str) -> Key | None:
        """The key that the page ends before, None at the end."""
        return None if self.before is None else decode_cursor(order, self.before, "before")


@dataclass(frozen=True, slots=True)
class ListRequest(Generic[FilterT, SortT]):
    """What a list is asked for: which page of what the filter leaves, in which order, and with
    which columns (core/database.Columns)."""

    page: PageRequest
    filter: FilterT
    sort: SortT
    columns: frozenset[str] | None = None


def page_request(
    first: int | None, after: str | None, last: int | None = None, before: str | None = None
) -> PageRequest:
    """The page that the four Relay arguments ask for: 20 rows by default, at most 100. Raises
    BadUserInput for a size out of range or for `first` with `last`."""
    if first is not None and last is not None:
        raise BadUserInput("first and last exclude each other.", "last")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_PAGE:
            raise BadUserInput(f"{name}: must be between 0 and {MAX_PAGE}.", name)
    backwards = last is not None or (first is None and before is not None and after is None)
    size = last if last is not None else first
    return PageRequest(DEFAULT_PAGE if size is None else size, after, before, backwards)


class Page(NamedTuple, Generic[RowT]):
    """One page: rows in list order, and whether more lie on either side. The cursor of a row is
    made when it is asked for: of its sort key, which `key_of` gives."""

    rows: Sequence[RowT]
    has_next: bool
    has_previous: bool
    order: str
    key_of: Callable[[RowT], Key]

    @property
    def cursors(self) -> list[str]:
        """The cursor of each row."""
        return [encode_cursor(self.order, self.key_of(row)) for row in self.rows]

    def cursor(self, index: int) -> str | None:
        """The cursor of one row; None when the page is empty."""
        return encode_cursor(self.order, self.key_of(self.rows[index])) if self.rows else None


def page_of(
    found: Sequence[RowT], request: PageRequest, order: str, key_of: Callable[[RowT], Key]
) -> Page[RowT]:
    """The page from up to `limit + 1` rows as the statement gave them (reversed when backwards);
    `key_of` gives a row's sort key. The row too many tells that the list goes on."""
    limit, after, before, backwards = request
    more = len(found) > limit
    rows = found[:limit] if more else found
    if backwards:
        rows = rows[::-1]
    # A bound on the far side leaves out rows as well as the one that the page started from.
    has_next = before is not None or (more and not backwards)
    has_previous = after is not None or (more and backwards)
    return Page(rows, has_next, has_previous, order, key_of)

"""How long the answer to an anonymous query may be kept by caches: said on the field, and asked of
it by serving/cache_hints.py. A field that says nothing makes the whole answer private to its
request, so a new field is not public until somebody says so. None of them may depend on the viewer
(docs/decisions/0014-public-answers.md)."""

from typing import Any, Final

KEPT: Final = "kept"

STILL: Final = 60
"""Seconds for what seldom changes: categories."""
SHELF: Final = 5
"""Seconds for what its owner changes now and then: titles, pictures, names."""
LIVE: Final = 0
"""Prices and what else a bid changes: kept by nobody without asking us first, so that nobody is
shown a price that a subscription has already announced otherwise."""
AS_ITS_PARENT: Final = 1 << 30
"""For the parts of a value, such as an amount's currency: as public as what they are part of."""


def kept_for(seconds: int | None) -> dict[str, Any]:
    """Metadata of a field whose answer may be kept so long; none for one that may not."""
    return {} if seconds is None else {KEPT: seconds}

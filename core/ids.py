"""Ids: version 7 UUIDs in the database, `<prefix>_<ULID>` outside. Knows no entity by name."""

import secrets
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from core.errors import BadUserInput

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# Two characters at a time: a page shows hundreds of ids. A table of three would need fewer look-ups
# and more memory than a processor keeps at hand: slower for any but the same few ids.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LOW_10, _LOW_30 = (1 << 10) - 1, (1 << 30) - 1
_ULID_LENGTH = 26


def new_id() -> UUID:
    """A fresh UUID of version 7: unique, and later ones sort later (RFC 9562)."""
    return uuid7()


def id_at(moment: datetime) -> UUID:
    """An id as `new_id` would have given it at that moment, for what is imported with times in the
    past: lists by newness are lists by id."""
    milliseconds = int(moment.timestamp() * 1000)
    high = milliseconds << 16 | 0x7000 | secrets.randbits(12)
    return UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(62))


def encode_id(prefix: str, value: UUID) -> str:
    """The public form of a stored id, `prd_01HWJ8WH9X8WBK65EMGY9YKPBS`
    (spec/01-api-conventions.md#ids)."""
    number = value.int
    # Parts of 30 bits: as large as Python's integers are fast.
    a, b = number >> 90 & _LOW_30, number >> 60 & _LOW_30
    c, d = number >> 30 & _LOW_30, number & _LOW_30
    return (
        f"{prefix}_{_PAIRS[number >> 120]}"
        f"{_PAIRS[a >> 20]}{_PAIRS[a >> 10 & _LOW_10]}{_PAIRS[a & _LOW_10]}"
        f"{_PAIRS[b >> 20]}{_PAIRS[b >> 10 & _LOW_10]}{_PAIRS[b & _LOW_10]}"
        f"{_PAIRS[c >> 20]}{_PAIRS[c >> 10 & _LOW_10]}{_PAIRS[c & _LOW_10]}"
        f"{_PAIRS[d >> 20]}{_PAIRS[d >> 10 & _LOW_10]}{_PAIRS[d & _LOW_10]}"
    )


def split_id(text: str) -> tuple[str, UUID] | None:
    """The prefix and the stored id of a public id, or None when it is malformed."""
    prefix, separator, ulid = text.partition("_")
    if not separator or len(ulid) != _ULID_LENGTH or ulid[0] > "7":
        return None
    number = 0
    for character in ulid:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number << 5 | value
    return prefix, UUID(int=number)


def decode_id(prefix: str, text: str, argument: str) -> UUID:
    """The stored id behind a public one. Raises BadUserInput naming `argument` when it is
    malformed or of another type (spec/01-api-conventions.md#ids)."""
    parts = split_id(text)
    if parts is None:
        raise BadUserInput(f"{argument}: not an id. Use the id field of an object.", argument)
    if parts[0] != prefix:
        raise BadUserInput(
            f"{argument}: an id that starts with {prefix}_ is needed, not {parts[0][:8]}_.",
            argument,
        )
    return parts[1]


def decode_optional(prefix: str, text: str | None, argument: str) -> UUID | None:
    """The stored id behind a public one, None for none. Raises BadUserInput."""
    return None if text is None else decode_id(prefix, text, argument)

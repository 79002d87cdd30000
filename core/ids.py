"""Ids: version 7 UUIDs in the database, `<prefix>_<ULID>` outside. Knows no entity by name."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from uuid_utils.compat import uuid7

from core.errors import BadUserInput

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# Two characters at a time. A table of three would need fewer look-ups and more memory than a
# processor keeps at hand: slower for any but the same few ids.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LOW_10, _LOW_30 = (1 << 10) - 1, (1 << 30) - 1
_ULID_LENGTH = 26

# Many ids at once lie in one large integer, 32 bytes for each, of which the last 26 become the
# characters. Each step takes the upper half of the bits of a part and moves it as far to the left
# as gives both halves room for the next one, until every byte holds five.
_ROOM = 32
_GAP = bytes(_ROOM - 16)
_AT_ONCE = 64
_STEPS = ((80, 48), (40, 24), (20, 12), (10, 6), (5, 3))
_CHARACTERS = _ALPHABET.encode() + bytes(256 - len(_ALPHABET))


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


@cache
def _spreading(count: int) -> tuple[tuple[int, int], ...]:
    """For so many ids: the bits that each step moves, and how far."""
    return tuple(
        (sum((1 << bits) - 1 << at for at in range(bits, 8 * _ROOM * count, 2 * (bits + far))), far)
        for bits, far in _STEPS
    )


def encode_ids(prefix: str, values: Sequence[bytes]) -> list[str]:
    """The public forms of many stored ids of 16 bytes each, as `encode_id` gives them. Twenty take
    less than half of its time, a single one twice as long."""
    head = f"{prefix}_"
    encoded: list[str] = []
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        spread = int.from_bytes(_GAP.join(part))
        for moved, far in _spreading(len(part)):
            upper = spread & moved
            spread = spread ^ upper | upper << far
        text = spread.to_bytes(_ROOM * len(part)).translate(_CHARACTERS).decode()
        encoded += [
            head + text[at : at + _ULID_LENGTH]
            for at in range(_ROOM - _ULID_LENGTH, len(text), _ROOM)
        ]
    return encoded


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

"""Searching texts for a part of them. Must not know a table."""

from typing import Any

from sqlalchemy import String, bindparam


def part_of(column: Any, name: str) -> Any:
    """True where the column holds the text of the value `name`, whatever its case; the value is
    that of `part`."""
    return column.ilike(bindparam(name, type_=String), escape="/")


def part(text: str) -> str:
    """The pattern of a text that is looked for anywhere."""
    for special in "/%_":
        text = text.replace(special, f"/{special}")
    return f"%{text}%"

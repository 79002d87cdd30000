"""What clients send, typed: commands, which use cases take, and filters of lists. One that exists
is well formed. Must not know GraphQL."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from core.errors import BadUserInput, InvalidInput

# Line feeds and tabs are text; other control characters, and those that turn the direction of what
# follows, would forge log lines and names.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_FORGING = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _absent_if_blank(value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip().replace("\r\n", "\n")
        if _UNWANTED.search(value):
            raise ValueError("must not contain control characters")
        return value or None
    return value


# Text is trimmed; what is empty after that counts as absent (spec/01-api-conventions.md). Optional
# text is `Annotated[Annotated[str, Field(max_length=…)] | None, Trimmed]`, so that blank is none.
Trimmed = BeforeValidator(_absent_if_blank)
Text = Annotated[str, Trimmed]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def one_line(text: str) -> str:
    """A name that somebody else's software gave, in one line and without the characters that could
    forge what stands around it."""
    return " ".join(_FORGING.sub(" ", text).split())


def wish(text: str | None, argument: str) -> str | None:
    """A text that a list is searched for, trimmed; None when blank. Raises BadUserInput naming the
    argument when it is longer than 100 characters or no text at all."""
    try:
        found: str | None = _absent_if_blank(text)
    except ValueError as error:
        raise BadUserInput(f"{argument} {error}.", argument) from None
    if found is not None and len(found) > _LONGEST_WISH:
        raise BadUserInput(f"{argument}: at most {_LONGEST_WISH} characters.", argument)
    return found


_LONGEST_WISH = 100
_SAY = {
    "string_type": "is required",
    "missing": "is required",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
    "string_pattern_mismatch": "has characters that are not allowed",
}


class IdOf(NamedTuple):
    """Marks a UUID as the id of an entity: clients send it with this prefix
    (spec/01-api-conventions.md#ids)."""

    prefix: str


class ReadBy(NamedTuple):
    """Marks a value that `read` makes of what clients sent, given the argument's path, before it is
    validated; it raises BadUserInput or InvalidInput."""

    read: Callable[[Any, str], Any]


class Marker(Enum):
    """How a field is sent, where it is not as its annotation says."""

    NULL_IS_DEFAULT = "null means the default"
    NULLABLE = "null can be sent, and is refused with words that say what is needed"
    OMITTABLE = "left out, it stays as it is; null is a value"
    ANY_ID = "the id of anything, taken as it is"
    ARGUMENT = "stands beside the filter of a list, as an argument of its own"


class Input(BaseModel):
    """Base of everything that is read from what clients send: immutable, without unknown fields.

    Every field is declared once: its description is the string among its annotations, ids are
    marked with `IdOf`. graph/inputs.py derives the GraphQL input from it; the class's docstring is
    the input's description."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def at(cls, path: Sequence[str], values: Mapping[str, Any]) -> Self:
        """The input of these values, found at `path`. Raises what `refusal` makes, naming the first
        field at fault and what it must be."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            # What stands behind the name are pydantic's words for the branch of a union.
            name = _camel(str(first["loc"][0])) if first["loc"] else ""
            kind = first["type"]
            if kind == "too_long" and isinstance(first["input"], str):
                kind = "string_too_long"
            template = _SAY.get(kind, "is not valid")
            text = template.format(**first.get("ctx", {}))
            raise cls.refusal([*path, name], text) from None

    @classmethod
    def refusal(cls, path: list[str], text: str) -> Exception:
        """The error for a value that cannot be taken: BadUserInput naming the argument."""
        argument = ".".join(path)
        return BadUserInput(f"{argument} {text}.", argument)


class Command(Input):
    """Base of all commands: what a use case takes. Text is trimmed where it is `Text`."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The command of these values, as if they were the input of a mutation. Raises
        InvalidInput."""
        return cls.at(("input",), values)

    @classmethod
    def refusal(cls, path: list[str], text: str) -> Exception:
        """InvalidInput with the path of the field."""
        return InvalidInput(f"{'.'.join(path[1:])} {text}.", path=path)


class Changes(Command):
    """Base of commands that change something: a field that is left out stays as it is, and
    `model_fields_set` tells which were named."""


class Filter(Input):
    """Base of what lists are narrowed by: all conditions hold together, None means any. Hashable,
    so that a statement is built once for each set of conditions."""

    def asked(self) -> dict[str, Any]:
        """The conditions that are asked for."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in values if value not in (None, ())}


SearchText = Annotated[str | None, ReadBy(wish)]
"""A text that a list is searched for."""

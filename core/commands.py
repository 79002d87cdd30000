"""Typed commands: what a use case takes. A command that exists is well formed."""

import re
from typing import Annotated, Any, Self

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


class Command(BaseModel):
    """Base of all commands: immutable, no unknown fields, text trimmed where it is `Text`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The command from the values of an input. Raises InvalidInput that names the first field
        in fault and says what it must be."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            # What stands behind the name are pydantic's words for the branch of a union.
            path = ["input", _camel(str(first["loc"][0]))]
            kind = first["type"]
            if kind == "too_long" and isinstance(first["input"], str):
                kind = "string_too_long"
            template = _SAY.get(kind, "is not valid")
            text = template.format(**first.get("ctx", {}))
            raise InvalidInput(f"{path[-1]} {text}.", path=path) from None

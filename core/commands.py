"""Typed commands: what a use case takes. A command that exists is well formed."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from core.errors import InvalidInput


def _absent_if_blank(value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip()
        if "\x00" in value:
            raise ValueError("must not contain a null character")
        return value or None
    return value


# Text is trimmed; what is empty after that counts as absent (spec/01-api-conventions.md). Optional
# text is `Annotated[Annotated[str, Field(max_length=…)] | None, Trimmed]`, so that blank is none.
Trimmed = BeforeValidator(_absent_if_blank)
Text = Annotated[str, Trimmed]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


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
            template = _SAY.get(first["type"], "is not valid")
            text = template.format(**first.get("ctx", {}))
            raise InvalidInput(f"{path[-1]} {text}.", path=path) from None

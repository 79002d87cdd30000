"""The GraphQL inputs of commands and filters, derived from their annotations (core/commands.py),
and how the one becomes the other. Knows no input by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from core import money
from core.commands import Changes, Filter, IdOf, Input, Marker, ReadBy
from core.ids import decode_id
from graph.annotations import taken_apart, without_none
from graph.money import MoneyInput

Path: TypeAlias = tuple[str, ...]
Read: TypeAlias = Callable[[Any, Path], Any]
"""Makes the value of a command of what came at a path. Raises BadUserInput or InvalidInput."""


@dataclass(frozen=True)
class Item:
    """One field of an input, or one argument: its names, its GraphQL type, what clients read of it,
    its default (MISSING where it is required), and how its value is read where it is not the value
    that came. With `null_is_default` null counts as left out; `beside` is one that stands beside
    the filter of a list."""

    name: str
    type_: Any
    description: str
    default: Any
    read: Read | None
    null_is_default: bool = False
    beside: bool = False

    @cached_property
    def graphql_name(self) -> str:
        """Its name in the schema."""
        return to_camel_case(self.name.rstrip("_"))


def item_of(
    name: str, annotation: Any, default: Any, where: str, *, omittable: bool = False
) -> Item:
    """The field or argument of an annotation. Raises TypeError, saying `where`, for one without a
    description and for a UUID of which nobody knows the prefix."""
    type_, markers = taken_apart(annotation)
    description = next((one for one in markers if isinstance(one, str)), None)
    if description is None:
        raise TypeError(f"{where}: {name} has no description: Annotated[…, 'What it is.']")
    lenient = Marker.NULL_IS_DEFAULT in markers
    shown, read = _read(type_, markers, f"{where}: {name}")
    optional = without_none(annotation) is not annotation or Marker.NULLABLE in markers
    if optional or lenient:
        shown = shown | None
    if default is not MISSING and optional and (omittable or Marker.OMITTABLE in markers):
        default = UNSET
    beside = Marker.ARGUMENT in markers
    return Item(name, shown, description, default, read, lenient, beside)


def _read(type_: Any, markers: tuple[Any, ...], where: str) -> tuple[Any, Read | None]:
    """The GraphQL type of a bare type, and how its value is read."""
    shown: Any = strawberry.ID if Marker.ANY_ID in markers else None
    read_by = next((one.read for one in markers if isinstance(one, ReadBy)), None)
    if get_origin(type_) in (tuple, list, frozenset):
        of, more = taken_apart(get_args(type_)[0])
        ids = (one for one in markers if isinstance(one, IdOf))
        one, read_one = _read(of, (*more, *ids), where)
        # The values of a set or tuple come as a list, and pydantic makes of it what it has to be.
        shown, read = shown or list[one], _each(read_one)  # type: ignore[valid-type]  # at run time
    elif type_ is UUID:
        id_of = next((one for one in markers if isinstance(one, IdOf)), None)
        if id_of is None:
            raise TypeError(f"{where} is an id: Annotated[UUID, IdOf('prefix'), 'What it is.']")
        shown, read = shown or strawberry.ID, _id(id_of.prefix)
    elif type_ is money.Money:
        shown, read = shown or MoneyInput, _money
    elif isinstance(type_, type) and issubclass(type_, Input):
        shown, read = shown or input_of(type_), reader_of(type_)
    else:
        shown, read = shown or type_, None
    return shown, read if read_by is None else _then(read, read_by)


def _each(read: Read | None) -> Read:
    def read_all(values: Any, path: Path) -> Any:
        return values if read is None else [read(value, path) for value in values]

    return read_all


def _id(prefix: str) -> Read:
    return lambda value, path: decode_id(prefix, value, ".".join(path))


def _money(value: Any, path: Path) -> money.Money:
    return money.parse_amount(value["amount"], value["currency"], [*path, "amount"])


def _then(first: Read | None, read: Callable[[Any, str], Any]) -> Read:
    def both(value: Any, path: Path) -> Any:
        return read(value if first is None else first(value, path), ".".join(path))

    return both


@cache
def items_of(model: type[Input]) -> tuple[Item, ...]:
    """The fields of a command or filter. Raises TypeError for one that is not fully declared."""
    annotations = get_type_hints(model, include_extras=True)
    where = f"{model.__module__}.{model.__name__}"
    omittable = issubclass(model, Changes)
    return tuple(
        item_of(
            name,
            annotations[name],
            MISSING if field.is_required() else field.default,
            where,
            omittable=omittable,
        )
        for name, field in model.model_fields.items()
    )


_KEY = Item(
    "idempotency_key",
    str | None,
    "At most 255 characters, made up by the client. The same key with the same input gets the "
    "first answer and has no second effect.",
    None,
    None,
)


@cache
def input_of(model: type[Input], *, once: bool = False) -> type:
    """The GraphQL input type of a command or filter, named after it: `…Input`, a filter as it is.
    With `once` it takes an idempotency key as well."""
    items = [item for item in items_of(model) if not item.beside]
    if once:
        items.append(_KEY)
    name = model.__name__ if issubclass(model, Filter) else f"{model.__name__}Input"
    # A class's attribute is its field's default as well, so required fields come without one.
    members: dict[str, Any] = {
        item.name: strawberry.field(
            name=item.graphql_name,
            description=item.description,
            **({} if item.default is MISSING else {"default": item.default}),
        )
        for item in items
    }
    members["__annotations__"] = {item.name: item.type_ for item in items}
    members["__module__"] = model.__module__
    described = " ".join((model.__doc__ or "").split())
    return strawberry.input(type(name, (), members), name=name, description=described)


@cache
def reader_of(model: type[Input]) -> Read:
    """How a command or filter is made of the input that came, as graphql-core hands it over. Raises
    BadUserInput or InvalidInput naming the field at fault."""
    items = items_of(model)

    def read_model(came: Any, path: Path) -> Input:
        return model.at(path, values_of(items, came, path))

    return read_model


def values_of(items: Sequence[Item], came: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """The values of fields or arguments by their Python names, of what came at a path by their
    names in the schema. Raises BadUserInput or InvalidInput."""
    values: dict[str, Any] = {}
    for item in items:
        if item.graphql_name not in came:
            continue
        value = came[item.graphql_name]
        if value is None and item.null_is_default:
            continue
        if item.read is not None and value is not None:
            value = item.read(value, (*path, item.graphql_name))
        values[item.name] = value
    return values

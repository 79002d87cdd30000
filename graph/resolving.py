"""How the function of a field is called: as Strawberry calls it, with all that is the same in every
call worked out when the schema is made. Strawberry names and converts each argument anew, which
took longer than all of its execution of a small query. Knows no field of its own."""

from collections.abc import Callable
from dataclasses import MISSING
from inspect import isawaitable
from typing import Any, TypeAlias

import strawberry
from graphql import is_object_type
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from graph.definitions import definition_of

Convert: TypeAlias = Callable[[Any, Any], Any]
"""Makes the Python value of what came, and of the field's info."""


def prepare_resolvers(schema: strawberry.Schema) -> None:
    """Gives the fields of a new schema that are called by a function resolvers that do the same in
    fewer steps. Left as they are: fields with extensions or permissions, and subscriptions."""
    inputs = Inputs(schema)
    for type_ in schema._schema.type_map.values():
        if is_object_type(type_):
            for field in type_.fields.values():
                declared = definition_of(field)
                if declared is not None and _is_simple(declared):
                    field.resolve = _resolver(declared, schema, inputs)


def _is_simple(declared: StrawberryField) -> bool:
    called = declared.base_resolver
    return not (called is None or declared.extensions or declared.is_subscription)


def _resolver(
    declared: StrawberryField, schema: strawberry.Schema, inputs: "Inputs"
) -> Callable[..., Any]:
    called: Any = declared.base_resolver
    function = called.wrapped_func
    of_source = called.self_parameter is not None
    source_names = [p.name for p in (called.parent_parameter, called.root_parameter) if p]
    info_name = called.info_parameter.name if called.info_parameter else None
    info_class = schema.config.info_class
    arguments = {}
    for argument in declared.arguments:
        name = schema.config.name_converter.from_argument(argument)
        arguments[name] = argument.python_name, inputs.converter(argument.type)

    def resolve(source: Any, raw_info: Any, /, **given: Any) -> Any:
        info = info_class(_raw_info=raw_info, _field=declared)
        taken = {} if info_name is None else {info_name: info}
        for name, value in given.items():
            python_name, convert = arguments[name]
            taken[python_name] = value if convert is None else convert(value, info)
        for name in source_names:
            taken[name] = source
        return function(source, **taken) if of_source else function(**taken)

    # Which errors are answers of this field: of a union that has their type.
    handlers = schema.schema_converter._get_field_exception_handlers(declared)
    if not handlers:
        return resolve
    return _answered(resolve, declared, handlers, info_class)


def _answered(
    resolve: Callable[..., Any],
    declared: StrawberryField,
    handlers: tuple[tuple[tuple[type[Exception], ...], Any], ...],
    info_class: Any,
) -> Callable[..., Any]:
    """The resolver that gives the answer which a handler makes of an error."""

    async def answer(source: Any, raw_info: Any, /, **given: Any) -> Any:
        try:
            found = resolve(source, raw_info, **given)
            return await found if isawaitable(found) else found
        except Exception as error:
            for types, handler in handlers:
                if isinstance(error, types):
                    info = info_class(_raw_info=raw_info, _field=declared)
                    handled = handler.handle(error, field=declared, info=info)
                    if isawaitable(handled):
                        handled = await handled
                    if handled is None:
                        raise
                    return handled
            raise

    return answer


class Inputs:
    """The converters of one schema: how the Python values of its inputs are made."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry

    def converter(self, type_: Any) -> Convert | None:
        """What makes the Python value of an input of this Strawberry type; None where that is the
        value that came. What is out of the ordinary goes the way of `convert_argument`."""
        if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
            return self.converter(type_.of_type)
        if self._is_leaf(type_):
            return None
        if isinstance(type_, StrawberryList):
            return self._list(type_.of_type)
        definition = getattr(type_, "__strawberry_definition__", None)
        if isinstance(definition, StrawberryObjectDefinition) and definition.from_input is None:
            return self._object(type_, definition)

        def convert(value: Any, info: Any) -> Any:
            return convert_argument(value, type_, self._scalars, self._config, info)

        return convert

    def _is_leaf(self, type_: Any) -> bool:
        if type_ is GlobalID:
            return False
        definition = getattr(type_, "__strawberry_definition__", None)
        return (
            isinstance(type_, StrawberryEnumDefinition)
            or isinstance(definition, StrawberryEnumDefinition)
            or is_scalar(type_, self._scalars)
        )

    def _list(self, of: Any) -> Convert:
        one = self.converter(of)

        def convert(value: Any, info: Any) -> Any:
            if value is None or value is UNSET:
                return value
            return list(value) if one is None else [one(item, info) for item in value]

        return convert

    def _object(self, class_: Any, definition: Any) -> Convert:
        named = self._config.name_converter.from_field
        # What need not be given and has no default is null (Strawberry's rule).
        absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }
        parts: dict[str, tuple[str, Convert | None]] = {}

        def convert(value: Any, info: Any) -> Any:
            if value is None or value is UNSET:
                return value
            if not parts:
                # At the first call: an input may hold inputs of its own kind.
                found = {}
                for field in definition.fields:
                    kind = field.resolve_type(type_definition=definition)
                    found[named(field)] = field.python_name, self.converter(kind)
                parts.update(found)
            taken = absent.copy()
            for name, (python_name, part) in parts.items():
                if name in value:
                    one = value[name]
                    taken[python_name] = one if part is None else part(one, info)
            return class_(**taken)

        return convert

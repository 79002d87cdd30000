"""How the function of a field is called: as Strawberry calls it, with all that is the same in every
call worked out when the schema is made. Strawberry names and converts each argument anew, which
took longer than all of its execution of a small query. Knows no field of its own."""

from collections.abc import Callable
from typing import Any, TypeAlias

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLField,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_object_type,
    is_union_type,
)
from strawberry.relay import GlobalID
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

Convert: TypeAlias = Callable[[Any, Any], Any]

_DEFINITION = "strawberry-definition"


def prepare_resolvers(schema: strawberry.Schema) -> None:
    """Gives the fields of a new schema that are called by a function resolvers that do the same in
    fewer steps. Left as they are: fields with extensions or permissions, subscriptions, and unions,
    where an error may become an answer."""
    for type_ in schema._schema.type_map.values():
        if is_object_type(type_):
            for field in type_.fields.values():
                declared = field.extensions.get(_DEFINITION)
                if isinstance(declared, StrawberryField) and _is_simple(declared, field):
                    field.resolve = _resolver(declared, field, schema)


def _is_simple(declared: StrawberryField, field: GraphQLField) -> bool:
    called = declared.base_resolver
    return not (
        called is None
        or declared.extensions
        or declared.is_subscription
        or is_union_type(get_named_type(field.type))
    )


def _resolver(
    declared: StrawberryField, field: GraphQLField, schema: strawberry.Schema
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
        convert = _converter(argument, name, field.args[name], schema)
        arguments[name] = argument.python_name, convert

    def resolve(source: Any, raw_info: Any, **given: Any) -> Any:
        info = info_class(_raw_info=raw_info, _field=declared)
        taken = {} if info_name is None else {info_name: info}
        for name, value in given.items():
            python_name, convert = arguments[name]
            taken[python_name] = value if convert is None else convert(value, info)
        for name in source_names:
            taken[name] = source
        return function(source, **taken) if of_source else function(**taken)

    return resolve


def _converter(
    argument: StrawberryArgument, name: str, taken: GraphQLArgument, schema: strawberry.Schema
) -> Convert | None:
    """What makes the Python value of an argument; None where it is the value that came."""
    type_: Any = argument.type
    inner = type_.of_type if type(type_) is StrawberryOptional else type_
    maybe = isinstance(type_, StrawberryMaybe) or isinstance(inner, StrawberryMaybe)
    if is_leaf_type(get_nullable_type(taken.type)) and not maybe and inner is not GlobalID:
        return None
    registry = schema.schema_converter.scalar_registry

    def convert(value: Any, info: Any) -> Any:
        return convert_argument(value, type_, registry, schema.config, info, path=(name,))

    return convert

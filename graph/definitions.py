"""What Strawberry keeps of a field, found behind graphql-core's. The one place that knows where."""

from collections.abc import Mapping
from typing import Any, Final

import strawberry
from graphql import GraphQLNamedType, GraphQLSchema
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.execution import ExecutionContext
from strawberry.types.field import StrawberryField

_DEFINITION: Final = "strawberry-definition"


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema behind Strawberry's."""
    return schema._schema


def definition_of(field: Any) -> StrawberryField | None:
    """Strawberry's definition of a field that graphql-core gives; None for one that is not
    Strawberry's, such as those of the introspection."""
    found = None if field is None else field.extensions.get(_DEFINITION)
    return found if isinstance(found, StrawberryField) else None


def metadata_of(field: Any) -> Mapping[Any, Any]:
    """What was declared of a field beside its type: nothing for one that is not Strawberry's."""
    found = definition_of(field)
    return {} if found is None else found.metadata


def enum_of(type_: GraphQLNamedType) -> StrawberryEnumDefinition | None:
    """Strawberry's definition of an enum; None for any other type."""
    found = type_.extensions.get(_DEFINITION)
    return found if isinstance(found, StrawberryEnumDefinition) else None


def asked_operation(asked: ExecutionContext) -> str | None:
    """The name of the operation that a client asked for, None without one. Strawberry's own
    `operation_name` is that of the first operation then."""
    return asked._provided_operation_name

"""Breadth-first execution of Souk's schema: tells the executor which fields are relations, columns
of a row and plain attributes. Must give the same answers as calling their resolvers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLOutputType, is_non_null_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.enum import StrawberryEnumDefinition

from core.errors import BadUserInput
from core.pages import page_request
from execution import BatchField, BreadthFirstExecutor, ColumnField
from graph.columns import COLUMN, RELATION, Derived, columns_asked
from graph.definitions import definition_of, enum_of
from graph.relations import Relation
from graph.scalars import show_moments

# The name of the resolver that Strawberry gives to a field which is nothing but an attribute: no
# permission, no extension, no error handler.
_PLAIN_RESOLVER = "_get_basic_result"

# Scalars whose values are strings already: graph/scalars.py gives them out as they are.
_STRINGS = frozenset(("Decimal", "CurrencyCode"))
_ONLY_STRINGS, _ONLY_MOMENTS = {str}, {datetime}


@cache
def _batch(declared: Relation) -> BatchField:
    async def load_many(
        context: Any, keys: list[Any], arguments: dict[str, Any], columns: Any
    ) -> list[Any]:
        if declared.paged:
            page = page_request(**{**_NO_PAGE, **arguments})
            keys = [(key, page) for key in keys]
        loaded: list[Any] = await context.load_all(declared.loader, keys, columns)
        return loaded

    return BatchField(declared.key, load_many, columns_asked)


@cache
def _column(declared: Derived) -> ColumnField:
    compute = declared.compute
    return ColumnField(lambda context, sources, _: compute(context, sources))


@cache
def _type_of_class(class_: type) -> str | None:
    # A generic type has one class and many names; Strawberry tells those apart by the field.
    definition = vars(class_).get("__strawberry_definition__")
    if definition is None or definition.is_interface or definition.is_graphql_generic:
        return None
    name: str = definition.name
    return name


_NO_PAGE = {"first": None, "after": None, "last": None, "before": None}


class SoukExecutor(BreadthFirstExecutor, StrawberryGraphQLCoreExecutionContext):
    """The executor of every query, mutation and subscription event (design/performance.md)."""

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        """Notes an error of a field, as long as there are not as many as are told. Where one list
        makes thousands of errors, telling each would take longer than all of the operation."""
        known = len(self.collected_errors.errors)
        most = self.context_value.services.settings.limits.field_errors
        if known < most:
            super().handle_field_error(raw_error, return_type, field_details_list, path)
        elif self.error_propagation and is_non_null_type(return_type):
            if path.prev is None:  # the last that is told: it leaves nothing of the answer
                super().handle_field_error(raw_error, return_type, field_details_list, path)
            raise raw_error.with_traceback(None)
        elif known == most:
            more = BadUserInput(f"More fields failed: at most {most} errors are told.")
            super().handle_field_error(more, return_type, field_details_list, path)

    @staticmethod
    def plain_attribute(field: GraphQLField, field_name: str) -> str | None:
        """The attribute that is the whole value of the field, None when it has a resolver."""
        definition = definition_of(field)
        if definition is None or not definition.is_basic_field:
            return None
        if getattr(field.resolve, "__name__", None) != _PLAIN_RESOLVER:
            return None
        return definition.python_name

    @staticmethod
    def batch_field(field: GraphQLField, field_name: str) -> BatchField | None:
        """How the objects of a declared relation are loaded, None for any other field."""
        definition = definition_of(field)
        declared = None if definition is None else definition.metadata.get(RELATION)
        return _batch(declared) if isinstance(declared, Relation) else None

    @staticmethod
    def column_field(field: GraphQLField, field_name: str) -> ColumnField | None:
        """How a declared column is computed for many objects, None for any other field."""
        definition = definition_of(field)
        declared = None if definition is None else definition.metadata.get(COLUMN)
        return _column(declared) if isinstance(declared, Derived) else None

    @staticmethod
    def type_of_class(class_: type) -> str | None:
        """The type that a class was written for."""
        return _type_of_class(class_)

    @staticmethod
    def leaf_column(type_: GraphQLNamedType) -> Callable[[Sequence[Any]], Any] | None:
        """How a whole column of one of Souk's scalars or enums is serialised."""
        if type_.name in _STRINGS:
            return _strings
        if type_.name == "DateTime":
            return _moments
        definition = enum_of(type_)
        return None if definition is None else _members(definition)


def _strings(values: Sequence[Any]) -> Sequence[Any] | None:
    return values if set(map(type, values)) <= _ONLY_STRINGS else None


def _moments(values: Sequence[Any]) -> Sequence[Any] | None:
    return show_moments(values) if set(map(type, values)) <= _ONLY_MOMENTS else None


@cache
def _members(definition: StrawberryEnumDefinition) -> Callable[[Sequence[Any]], Any] | None:
    enum = definition.wrapped_cls
    if [value.name for value in definition.values] != list(enum.__members__):
        return None
    only = {enum}
    return lambda values: (
        [value._name_ for value in values] if set(map(type, values)) <= only else None
    )

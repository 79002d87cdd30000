"""The plan of an operation: for each object type of each level, the fields to be filled in.

A plan holds what can be known before a request: how a field gets its value, the reader of
its arguments, the shape of its type, the nodes its errors point at. It holds no values of a
request and is shared between requests.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from operator import itemgetter
from typing import Any, Protocol

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedOutputType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    TypeNameMetaFieldDef,
    default_field_resolver,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

from .arguments import ArgumentReader
from .batch import BatchField, ColumnField, Selection
from .leaves import LeafColumn, whole_column_check


class Declarations(Protocol):
    """What is known about fields besides their resolvers; the executor class knows it."""

    def plain_attribute(self, field: GraphQLField, field_name: str, /) -> str | None:
        """Return the attribute that is the whole value of a field, or None."""

    def batch_field(self, field: GraphQLField, field_name: str, /) -> BatchField | None:
        """Return the relation that a field declares, or None."""

    def column_field(self, field: GraphQLField, field_name: str, /) -> ColumnField | None:
        """Return how a field is computed for all objects of a level, or None."""

    def leaf_column(self, type_: GraphQLNamedType, /) -> LeafColumn | None:
        """Return what serialises a whole column of a leaf type, or None."""


class Source(Enum):
    """Where the values of a field come from."""

    TYPENAME = auto()
    DEFAULT = auto()
    ATTRIBUTE = auto()
    BATCH = auto()
    COLUMN = auto()
    RESOLVER = auto()


class FieldPlan:
    """One response name of one object type.

    `types` and `non_null` describe the field's type from the outside in: entry 0 is the field
    itself, entry 1 its list items, and so on; `types` keeps the non-null wrappers, because
    they decide how far an error travels. `fatal` says at which of these positions an error
    leaves nothing of the whole answer. `getter` reads a plain leaf from a dictionary.
    """

    __slots__ = (
        "arguments",
        "attribute",
        "base",
        "batch",
        "check",
        "choice",
        "column",
        "convert",
        "definition",
        "depth",
        "details",
        "fatal",
        "field_name",
        "getter",
        "is_abstract",
        "is_leaf",
        "needs_info",
        "nodes",
        "non_null",
        "null_message",
        "nullable",
        "parent_type",
        "quick",
        "resolve",
        "response_name",
        "runtime_types",
        "selections",
        "source",
        "types",
    )

    def __init__(
        self,
        response_name: str,
        details: FieldDetailsList,
        definition: GraphQLField,
        parent_type: GraphQLObjectType,
        parent_fatal: bool,
        declarations: Declarations,
    ) -> None:
        node = details[0].node
        self.response_name = response_name
        self.details = details
        self.nodes: list[FieldNode] = [detail.node for detail in details]
        self.field_name: str = node.name.value
        self.definition = definition
        self.parent_type = parent_type
        self.arguments = ArgumentReader(definition, node)
        self.resolve = definition.resolve
        self.attribute: str = self.field_name
        self.batch: BatchField | None = None
        self.column: ColumnField | None = None
        self.choice: tuple[Any, ...] | None = None
        self.getter: Callable[[Any], Any] | None = None
        self.source = self._choose_source(declarations)
        self._unfold(definition.type, parent_fatal)
        self.is_leaf = is_leaf_type(self.base)
        self.is_abstract = is_abstract_type(self.base)
        self.nullable = not self.non_null[0]
        self.check = whole_column_check(self.base)
        self.convert: LeafColumn | None = None
        if self.is_leaf and self.check is None:
            self.convert = declarations.leaf_column(self.base)
        plain = self.source in (Source.DEFAULT, Source.ATTRIBUTE)
        if plain and self.check is not None and not self.depth and not definition.args:
            self.getter = itemgetter(self.attribute)
        # A leaf without arguments needs nothing but the objects, and may be finished at once.
        self.quick: ColumnField | None = None
        if not definition.args and not self.depth and (self.check or self.convert):
            self.quick = self.column
        self.needs_info = self.is_abstract or (
            is_object_type(self.base) and self.base.is_type_of is not None
        )
        self.null_message = (
            f"Cannot return null for non-nullable field {parent_type}.{self.field_name}."
        )
        self.selections: dict[GraphQLObjectType, SelectionPlan] = {}
        self.runtime_types: dict[str, GraphQLObjectType] = {}

    def _choose_source(self, declarations: Declarations) -> Source:
        definition = self.definition
        if definition is TypeNameMetaFieldDef:
            return Source.TYPENAME
        self.batch = declarations.batch_field(definition, self.field_name)
        if self.batch is not None:
            return Source.BATCH
        self.column = declarations.column_field(definition, self.field_name)
        if self.column is not None:
            return Source.COLUMN
        attribute = declarations.plain_attribute(definition, self.field_name)
        if attribute is not None:
            self.attribute = attribute
            return Source.ATTRIBUTE
        if self.resolve is None or self.resolve is default_field_resolver:
            return Source.DEFAULT
        return Source.RESOLVER

    def chosen(self, schema: GraphQLSchema, fragments: Any) -> tuple[Any, ...]:
        """Return the fourth argument of a load, if the relation wants one; made once."""
        if self.choice is None:
            choose = None if self.batch is None else self.batch.choose
            if choose is None:
                self.choice = ()
            else:
                below = Selection(schema, self.definition.type, self.nodes, fragments)
                self.choice = (choose(below),)
        return self.choice

    def _unfold(self, type_: GraphQLOutputType, fatal: bool) -> None:
        types = []
        non_null = []
        fatals = []
        inner: Any = type_
        while True:
            types.append(inner)
            non_null.append(is_non_null_type(inner))
            fatal = fatal and non_null[-1]
            fatals.append(fatal)
            inner = inner.of_type if non_null[-1] else inner
            if not is_list_type(inner):
                break
            inner = inner.of_type
        self.base: GraphQLNamedOutputType = inner
        self.depth = len(types) - 1
        self.types: tuple[GraphQLOutputType, ...] = tuple(types)
        self.non_null: tuple[bool, ...] = tuple(non_null)
        self.fatal: tuple[bool, ...] = tuple(fatals)


class SelectionPlan:
    """The fields of one object type at one place of the document, in the order of the answer.

    Every dictionary of the answer starts as a copy of `template`, which has all the keys in
    their order: a field may then be filled in at any time, and the dictionary never grows.
    """

    __slots__ = ("fields", "object_type", "template")

    def __init__(self, object_type: GraphQLObjectType, fields: tuple[FieldPlan, ...]) -> None:
        self.object_type = object_type
        self.fields = fields
        self.template: dict[str, Any] = dict.fromkeys(field.response_name for field in fields)


def plan_selection(
    schema: GraphQLSchema,
    object_type: GraphQLObjectType,
    grouped: GroupedFieldSet,
    fatal: bool,
    declarations: Declarations,
) -> SelectionPlan:
    """Return the plan of fields that were collected for a type.

    Fields the type does not have are left out, as the stock executor does. `fatal` says
    whether nulling an object of this selection nulls the whole answer. Raises TypeError for a
    badly declared relation.
    """
    fields = []
    for response_name, details in grouped.items():
        definition = schema.get_field(object_type, details[0].node.name.value)
        if definition is not None:
            fields.append(
                FieldPlan(response_name, details, definition, object_type, fatal, declarations)
            )
    return SelectionPlan(object_type, tuple(fields))

"""How long an answer to nobody in particular may be kept: one table, by type and field. Only names
fields; what an answer is, and where it is kept, is serving/public_answers.py.

A field that is not in the table makes the whole answer private to its request, so a new field is
not public until somebody writes it here. None of these may depend on the viewer (docs/decisions/
0014-public-answers.md)."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

from graph.definitions import metadata_of
from graph.kept import KEPT, SHELF, STILL

_TABLE: dict[str, dict[int, str]] = {
    "Node": {STILL: "id"},
    "PublicUser": {SHELF: "id fullname memberSince avatarUrl"},
}
HINTS: dict[tuple[str, str], int] = {
    (type_, field): seconds
    for type_, hints in _TABLE.items()
    for seconds, fields in hints.items()
    for field in fields.split()
}
"""Seconds by type and field."""

_AS_THEIR_PARENT = frozenset({"PageInfo", "Money"})


def seconds_of(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> int | None:
    """How many seconds the answer to a valid operation may be kept, by the strictest of all its
    fields, whatever its directives leave out; None when it must not be kept at all."""
    if operation.operation is not OperationType.QUERY:
        return None
    found: list[int] = []
    root = schema.get_root_type(operation.operation)
    waiting: list[tuple[SelectionSetNode, Any]] = [(operation.selection_set, root)]
    spread: set[str] = set()
    while waiting:
        selections, parent = waiting.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if node.name.value == "__typename":
                    continue
                seconds = _hint(parent, node.name.value)
                if seconds is None:
                    return None
                found.append(seconds)
                if node.selection_set is not None:
                    field: Any = schema.get_field(parent, node.name.value)
                    waiting.append((node.selection_set, get_named_type(field.type)))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                type_ = parent if condition is None else schema.get_type(condition.name.value)
                waiting.append((node.selection_set, type_))
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = fragments[node.name.value]
                type_ = schema.get_type(fragment.type_condition.name.value)
                waiting.append((fragment.selection_set, type_))
    # Nothing but names of types says nothing of how long it holds.
    return min(found) if found and min(found) < _ANY else None


_ANY = 1 << 30


def _hint(parent: Any, field: str) -> int | None:
    if parent.name in _AS_THEIR_PARENT or _is_page(parent, field):
        return _ANY
    said = metadata_of(parent.fields.get(field)).get(KEPT)
    return HINTS.get((parent.name, field)) if said is None else said


def _is_page(parent: Any, field: str) -> bool:
    """True for the parts of a connection and of its edges, which are as public as their nodes."""
    if not isinstance(parent, GraphQLObjectType):
        return False
    fields = parent.fields
    if "pageInfo" in fields:
        return field in ("edges", "nodes", "pageInfo", "totalCount")
    return set(fields) == {"cursor", "node"}

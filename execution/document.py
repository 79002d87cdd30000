"""Looks at a document once: can it be planned, and which variables decide its shape.

The answer is kept by identity of the parsed document and by its hash, so that a document
that is parsed again and again shares one plan.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from operator import is_
from typing import Any

from graphql import (
    DirectiveNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
)

from .cache import Recent
from .plan import SelectionPlan

VARIANTS = 8
"""How many plans one document may have, one for each set of skip and include values."""

ABSENT = object()


@dataclass(slots=True)
class Document:
    """One operation with its fragments, as far as it does not change between requests.

    It holds the schema and the nodes, so that none of the identities it is found by can be
    given to another object while it is kept.
    """

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: tuple[FragmentDefinitionNode, ...]
    plannable: bool
    conditions: tuple[str, ...]
    nodes: int
    plans: Recent[SelectionPlan] = field(default_factory=lambda: Recent(VARIANTS))

    def variant(self, variables: dict[str, Any]) -> tuple[Hashable, ...]:
        """Return the values of the variables that decide which selections are included.

        Null and absent are kept apart from false: they are errors of the directive.
        """
        values = (variables.get(name, ABSENT) for name in self.conditions)
        return tuple(value if value is ABSENT or value is None else bool(value) for value in values)


class DocumentCache:
    """Finds a `Document` by identity first, by hash second.

    Keeps at most `limit` documents with at most `nodes` syntax nodes in all, once for each
    way of finding them. A syntax node takes roughly half a kilobyte, a plan as much again.
    """

    __slots__ = ("_by_hash", "_by_identity")

    def __init__(self, limit: int, nodes: int = 100_000) -> None:
        """Raise ValueError for a limit below one."""
        self._by_identity: Recent[Document] = Recent(limit, nodes)
        self._by_hash: Recent[Document] = Recent(limit, nodes)

    def __len__(self) -> int:
        return len(self._by_hash)

    def clear(self) -> None:
        """Forget every document and its plans."""
        self._by_identity.clear()
        self._by_hash.clear()

    def find(
        self,
        owner: type,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Iterable[FragmentDefinitionNode],
    ) -> Document:
        """Return the document, looked at now or before.

        Plans are kept apart by `owner`, the executor class, because a class may decide which
        fields are plain. Raises RecursionError for a document nested too deeply to be hashed.
        """
        definitions = tuple(fragments)
        identity = (owner, id(schema), id(operation))
        known = self._by_identity.get(identity)
        if known is not None and same(known.fragments, definitions):
            return known
        # The hash of a node covers its structure and positions, but the line of an error also
        # depends on the text between the nodes, hence the text itself.
        text = tuple(_source(node) for node in (operation, *definitions))
        key = (owner, id(schema), text, operation, definitions)
        try:
            document = self._by_hash.get(key)
        except TypeError:
            return look_at(schema, operation, definitions)
        if document is None:
            document = look_at(schema, operation, definitions)
            self._by_hash.put(key, document, document.nodes)
        elif document.operation is not operation or not same(document.fragments, definitions):
            document = replace(document, operation=operation, fragments=definitions)
        self._by_identity.put(identity, document, document.nodes)
        return document


def same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Tell whether two tuples hold the very same objects."""
    return len(one) == len(other) and all(map(is_, one, other))


def _source(node: Node) -> Hashable:
    if node.loc is None:
        return None
    source = node.loc.source
    return source.body, source.name, source.location_offset


def look_at(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: tuple[FragmentDefinitionNode, ...],
) -> Document:
    """Return what does not change between requests about an operation.

    Not plannable are incremental delivery (`@defer`, `@stream`) and fragment variables: both
    make the answer more than a tree of fields.
    """
    plannable = True
    conditions: dict[str, None] = {}
    count = 0
    stack: list[Node] = [operation, *fragments]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, DirectiveNode):
            name = node.name.value
            if name in ("defer", "stream"):
                plannable = False
            elif name in ("skip", "include"):
                for argument in node.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        conditions[argument.value.name.value] = None
        elif isinstance(node, FragmentDefinitionNode):
            plannable = plannable and not node.variable_definitions
        elif isinstance(node, FragmentSpreadNode):
            plannable = plannable and not getattr(node, "arguments", None)
        for key in node.keys:
            if key != "loc":
                value = getattr(node, key)
                if isinstance(value, Node):
                    stack.append(value)
                elif isinstance(value, list | tuple):
                    stack.extend(item for item in value if isinstance(item, Node))
    return Document(schema, operation, fragments, plannable, tuple(conditions), count)

"""A document that was read before, with all that is worked out of it once. Holds no rule."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)

from execution import PreparedOperation
from graph.definitions import core_schema
from serving.measuring import DocumentFigures, Measured


@dataclass(slots=True)
class Known:
    """A document that was read before: its syntax tree, the figures of its operations, and what is
    wrong with it: why it is beyond a limit (`refusal`), else what validation said. `points` is
    what reading it was worth. `passed` holds the operations that were let through, by the name that
    was asked for; `seconds` how long their answers may be kept (serving/cache_hints.py)."""

    text: str
    document: DocumentNode
    figures: DocumentFigures | None = None
    refusal: str | None = None
    errors: list[GraphQLError] = field(default_factory=list)
    points: int = 0
    passed: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    seconds: dict[str | None, int | None] = field(default_factory=dict)
    _prepared: dict[str | None, PreparedOperation] = field(default_factory=dict)

    def measured(self, operation: OperationDefinitionNode) -> Measured:
        """The figures of one of its operations, when it was not refused."""
        if self.figures is None:
            raise RuntimeError("the document was not measured")
        return self.figures.operations[operation.name.value if operation.name else None]

    def prepared(self, schema: Any, name: str | None) -> PreparedOperation:
        """The operation of this name, which was found valid, ready to be executed."""
        found = self._prepared.get(name)
        if found is None:
            class_ = schema.execution_context_class
            found = PreparedOperation(class_, core_schema(schema), self.document, name)
            self._prepared[name] = found
        return found

    def operations(self, name: str | None) -> list[OperationDefinitionNode]:
        """The operations of this name, which must be one; all of them without a name."""
        return [
            node
            for node in self.document.definitions
            if isinstance(node, OperationDefinitionNode)
            and (name is None or (node.name is not None and node.name.value == name))
        ]

    def is_mutation(self, name: str | None) -> bool:
        """Whether an operation of this name writes."""
        return any(node.operation is OperationType.MUTATION for node in self.operations(name))

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """The fragments by name."""
        found = self.document.definitions
        return {node.name.value: node for node in found if isinstance(node, FragmentDefinitionNode)}


def digest(text: str) -> str:
    """The SHA-256 of a document, as clients name it (Apollo's automatic persisted queries)."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()

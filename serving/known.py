"""A document that was read before, with all that is worked out of it once. Holds no rule."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode

from execution import PreparedOperation
from serving.measuring import Measured


@dataclass(slots=True)
class Known:
    """A document that was read before: its syntax tree, what validation said, and the figures of
    its operations. `passed` holds those that were found within the limits and valid, by name;
    `seconds` how long their answers may be kept (serving/cache_hints.py)."""

    text: str
    document: DocumentNode
    errors: list[GraphQLError] | None = None
    measured: dict[str | None, Measured | None] = field(default_factory=dict)
    passed: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    seconds: dict[str | None, int | None] = field(default_factory=dict)
    _prepared: dict[str | None, PreparedOperation] = field(default_factory=dict)

    def prepared(self, schema: Any, name: str | None) -> PreparedOperation:
        """The operation of this name, which was found valid, ready to be executed."""
        found = self._prepared.get(name)
        if found is None:
            class_ = schema.execution_context_class
            found = PreparedOperation(class_, schema._schema, self.document, name)
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

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """The fragments by name."""
        found = self.document.definitions
        return {node.name.value: node for node in found if isinstance(node, FragmentDefinitionNode)}


def digest(text: str) -> str:
    """The SHA-256 of a document, as clients name it (Apollo's automatic persisted queries)."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()

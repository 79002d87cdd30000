"""A breadth-first executor for graphql-core: each field is resolved once over a whole level."""

from .batch import ATTRIBUTE, BATCH, BatchField, batch_resolver
from .document import DocumentCache
from .executor import BreadthFirstExecutor

__all__ = [
    "ATTRIBUTE",
    "BATCH",
    "BatchField",
    "BreadthFirstExecutor",
    "DocumentCache",
    "batch_resolver",
]

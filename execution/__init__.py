"""A breadth-first executor for graphql-core: each field is resolved once over a whole level."""

from .batch import (
    ATTRIBUTE,
    BATCH,
    COLUMN,
    BatchField,
    ColumnField,
    Selection,
    batch_resolver,
    column_resolver,
)
from .document import DocumentCache
from .executor import BreadthFirstExecutor
from .prepared import PreparedOperation

__all__ = [
    "ATTRIBUTE",
    "BATCH",
    "COLUMN",
    "BatchField",
    "BreadthFirstExecutor",
    "ColumnField",
    "DocumentCache",
    "PreparedOperation",
    "Selection",
    "batch_resolver",
    "column_resolver",
]

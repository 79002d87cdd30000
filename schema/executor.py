"""Breadth-first execution of Souk's schema: tells the executor which fields are relations and which
are plain attributes. Must give the same answers as calling their resolvers."""

from functools import cache
from typing import Any

from graphql import GraphQLField
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from core.pages import page_request
from execution import BatchField, BreadthFirstExecutor
from schema.relation import METADATA_KEY, Relation

# Where Strawberry keeps its own description of a field, and the name of the resolver that it gives
# to a field which is nothing but an attribute: no permission, no extension, no error handler.
_DEFINITION = "strawberry-definition"
_PLAIN_RESOLVER = "_get_basic_result"


def _definition(field: GraphQLField) -> StrawberryField | None:
    found = field.extensions.get(_DEFINITION)
    return found if isinstance(found, StrawberryField) else None


@cache
def _batch(declared: Relation) -> BatchField:
    async def load_many(context: Any, keys: list[Any], arguments: dict[str, Any]) -> list[Any]:
        if not declared.paged:
            loaded: list[Any] = await context.load_all(declared.loader, keys)
            return loaded
        page = page_request(**{**_NO_PAGE, **arguments})
        pages: list[Any] = await context.load_all(declared.loader, [(key, page) for key in keys])
        return pages

    return BatchField(declared.key, load_many)


_NO_PAGE = {"first": None, "after": None, "last": None, "before": None}


class SoukExecutor(BreadthFirstExecutor, StrawberryGraphQLCoreExecutionContext):
    """The executor of every query, mutation and subscription event (design/performance.md)."""

    @staticmethod
    def plain_attribute(field: GraphQLField, field_name: str) -> str | None:
        """The attribute that is the whole value of the field, None when it has a resolver."""
        definition = _definition(field)
        if definition is None or not definition.is_basic_field:
            return None
        if getattr(field.resolve, "__name__", None) != _PLAIN_RESOLVER:
            return None
        return definition.python_name

    @staticmethod
    def batch_field(field: GraphQLField, field_name: str) -> BatchField | None:
        """How the objects of a declared relation are loaded, None for any other field."""
        definition = _definition(field)
        declared = None if definition is None else definition.metadata.get(METADATA_KEY)
        return _batch(declared) if isinstance(declared, Relation) else None

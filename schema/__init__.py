"""What clients see: the schema, put together of one module a domain. A new domain adds one line to
DOMAINS (CONTRIBUTING.md)."""

from types import ModuleType
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from graph import errors, node
from graph.context import Loader
from graph.executor import SoukExecutor
from graph.resolving import prepare_resolvers
from graph.scalars import SCALARS
from schema import auctions, audit, catalogue, customers, identity, media
from serving.masking import MaskedStream

DOMAINS: tuple[ModuleType, ...] = (identity, catalogue, media, auctions, customers, audit)


def _collected(name: str) -> list[Any]:
    return [getattr(domain, name) for domain in DOMAINS if hasattr(domain, name)]


def _handlers() -> list[errors.DomainErrorHandler]:
    return [*errors.HANDLERS, *[handler for some in _collected("HANDLERS") for handler in some]]


def all_loaders() -> dict[str, Loader]:
    """The loaders of all domains by name."""
    return {name: loader for some in _collected("LOADERS") for name, loader in some.items()}


def all_nodes() -> dict[str, str]:
    """Which loader gives the object of an id, by the id's prefix."""
    return {prefix: name for some in _collected("NODES") for prefix, name in some.items()}


class SoukSchema(strawberry.Schema):
    """The schema; what goes wrong is logged by serving/masking.py, once and without what is the
    client's own mistake."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: see the class."""


def build_schema(*, extensions: tuple[Any, ...] = (), suggestions: bool = True) -> SoukSchema:
    """The schema of all domains. `extensions` are those that depend on the configuration, such as
    the limits with their cache of read documents (serving/limits.py); `suggestions` tells misspelt
    fields their neighbours, which production does not."""
    query: Any = merge_types("Query", (node.Query, *_collected("Query")))
    mutation: Any = merge_types("Mutation", tuple(_collected("Mutation")))
    subscription: Any = merge_types("Subscription", tuple(_collected("Subscription")))
    for root, said in ((query, "Reading."), (mutation, "Writing."), (subscription, "Watching.")):
        definition = root.__strawberry_definition__
        definition.description = said
        # By name, so that the order in which domains are gathered shows nowhere.
        definition.fields.sort(key=lambda field: field.graphql_name or field.python_name)
    for field in mutation.__strawberry_definition__.fields:
        for argument in field.arguments:
            # The one input of a mutation is what its type says: said once, there.
            described = getattr(argument.type, "__strawberry_definition__", None)
            argument.description = argument.description or getattr(described, "description", None)
    schema = SoukSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[type_ for some in _collected("TYPES") for type_ in some],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not suggestions),
        extensions=[
            MaskedStream,
            *extensions,
        ],
        exception_handlers=_handlers(),
        execution_context_class=SoukExecutor,
    )
    prepare_resolvers(schema)
    return schema

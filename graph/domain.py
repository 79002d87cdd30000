"""The schema, put together of what the domains declared, and the checks that stop the start with
one sentence that says where. Must not know a domain."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInterfaceType, GraphQLObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from core.errors import DomainError
from graph import node
from graph.columns import COLUMN, NEEDS, RELATION, Derived
from graph.definitions import definition_of, metadata_of
from graph.entity import ENTITY, Entity, variants_of
from graph.errors import declare_codes, declare_more_codes, error_type
from graph.executor import SoukExecutor
from graph.loading import Loader
from graph.mutations import Mutation
from graph.relations import Relation
from graph.resolving import prepare_resolvers
from graph.roots import ROOT, RootField, Unsaid
from graph.scalars import SCALARS

_SAID = {"Query": "Reading.", "Mutation": "Writing.", "Subscription": "Watching."}


class Misdeclared(Exception):
    """Something is declared twice, not wholly, or not as it is: the start stops here."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What one domain adds to the schema, with where each was declared."""

    name: str
    roots: tuple[tuple[RootField, str], ...] = ()
    entities: tuple[tuple[Entity, str], ...] = ()
    types: tuple[type, ...] = ()
    nodes: tuple[tuple[str, Loader], ...] = ()
    checks: tuple[Callable[[], None], ...] = ()


def gather(
    name: str,
    *modules: ModuleType,
    types: Sequence[type] = (),
    nodes: Sequence[tuple[str, Loader]] = (),
    checks: Sequence[Callable[[], None]] = (),
) -> Domain:
    """The domain of these modules: every root field and entity that they declare. `types` are those
    that no field leads to, `nodes` the loaders of prefixes that more than one entity shares,
    `checks` what the start asks of the domain itself: each raises ValueError."""
    roots, entities = [], []
    for module in modules:
        for attribute, value in vars(module).items():
            where = f"{module.__name__}.{attribute}"
            if isinstance(value, RootField):
                value.name = to_camel_case(attribute.rstrip("_"))
                roots.append((value, where))
            elif isinstance(value, type) and value.__module__ == module.__name__:
                found = vars(value).get(ENTITY)
                if isinstance(found, Entity):
                    entities.append((found, where))
    return Domain(name, tuple(roots), tuple(entities), tuple(types), tuple(nodes), tuple(checks))


def loaders_by_prefix(domains: Sequence[Domain]) -> dict[str, Loader]:
    """What loads the object of an id, by the id's prefix. Raises Misdeclared for a prefix that two
    entities have."""
    found: dict[str, Loader] = {prefix: load for one in domains for prefix, load in one.nodes}
    shared = frozenset(found)
    for domain in domains:
        for entity, where in domain.entities:
            if entity.prefix in shared:
                continue
            if entity.prefix in found:
                raise Misdeclared(f"{where}: another entity has the prefix {entity.prefix} already")
            found[entity.prefix] = entity.loader
    return found


class SoukSchema(strawberry.Schema):
    """The schema; what goes wrong is logged by serving/masking.py, once and without what is the
    client's own mistake."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: see the class."""


def build(
    domains: Sequence[Domain],
    *,
    extensions: Sequence[Any] = (),
    suggestions: bool = True,
    handlers: Sequence[Any] = (),
    others: dict[str, list[Any]] | None = None,
    types: Sequence[Any] = (),
) -> SoukSchema:
    """The schema of these domains. `extensions` are those that depend on the configuration;
    `suggestions` tells misspelt fields their neighbours. Raises Misdeclared."""
    for check in (check for domain in domains for check in domain.checks):
        try:
            check()
        except ValueError as error:
            raise Misdeclared(str(error)) from None
    roots = _roots(domains)
    if handlers:
        declare_more_codes([e for root in roots if isinstance(root, Mutation) for e in root.errors])
    else:
        check_errors(roots)
    entities = [one for domain in domains for one, _ in domain.entities]
    kinds = {kind: _root_type(kind, roots, (others or {}).get(kind, [])) for kind in _SAID}
    schema = SoukSchema(
        query=kinds["Query"],
        mutation=kinds["Mutation"],
        subscription=kinds["Subscription"],
        types=[
            *[kind for one in entities for kind in (one.class_, *variants_of(one.class_))],
            *[t for one in domains for t in one.types],
            *types,
        ],
        exception_handlers=list(handlers),
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not suggestions),
        extensions=list(extensions),
        execution_context_class=SoukExecutor,
    )
    finish(schema)
    check_columns(entities)
    return schema


def finish(schema: SoukSchema) -> None:
    """Gives the fields of a new schema their resolvers, and the relations their loaders."""
    prepare_resolvers(schema)
    for type_, name, graphql_field in _fields(schema):
        declared, metadata = definition_of(graphql_field), metadata_of(graphql_field)
        if declared is None:
            continue
        root, relation = metadata.get(ROOT), metadata.get(RELATION)
        if isinstance(root, RootField) and not declared.is_subscription:
            graphql_field.resolve = root.resolve
        if isinstance(relation, Relation):
            try:
                relation.bind(declared)
            except TypeError as error:
                raise Misdeclared(f"{type_}.{name}: {error}: say what loads it") from None


def _fields(schema: SoukSchema) -> Iterator[tuple[str, str, Any]]:
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, graphql_field in type_.fields.items():
                yield type_.name, name, graphql_field


def _roots(domains: Sequence[Domain]) -> list[RootField]:
    found: dict[tuple[str, str], str] = {}
    for domain in domains:
        for root, where in domain.roots:
            key = root.kind, root.name
            if key in found:
                raise Misdeclared(f"{where}: {found[key]} is called {root.name} as well")
            if root.kind == "Mutation" and root.scope is Unsaid.SCOPE:
                raise Misdeclared(f"{where}: say which scope an API key needs, or None for none")
            found[key] = where
    return [root for domain in domains for root, _ in domain.roots]


def _root_type(kind: str, roots: Sequence[RootField], others: list[Any]) -> Any:
    fields = {root.name: root.field() for root in roots if root.kind == kind}
    if kind == "Query":
        fields |= {root.name: root.field() for root in node.FIELDS}
    if not fields and not others:
        return None
    made: Any = strawberry.type(type(kind, tuple(others), dict(fields)), name=kind)
    definition = made.__strawberry_definition__
    definition.description = _SAID[kind]
    # By name, so that the order in which domains are gathered shows nowhere.
    definition.fields.sort(key=lambda one: one.graphql_name or to_camel_case(one.python_name))
    for declared in definition.fields:
        for argument in declared.arguments if kind == "Mutation" else ():
            described = getattr(argument.type, "__strawberry_definition__", None)
            argument.description = argument.description or getattr(described, "description", None)
    return made


def check_errors(roots: Sequence[RootField]) -> None:
    """Raises Misdeclared for typed errors that have one name or are not fully declared, and for one
    that no mutation gives though others of its module are given. Declares their codes."""
    raised = [error for root in roots if isinstance(root, Mutation) for error in root.errors]
    names: dict[str, type[DomainError]] = {}
    for error in raised:
        if names.setdefault(error.__name__, error) is not error:
            other = names[error.__name__].__module__
            raise Misdeclared(f"{error.__module__}: {other} has an error {error.__name__} as well")
    for module in {error.__module__ for error in raised} - {DomainError.__module__}:
        for name, value in vars(sys.modules[module]).items():
            if not (isinstance(value, type) and issubclass(value, DomainError)):
                continue
            if value.__module__ == module and value not in raised:
                raise Misdeclared(f"{module}.{name}: no mutation gives this error")
    try:
        declare_codes(raised)
        for error in raised:
            error_type(error)
    except TypeError as misdeclared:
        raise Misdeclared(str(misdeclared)) from None


def check_columns(entities: Sequence[Entity]) -> None:
    """Raises Misdeclared for a field of an entity that needs a column which its rows have not."""
    for entity in entities:
        if entity.row is None:
            continue
        has = frozenset(entity.row.__annotations__)
        for class_ in (entity.class_, *variants_of(entity.class_)):
            for declared, column in _columns_of(class_):
                if column not in has:
                    where = f"{class_.__module__}.{class_.__name__}"
                    raise Misdeclared(
                        f"{where}.{declared.python_name}: the rows of {entity.prefix} have no "
                        f"column {column}"
                    )


def _columns_of(class_: Any) -> Iterator[tuple[StrawberryField, str]]:
    for declared in class_.__strawberry_definition__.fields:
        for column in needed_columns(declared):
            yield declared, column


def needed_columns(declared: StrawberryField) -> Sequence[str]:
    """The columns of its object's row that a field is made of."""
    found = declared.metadata.get(COLUMN) or declared.metadata.get(RELATION)
    if isinstance(found, Derived | Relation):
        return found.columns or ()
    needs: Sequence[str] = declared.metadata.get(NEEDS, ())
    return needs

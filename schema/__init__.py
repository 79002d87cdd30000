"""What clients see: the schema, put together of one module a domain. A new domain adds one line to
DOMAINS (CONTRIBUTING.md)."""

from types import ModuleType
from typing import Any

from graph import domain as building
from graph import errors
from graph.domain import Domain, SoukSchema
from graph.loading import Loader
from schema import auctions, audit, catalogue, customers, identity, media
from serving.key_scopes import HIDDEN_NODES
from serving.masking import MaskedStream

DOMAINS: tuple[ModuleType, ...] = (identity, catalogue, media, auctions, customers, audit)


def _collected(name: str) -> list[Any]:
    return [getattr(domain, name) for domain in DOMAINS if hasattr(domain, name)]


def declared_domains() -> list[Domain]:
    """What the domains declare."""
    return _collected("DOMAIN")


def all_loaders() -> dict[str, Loader]:
    """The loaders of all domains by name."""
    return {name: loader for some in _collected("LOADERS") for name, loader in some.items()}


def all_nodes(*more: Domain) -> dict[str, Any]:
    """Which loader gives the object of an id, by the id's prefix."""
    old = {prefix: name for some in _collected("NODES") for prefix, name in some.items()}
    return {**old, **building.loaders_by_prefix([*declared_domains(), *more])}


def hidden_prefixes(*more: Domain) -> frozenset[str]:
    """The prefixes of entities that `node` does not give to API keys."""
    declared = (entity for domain in (*declared_domains(), *more) for entity, _ in domain.entities)
    return HIDDEN_NODES | {entity.prefix for entity in declared if not entity.for_keys}


def build_schema(
    *more: Domain, extensions: tuple[Any, ...] = (), suggestions: bool = True
) -> SoukSchema:
    """The schema of all domains, and of `more`. `extensions` are those that depend on the
    configuration, such as the limits with their cache of read documents (serving/limits.py);
    `suggestions` tells misspelt fields their neighbours, which production does not."""
    return building.build(
        [*declared_domains(), *more],
        extensions=[MaskedStream, *extensions],
        suggestions=suggestions,
        handlers=[*errors.HANDLERS, *[h for some in _collected("HANDLERS") for h in some]],
        others={name: _collected(name) for name in ("Query", "Mutation", "Subscription")},
        types=[type_ for some in _collected("TYPES") for type_ in some],
    )

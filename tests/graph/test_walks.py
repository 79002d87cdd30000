"""Walks over a document: each goes once over each fragment, so that what is sent bounds the work,
and still finds what a walk finds that writes every fragment out."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.actor import Actor, ApiKeyScope, Role
from core.errors import Forbidden
from core.ids import new_id
from execution import Selection
from graph.columns import COLUMN, NEEDS, PLACE, RELATION, columns_asked
from schema import build_schema
from serving.cache_hints import seconds_of
from serving.key_scopes import require_scopes
from serving.measuring import measure
from tests.steps import Work, growth

SCHEMA = build_schema()._schema
KEY = Actor(user_id=new_id(), role=Role.USER, key_id=new_id(), scopes=frozenset({ApiKeyScope.READ}))


def read(text: str) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """The one operation of a document, and its fragments."""
    found = parse(text).definitions
    [operation] = [node for node in found if isinstance(node, OperationDefinitionNode)]
    return operation, {n.name.value: n for n in found if isinstance(n, FragmentDefinitionNode)}


def below_root(text: str) -> Selection:
    """What a document selects below its first root field."""
    operation, fragments = read(text)
    [node] = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    assert SCHEMA.query_type is not None
    return Selection(SCHEMA, SCHEMA.query_type.fields[node.name.value].type, [node], fragments)


def chain(length: int, type_: str, last: str) -> str:
    """Fragments of which each spreads the next one twice: written out they double with each."""
    links = (
        f"fragment F{n} on {type_} {{ ...F{n + 1} ... on {type_} {{ ...F{n + 1} }} }}"
        for n in range(length)
    )
    return f"{' '.join(links)} fragment F{length} on {type_} {{ {last} }}"


def on_products(length: int) -> str:
    return f"{{ products {{ nodes {{ ...F0 }} }} }} {chain(length, 'Product', 'title')}"


def on_the_root(length: int) -> str:
    return f"{{ ...F0 }} {chain(length, 'Query', 'categories { nodes { title } }')}"


def asking_columns(length: int) -> Work:
    selection = below_root(on_products(length))
    return lambda: columns_asked(selection)


def requiring_scopes(length: int) -> Work:
    operation, fragments = read(on_the_root(length))
    return lambda: require_scopes(SCHEMA, KEY, operation, fragments)


def hinting(length: int) -> Work:
    operation, fragments = read(on_the_root(length))
    return lambda: seconds_of(SCHEMA, operation, fragments)


def measuring(length: int) -> Work:
    document = parse(on_the_root(length))
    return lambda: measure(SCHEMA, document)


@pytest.mark.parametrize("walk", [asking_columns, requiring_scopes, hinting, measuring])
def test_a_walk_takes_twice_the_steps_for_twice_the_fragments(walk: Callable[[int], Work]) -> None:
    # A walk that writes the fragments out takes a thousand times as many for ten more.
    assert growth(walk, 10) < 2.2


def test_a_root_field_behind_a_fragment_that_was_spread_before_is_refused_to_a_key() -> None:
    text = "{ ...A ...A categories { nodes { id } } } fragment A on Query { ...B } "
    operation, fragments = read(f"{text} fragment B on Query {{ sessions {{ id }} }}")
    with pytest.raises(Forbidden, match="sessions"):
        require_scopes(SCHEMA, KEY, operation, fragments)


# The columns, as a walk finds them that writes every fragment out.


def fields_written_out(
    selection: Selection, type_: Any, chosen: SelectionSetNode
) -> Iterator[tuple[Any, FieldNode]]:
    for node in chosen.selections:
        if isinstance(node, FieldNode):
            yield type_, node
            continue
        fragment: Any = node
        if isinstance(node, FragmentSpreadNode):
            fragment = selection.fragments[node.name.value]
        condition = fragment.type_condition
        inner = selection.schema.get_type(condition.name.value) if condition else type_
        yield from fields_written_out(selection, inner, fragment.selection_set)


def columns_written_out(selection: Selection, type_: Any, chosen: SelectionSetNode) -> Any:
    """The columns below a type, None when they are not known."""
    found: set[str] = set()
    for owner, node in fields_written_out(selection, type_, chosen):
        if node.name.value.startswith("__"):
            continue
        field = owner.fields[node.name.value]
        metadata = getattr(field.extensions.get("strawberry-definition"), "metadata", {})
        declared = metadata.get(COLUMN) or metadata.get(RELATION)
        columns = metadata.get(NEEDS) if declared is None else declared.columns
        if PLACE in metadata:
            columns = metadata[COLUMN].columns if COLUMN in metadata else ()
            if metadata[PLACE] and node.selection_set is not None:
                inner = get_named_type(field.type)
                columns_below = columns_written_out(selection, inner, node.selection_set)
                columns = None if columns_below is None else {*columns, *columns_below}
        if columns is None:
            return None
        found.update(columns)
    return frozenset(found)


PRODUCT = (
    "title",
    "condition",
    "createdAt",
    "__typename",
    "seller { id }",
    "category { ... on Category { id } }",
    "shippingCost { amount }",
    "media { url }",
)
FIELDS = {
    "ProductConnection": ("totalCount", "pageInfo { hasNextPage }", "__typename"),
    "ProductEdge": ("cursor", "__typename"),
    "Product": PRODUCT,
    "AuctionProduct": (*PRODUCT, "startsAt", "bidCount", "highestBidder { id }"),
    "FixedPriceProduct": (*PRODUCT, "quantity", "price { amount }"),
}
GOODS = ("Product", "AuctionProduct", "FixedPriceProduct")
HOLDS = {"ProductConnection": ("nodes", "edges"), "ProductEdge": ("node",)}
INSIDE = {"nodes": "Product", "edges": "ProductEdge", "node": "Product"}


class Writer:
    """Writes a small random document about products with fragments in it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fragments = [
            (f"F{n}", random.choice(list(FIELDS))) for n in range(random.randrange(5))
        ]

    def document(self) -> str:
        """The whole document."""
        own = self.selection("ProductConnection", 0, 2)
        defined = [
            f"fragment {name} on {type_} {self.selection(type_, number + 1, 2)}"
            for number, (name, type_) in enumerate(self.fragments)
        ]
        return f"{{ products {own} }} {' '.join(defined)}"

    def selection(self, type_: str, first: int, depth: int) -> str:
        """A selection set that spreads the fragments from `first` on, so that there is no cycle."""
        parts = [self.part(type_, first, depth) for _ in range(self.random.randint(1, 4))]
        return "{ " + " ".join(parts) + " }"

    def part(self, type_: str, first: int, depth: int) -> str:
        family = GOODS if type_ in GOODS else (type_,)
        fitting = [name for name, of in self.fragments[first:] if of in family]
        kind = self.random.randrange(4)
        if kind == 0 and fitting:
            return f"...{self.random.choice(fitting)}"
        if kind == 1 and depth:
            other = self.random.choice(family)
            directive = self.random.choice(("", "@include(if: true) "))
            return f"... on {other} {directive}{self.selection(other, first, depth - 1)}"
        if kind == 2 and type_ in HOLDS:
            name = self.random.choice(HOLDS[type_])
            return f"{name} {self.selection(INSIDE[name], first, depth)}"
        return self.random.choice(FIELDS[type_])


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.randoms(use_true_random=False))
def test_the_columns_are_those_of_the_document_with_its_fragments_written_out(
    random: Random,
) -> None:
    selection = below_root(Writer(random).document())
    [node] = selection.nodes
    assert node.selection_set is not None
    type_ = get_named_type(selection.type)
    assert columns_asked(selection) == columns_written_out(selection, type_, node.selection_set)

"""Declared columns and relations of the real schema: the statements behind them give what they
name, a document reads no more than it asks for, and nothing of its answer depends on that."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    parse,
)

from auth.actor import Actor, Role
from core.database import recorded_statements
from core.errors import RequestError
from core.ids import new_id
from core.pages import PLACES as ASKED_PLACES
from core.pages import page_request
from core.settings import Limits, Settings
from core.wording import Bound, columns_of
from execution import Selection
from graph.columns import PLACE, columns_asked
from graph.definitions import definition_of
from graph.domain import needed_columns
from graph.entity import Entity, variants_of
from graph.lists import ListField
from models.auctions.bids import history_pages
from models.catalogue.categories import SUBCATEGORIES
from schema import build_schema, declared_domains
from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, Market, usd
from tests.media.scenes import upload

SCHEMA = build_schema()._schema
PAGE = page_request(3, None)
VIEWERS = [
    Actor(),
    Actor(user_id=new_id(), role=Role.USER),
    Actor(user_id=new_id(), role=Role.ADMIN),
]


class Unread:
    """A database that notes the statements it is asked to read, and gives no rows."""

    def __init__(self) -> None:
        self.statements: list[Bound[Any]] = []

    async def rows(self, statement: Bound[Any]) -> list[Any]:
        self.statements.append(statement)
        return []


Read = Callable[[Any, Any], Awaitable[Any]]


def by_ids(entity: Entity, actor: Actor) -> Read:
    """How rows of an entity are read by their ids."""
    return lambda database, columns: entity.loader.load(database, actor, [new_id()], columns)


def in_list(root: ListField, actor: Actor, sort: Any) -> Read:
    """How rows of an entity are read in a list."""
    request = root.unfiltered(PAGE, sort)
    return lambda database, columns: root.page(database, actor, replace(request, columns=columns))


def readings(actor: Actor) -> Iterator[tuple[type, Read]]:
    """Every way in which rows of an entity are read that the schema declares: by their ids, and in
    each list and each of its orders."""
    for domain in declared_domains():
        for entity, _ in domain.entities:
            yield entity.class_, by_ids(entity, actor)
        for root, _ in domain.roots:
            if isinstance(root, ListField):
                for sort in root.sorts():
                    yield root.entity, in_list(root, actor, sort)


def needed_by(class_: type) -> dict[str, tuple[str, ...]]:
    """The columns that each field of an entity, or of a variant of it, is made of."""
    return {
        f"{one.__name__}.{field.python_name}": tuple(columns)
        for one in (class_, *variants_of(class_))
        for field in one.__strawberry_definition__.fields  # type: ignore[attr-defined]  # Strawberry's
        if (columns := needed_columns(field))
    }


def declared(type_: Any) -> Iterator[tuple[str, Sequence[str]]]:
    """The fields of a GraphQL type that say of which columns they are made."""
    for name, field in type_.fields.items():
        definition = definition_of(field)
        if definition is not None and PLACE not in definition.metadata:
            columns = needed_columns(definition)
            if columns:
                yield name, columns


async def columns_given(read: Any, columns: frozenset[str] | None) -> list[set[str]]:
    """The columns of the statements of a reading; none where the viewer may not read."""
    database = Unread()
    with suppress(RequestError):
        await read(database, columns)
    return [{one.key for one in columns_of(made.statement)} for made in database.statements]


@pytest.mark.parametrize("actor", VIEWERS, ids=["anonymous", "member", "admin"])
async def test_every_declared_column_is_given_by_the_statements_behind_it(actor: Actor) -> None:
    looked_at = 0
    for class_, read in readings(actor):
        needed = needed_by(class_)
        for given in await columns_given(read, None):
            for name, columns in needed.items():
                assert set(columns) <= given, name
        for name, columns in needed.items():
            for given in await columns_given(read, frozenset(columns)):
                assert set(columns) <= given, name
                looked_at += 1
    assert looked_at > 100


@pytest.mark.parametrize("actor", VIEWERS, ids=["anonymous", "member", "admin"])
async def test_a_page_of_which_nobody_asks_for_the_places_has_no_row_too_many(actor: Actor) -> None:
    for columns, limit in ((None, 4), (frozenset({ASKED_PLACES}), 4), (frozenset({"id"}), 3)):
        for _, read in readings(actor):
            database = Unread()
            with suppress(RequestError):
                await read(database, columns)
            for statement in database.statements:
                assert statement.values.get("page_limit", limit) == limit
        for pages in (SUBCATEGORIES.pages, history_pages):
            assert pages(actor, [], PAGE, columns).values["page_limit"] == limit


# What a document asks for.


def asked_by(text: str) -> frozenset[str] | None:
    """The columns that a document asks for below its first root field."""
    document = parse(text)
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    [operation] = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    nodes = [n for n in operation.selection_set.selections if isinstance(n, FieldNode)]
    root = SCHEMA.query_type
    assert root is not None
    type_ = root.fields[nodes[0].name.value].type
    return columns_asked(Selection(SCHEMA, type_, nodes, fragments))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("{ products { nodes { title } } }", {"title"}),
        ("{ products { nodes { a: title b: title c: condition } } }", {"title", "condition"}),
        ("{ products { edges { cursor node { title } } } }", {"title", ASKED_PLACES}),
        ("{ products { edges { cursor } } }", {ASKED_PLACES}),
        (
            "{ products { e: edges { node { id } } nodes { title } } }",
            {"id", "title", ASKED_PLACES},
        ),
        ("{ products { pageInfo { hasNextPage endCursor } } }", {ASKED_PLACES}),
        ("{ products { totalCount __typename } }", set()),
        ("{ products { nodes { __typename } } }", set()),
        ("{ products { nodes { seller { fullname } } } }", {"seller_id"}),
        ("{ products { nodes { media { url } } } }", {"id"}),
        ("{ products { nodes { shippingCost { amount } } } }", {"shipping_cost_minor", "currency"}),
        ("{ products { nodes { ... on AuctionProduct { bidCount } } } }", {"bid_count"}),
        ("{ products { nodes { ... { title } ... on Product { id } } } }", {"id", "title"}),
        (
            "{ products { ...P } } fragment P on ProductConnection { nodes { ...A ...F title } }"
            " fragment A on AuctionProduct { startsAt }"
            " fragment F on FixedPriceProduct { quantity }",
            {"starts_at", "quantity", "title"},
        ),
        ("{ products { nodes { title @skip(if: true) } } }", {"title"}),
        (
            "{ products { nodes { title } } products { nodes { condition } } }",
            {"title", "condition"},
        ),
        ('{ product(id: "x") { title category { title } } }', {"title", "category_id"}),
        (
            '{ product(id: "x") { ... on AuctionProduct { highestBidder { id } } } }',
            {"id", "seller_id", "leader_id"},
        ),
        ("{ categories { nodes { subcategories { nodes { name } } } } }", {"id"}),
        # What `Node` may be is of many tables: all columns are read.
        ("{ products { nodes { title ... on Node { id } } } }", None),
        ('{ node(id: "x") { id } }', None),
        ("{ currentUser { email } }", None),
    ],
)
def test_a_document_asks_for_these_columns(text: str, columns: set[str] | None) -> None:
    assert asked_by(text) == (None if columns is None else frozenset(columns))


# What is read.


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server that lets one viewer ask a hundred times in a row."""
    settings.__dict__["limits"] = Limits(budget_address=10**9, budget_actor=10**9)
    return settings


BELOW = {"Money": "{ amount currency formatted }", "PublicUser": "{ id }", "Product": "{ title }"}
# Where the rows of a type are met: the document around them, which statement reads them, and the
# columns that it reads whatever is asked for.
PLACES = [
    ("Product", "{ products { nodes { %s } } }", 0, {"id", "kind"}),
    ("Product", "{ products { edges { node { %s } } } }", 0, {"id", "kind"}),
    (
        "AuctionProduct",
        "{ products { nodes { ... on AuctionProduct { %s } } } }",
        0,
        {"id", "kind"},
    ),
    (
        "FixedPriceProduct",
        "{ products { nodes { ... on FixedPriceProduct { %s } } } }",
        0,
        {"id", "kind"},
    ),
    ("PublicUser", "{ products { nodes { seller { %s } } } }", 1, {"id"}),
    ("Category", "{ products { nodes { category { %s } } } }", 1, {"id"}),
    ("Subcategory", "{ products { nodes { subcategory { %s } } } }", 1, {"id"}),
    ("MediaAsset", "{ products { nodes { media { %s } } } }", 1, {"id", "product_id"}),
    (
        "Bid",
        "{ products { nodes { ... on AuctionProduct { bids { nodes { %s } } } } } }",
        1,
        {"product_id", "number"},
    ),
    (
        "PublicUser",
        "{ products { nodes { ... on AuctionProduct { highestBidder { %s } } } } }",
        1,
        {"id"},
    ),
]


def selection_of(name: str, field: Any) -> str:
    type_: Any = get_named_type(field.type)
    if is_leaf_type(type_):
        return name
    if "nodes" in type_.fields:
        return f"{name} {{ nodes {{ id }} totalCount }}"
    return f"{name} {BELOW.get(type_.name, '{ id }')}"


def select_list(sql: str) -> set[str]:
    """The names of the columns between SELECT and its FROM."""
    depth, names, current = 0, [], ""
    for word in sql.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()[1:]:
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in (",", "FROM"):
            names.append(current.rpartition(".")[2])
            if word == "FROM":
                break
        else:
            current = word
    return set(names)


def values_at(answer: Any, key: str) -> list[Any]:
    """All values of a key in an answer, in their order."""
    if isinstance(answer, list):
        return [found for item in answer for found in values_at(item, key)]
    if not isinstance(answer, dict):
        return []
    if key in answer:
        return [answer[key]]
    return [found for item in answer.values() for found in values_at(item, key)]


async def stocked(market: Market, seller: Client, bidders: Sequence[Client]) -> None:
    """Goods of both kinds, with a picture, bids, a reserve and what only the seller may know."""
    pictures = [await upload(seller), await upload(seller)]
    await market.fixed(
        seller, autoAcceptAmount=usd("20.00"), acceptOffers=True, mediaIds=pictures[:1]
    )
    auction = await market.auction(seller, reservePrice=usd("50.00"), mediaIds=pictures[1:])
    await market.auction(seller, title="Nobody wants it")
    for number, bidder in enumerate(bidders):
        bid = {"productId": auction["id"], "amount": usd(f"{20 + number * 30}.00")}
        made = await bidder.run(PLACE_BID, input=bid)
        assert made["placeBid"]["__typename"] == "PlaceBidPayload", made


@pytest.mark.parametrize("viewer", ["anonymous", "seller"])
async def test_a_document_reads_what_it_asks_for_and_answers_as_one_that_asks_for_all(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client, viewer: str
) -> None:
    await stocked(market, seller, [alice, bob])
    client = seller if viewer == "seller" else souk.anonymous
    for type_name, place, at, always in PLACES:
        type_: Any = SCHEMA.type_map[type_name]
        selections = {
            name: selection_of(name, field)
            for name, field in type_.fields.items()
            if not any(is_non_null_type(argument.type) for argument in field.args.values())
        }
        columns = dict(declared(type_))
        aliased = " ".join(f"k{name}: {text}" for name, text in selections.items())
        everything = await client.run(place % aliased)
        for name, text in selections.items():
            with recorded_statements() as sent:
                alone = await client.run(place % f"k{name}: {text}")
            found = values_at(alone, f"k{name}")
            assert found == values_at(everything, f"k{name}"), f"{type_name}.{name}"
            assert found, f"{type_name}.{name} is met nowhere"
            read = select_list(sent[at])
            assert read == always.union(columns[name]), f"{type_name}.{name}: {sent[at]}"

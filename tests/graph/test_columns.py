"""Declared columns and relations of the real schema: the statements behind them give what they
name, a document reads no more than it asks for, and nothing of its answer depends on that."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    parse,
)

from auth.actor import Actor, Role
from core.database import recorded_statements
from core.ids import new_id
from core.pages import PLACES as ASKED_PLACES
from core.pages import ListRequest, page_request
from core.settings import Limits, Settings
from core.wording import Bound
from execution import Selection
from graph.columns import COLUMN, NEEDS, PLACE, RELATION, columns_asked
from models.auctions.reading import bids_by_id, history_pages
from models.catalogue.categories import (
    CATEGORIES,
    SUBCATEGORIES,
    CategoryFilter,
    categories_by_ids,
    subcategories_by_ids,
)
from models.catalogue.products import ProductSort, ProductWishes, product_page, products_by_ids
from models.customers.customers import customers_by_ids
from models.identity.users import public_users
from models.media.assets import assets_by_ids, assets_of_products
from models.media.avatars import avatars_by_ids
from schema import build_schema
from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, Market, usd
from tests.media.scenes import upload

SCHEMA = build_schema()._schema
PAGE = page_request(3, None)
EVERYTHING = ProductWishes()
VIEWERS = [
    Actor(),
    Actor(user_id=new_id(), role=Role.USER),
    Actor(user_id=new_id(), role=Role.ADMIN),
]


def statements(actor: Actor, columns: frozenset[str] | None) -> dict[str, list[Any]]:
    """For each type that is made of a row, the statements that its rows come of."""
    products = [
        products_by_ids(actor, [], columns),
        *(product_page(actor, EVERYTHING, sort, PAGE, columns) for sort in ProductSort),
    ]
    request = ListRequest(PAGE, CategoryFilter(), None, columns)
    return {
        "Product": products,
        "FixedPriceProduct": products,
        "AuctionProduct": products,
        "Category": [
            categories_by_ids(actor, [], columns),
            CATEGORIES.page(actor, request),
        ],
        "Subcategory": [
            subcategories_by_ids(actor, [], columns),
            SUBCATEGORIES.pages(actor, [], PAGE, columns),
        ],
        "AvatarFile": [avatars_by_ids(actor, [], columns)],
        "Customer": [customers_by_ids(actor, [], columns)],
        "PublicUser": [public_users([], columns)],
        "MediaAsset": [assets_by_ids(actor, [], columns), assets_of_products(actor, [], columns)],
        "Bid": [bids_by_id(actor, [], columns), history_pages(actor, [], PAGE, columns)],
    }


def names_of(statement: Any) -> set[str]:
    """The columns that a statement gives."""
    built: Any = statement.statement if isinstance(statement, Bound) else statement
    return {column.key for column in built.selected_columns}


def metadata_of(field: Any) -> dict[str, Any]:
    definition = field.extensions.get("strawberry-definition")
    return {} if definition is None else definition.metadata


def declared(type_: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The fields of a type that say of which columns they are made."""
    for name, field in type_.fields.items():
        metadata = metadata_of(field)
        if PLACE in metadata:
            continue
        found = metadata.get(COLUMN) or metadata.get(RELATION)
        columns = metadata.get(NEEDS) if found is None else found.columns
        if columns:
            yield name, columns


def row_types() -> list[Any]:
    return [
        type_
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
        if any(declared(type_))
    ]


def test_every_type_that_is_made_of_a_row_is_looked_at_here() -> None:
    assert {type_.name for type_ in row_types()} == set(statements(Actor(), None))


@pytest.mark.parametrize("actor", VIEWERS, ids=["anonymous", "member", "admin"])
def test_every_declared_column_is_given_by_the_statements_behind_it(actor: Actor) -> None:
    for type_ in row_types():
        for statement in statements(actor, None)[type_.name]:
            given = names_of(statement)
            for name, columns in declared(type_):
                assert set(columns) <= given, f"{type_}.{name}"
        for name, columns in declared(type_):
            for statement in statements(actor, frozenset(columns))[type_.name]:
                assert set(columns) <= names_of(statement), f"{type_}.{name}"


def test_a_page_of_which_nobody_asks_for_the_places_has_no_row_too_many() -> None:
    for actor in VIEWERS:
        for columns, limit in ((None, 4), (frozenset({ASKED_PLACES}), 4), (frozenset({"id"}), 3)):
            for statement in (
                product_page(actor, EVERYTHING, ProductSort.NEWEST, PAGE, columns),
                SUBCATEGORIES.pages(actor, [], PAGE, columns),
                history_pages(actor, [], PAGE, columns),
            ):
                assert statement.values["page_limit"] == limit


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

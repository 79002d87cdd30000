"""Each limit at its edge: one below passes, one above is refused before anything is executed."""

import time

import pytest

from tests.http.world import World, ran, running_world, settings_of


def nested(depth: int) -> str:
    inner = "id"
    for _ in range(depth - 3):
        inner = "... on AuctionProduct { related { " + inner + " } }"
    return "{ products { nodes { " + inner + " } } }"


@pytest.mark.parametrize(
    ("below", "above", "named"),
    [
        (nested(12), nested(13), "13 levels of fields; 12"),
        (
            "{ product { " + " ".join(f"a{i}: title" for i in range(30)) + " } }",
            "{ product { " + " ".join(f"a{i}: title" for i in range(31)) + " } }",
            "31 aliases",
        ),
        (
            "{ product { title " + "title " * 30 + " } }",
            "{ product { title " + "title " * 31 + " } }",
            "31 aliases and repeated fields; 30",
        ),
        (
            "{ " + " ".join(f"a{i}: hello" for i in range(10)) + " }",
            "{ " + " ".join(f"a{i}: hello" for i in range(11)) + " }",
            "11 root fields; 10",
        ),
        (
            "{ ...A ...B } fragment A on Query { "
            + " ".join(f"a{i}: hello" for i in range(5))
            + " } fragment B on Query { "
            + " ".join(f"b{i}: hello" for i in range(5))
            + " }",
            "{ ...A ...B } fragment A on Query { "
            + " ".join(f"a{i}: hello" for i in range(5))
            + " } fragment B on Query { "
            + " ".join(f"b{i}: hello" for i in range(6))
            + " }",
            "11 root fields; 10",
        ),
        (
            "{ ..." + " ...".join(["@include(if: true) { hello }"] * 1) + " }",
            "{ hello " + "@include(if: true) " * 51 + "}",
            "51 directives; 50",
        ),
        (
            "{ wish(wish: { tags: [" + '"a" ' * 100 + "] }) }",
            "{ wish(wish: { tags: [" + '"a" ' * 101 + "] }) }",
            "101 items in a list; 100",
        ),
    ],
)
async def test_a_document_at_the_limit_passes_and_one_above_is_refused(
    world: World, below: str, above: str, named: str
) -> None:
    answer = (await world.post(below)).json()
    assert "errors" not in answer, answer
    assert ran
    error = await world.error(above)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert named in error["message"]


async def test_fifty_directives_pass() -> None:
    async with running_world(settings_of(limits={"aliases": 100})) as world:
        fields = " ".join(f"a{i}: title @include(if: true)" for i in range(50))
        assert "errors" not in (await world.post("{ product { " + fields + " } }")).json()
        more = fields + " b: title @include(if: true)"
        assert "51 directives" in (await world.error("{ product { " + more + " } }"))["message"]


async def test_two_thousand_tokens_pass_and_one_more_is_refused() -> None:
    limits = {"aliases": 10_000, "cost": 10**9, "list_items": 10_000}
    async with running_world(settings_of(limits=limits)) as world:
        # `{ wish(wish: { tags: [` and `] }) }` have 9 and 4 tokens.
        at_limit = "{ wish(wish: { tags: [" + '"a" ' * 1987 + "] }) }"
        answer = (await world.post(at_limit)).json()
        assert answer["data"] == {"wish": "granted"}
        error = await world.error(at_limit.replace('"a" ', '"a" "a" ', 1))
        assert "2000 tokens" in error["message"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_hundred_items_in_a_variable_pass_and_one_more_is_refused(world: World) -> None:
    query = "query ($wish: Wish) { wish(wish: $wish) }"
    answer = (await world.post(query, variables={"wish": {"tags": ["a"] * 100}})).json()
    assert answer["data"] == {"wish": "granted"}
    error = await world.error(query, variables={"wish": {"tags": ["a"] * 101}})
    assert "101 items" in error["message"]


async def test_at_most_five_validation_errors_are_returned(world: World) -> None:
    answer = (await world.post("{ " + " ".join(f"wrong{i}" for i in range(9)) + " }")).json()
    assert len(answer["errors"]) == 5
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_the_standard_introspection_passes_and_a_deeper_one_does_not(world: World) -> None:
    from graphql import get_introspection_query

    answer = (await world.post(get_introspection_query(input_value_deprecation=True))).json()
    assert "errors" not in answer
    assert answer["data"]["__schema"]["types"]
    assert 50 < answer["extensions"]["cost"]["requested"] < 500
    deeper = "name"
    for _ in range(19):
        deeper = "ofType { " + deeper + " }"
    error = await world.error('{ __type(name: "Query") { ' + deeper + " } }")
    assert "levels" in error["message"]


BOMB = (
    "{ product { ...F0 } } "
    + " ".join(
        f"fragment F{i} on AuctionProduct "
        f"{{ a: related {{ ...F{i + 1} }} b: related {{ ...F{i + 1} }} }}"
        for i in range(40)
    )
    + " fragment F40 on AuctionProduct { id }"
)
SPREADS = (
    "{ ...F0 } "
    + " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(180))
    + " fragment F180 on Query { hello }"
)
HOSTILE = {
    "a fragment bomb": BOMB,
    "a chain of fragments": SPREADS,
    "a cycle of fragments": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a cycle through fields": "{ product { ...P } } fragment P on Product { seller { ...P } }",
    "the same field often": "{ product { " + "id " * 1990 + "} }",
    "the same object often": "{ product { " + "seller { id } " * 490 + "} }",
    "the same fragment often": "{ product { " + "...F " * 900 + "} } fragment F on Product { id }",
    "the same inline fragment often": "{ product {" + "... { seller { id } } " * 280 + "} }",
    "unknown fields": "{ " + "unknown " * 1990 + "}",
    "an unknown fragment": "{ ...Missing }",
    "an unknown type": "{ ... on Missing { id } }",
    "deep nesting": "{ product " * 700 + "}" * 700,
    "deep inline fragments": "{ " + "... { " * 190 + "hello" + " }" * 191,
    "a very long number": "{ products(first: " + "9" * 6000 + ") { nodes { id } } }",
    "many directives": "{ hello " + "@skip(if: true) " * 240 + "}",
    "a long list": "{ hello(name: [" + "1 " * 1900 + "]) }",
    "several operations without a name": "query A { hello } query B { hello }",
    "two operations of one name": "query A { hello } query A { hello }",
    "no operation": "fragment F on Query { hello }",
    "nothing but a comment": "# hello",
    "a null character": "{ hello\x00 }",
    "a long comment": "{#" + "x" * 70_000 + "\n__typename}",
    "a long string": '{ hello(name: "' + "x" * 70_000,
    "a long name": "{ " + "x" * 70_000 + " }",
    "many commas": "{" + "," * 70_000 + "hello(",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_documents_are_refused_fast(world: World, kind: str) -> None:
    started = time.perf_counter()
    error = await world.error(HOSTILE[kind])
    assert error["extensions"]["code"] in ("BAD_USER_INPUT", "COST_LIMIT")
    # Without the limits such a document takes minutes; the bound only tells the two apart.
    assert time.perf_counter() - started < 10
    assert "Traceback" not in error["message"]


async def test_an_operation_that_takes_too_long_is_ended_and_says_so() -> None:
    async with running_world(settings_of(limits={"operation_seconds": 0.2})) as world:
        started = time.perf_counter()
        answer = (await world.post("{ slow }")).json()
        assert time.perf_counter() - started < 5
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"
        assert "0.2 s" in answer["errors"][0]["message"]


async def test_a_document_is_measured_once_but_its_variables_each_time(world: World) -> None:
    query = "query ($n: Int = 7) { products(first: $n) { nodes { id } } }"
    assert await world.cost(query) == 1 + 7
    assert await world.cost(query, variables={"n": 50}) == 1 + 50
    assert await world.cost(query, variables={"n": 3}) == 1 + 3

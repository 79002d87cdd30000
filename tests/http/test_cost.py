"""What operations cost, what is left, and what happens when it is spent."""

import asyncio

import pytest

from core.buckets import Buckets, Rate
from tests.http.world import World, ran, running_world, settings_of

PAGE = """
query Page($n: Int!) { products(first: $n) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { cursor node {
    id title currentPrice { amount currency } shippingCost { amount currency }
    seller { id fullname } category { id fullname } subcategory { id fullname }
    media { url }
    bids(first: 3) { edges { node { amount { amount currency } bidder { id fullname } } } }
    ... on AuctionProduct { related { title } }
    ... on FixedProduct { price { amount } }
  } } } }
"""


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ hello }", 1),
        ("{ product { id title } }", 1),
        ("{ product { seller { id } category { id } } }", 3),
        ("{ products { nodes { id } } }", 1 + 20),
        ("{ products(first: 5) { nodes { id } } }", 1 + 5),
        ("{ products(last: 7) { nodes { id } } }", 1 + 7),
        ("{ products(first: null) { nodes { id } } }", 1 + 20),
        ("{ products(first: 100000) { nodes { id } } }", 1 + 100),
        ("{ products(first: 5) { totalCount pageInfo { hasNextPage } } }", 1),
        ("{ products(first: 5) { edges { node { id } } } }", 1 + 5 * 2),
        ("{ products(first: 5) { nodes { bids(first: 3) { nodes { bidder { id } } } } } }", 41),
        ("{ product { media { url } } }", 1 + 12),
        ("{ product { thumbnails { url } } }", 1 + 3),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ("{ dear }", 40),
        ("{ a: dear b: dear }", 80),
        ("mutation { write { id } }", 10 + 1),
        ("mutation { a: write { id } b: write { id } }", 2 * (10 + 1)),
        ("{ ...F ...F } fragment F on Query { product { id } }", 2),
        ("{ product { ...P } } fragment P on Product { seller { id } media { url } }", 14),
        (
            "{ product { ... on AuctionProduct { related { id } } ... on FixedProduct "
            "{ price { amount } seller { id } } } }",
            1 + 2,
        ),
        ("{ product { seller @skip(if: true) { id } category @include(if: true) { id } } }", 2),
        ("{ __typename }", 1),
    ],
)
async def test_the_cost_of_an_operation(world: World, query: str, points: int) -> None:
    answer = (await world.post(query)).json()
    assert answer["extensions"]["cost"]["requested"] == points, answer


async def test_variables_decide_what_is_included_and_how_long_a_list_is(world: World) -> None:
    query = "query ($with: Boolean!) { product { media @include(if: $with) { url } } }"
    assert await world.cost(query, variables={"with": False}) == 1
    assert await world.cost(query, variables={"with": True}) == 13
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await world.cost(query, variables={"ids": ["a"] * 9}) == 9


async def test_a_full_page_with_everything_around_it_stays_below_the_limit(world: World) -> None:
    answer = (await world.post(PAGE, variables={"n": 100})).json()
    assert "errors" not in answer
    assert 2_000 < answer["extensions"]["cost"]["requested"] < 5_000


async def test_an_operation_at_the_limit_runs_and_a_dearer_one_is_told_both_figures() -> None:
    async with running_world(settings_of(limits={"cost": 21})) as world:
        answer = (await world.post("{ products(first: 20) { nodes { id } } }")).json()
        assert answer["data"]
        error = await world.error("{ products(first: 21) { nodes { id } } }")
        assert error["extensions"] == {"code": "COST_LIMIT", "requested": 22, "limit": 21}
        assert "22" in error["message"]
        assert "21" in error["message"]


async def test_the_echo_says_what_was_charged_and_what_is_left() -> None:
    limits = {"budget_actor": 1_000, "budget_actor_per_second": 1}
    async with running_world(settings_of(limits=limits)) as world:
        world.tokens.give("ann", 1)
        answer = (await world.post("{ dear }", "ann")).json()
        cost = answer["extensions"]["cost"]
        assert cost == {"requested": 40, "limit": 5_000, "remaining": 960, "refillPerSecond": 1}
        refused = (await world.post("{ unknown }", "ann")).json()
        assert refused["extensions"]["cost"]["remaining"] == 950
        malformed = (await world.post("{ {", "ann")).json()
        assert malformed["extensions"]["cost"]["remaining"] == 940


async def test_a_spent_budget_is_429_and_says_when_to_come_again() -> None:
    limits = {"budget_actor": 100, "budget_actor_per_second": 10}
    async with running_world(settings_of(limits=limits)) as world:
        world.tokens.give("ann", 1)
        world.tokens.give("bob", 2)
        assert (await world.post("{ dear }", "ann")).status_code == 200
        assert (await world.post("{ dear }", "ann")).status_code == 200
        ran.clear()
        response = await world.post("{ dear }", "ann")
        assert response.status_code == 429
        assert ran == []
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["extensions"]["retryAfter"] in (1, 2)
        assert response.headers["Retry-After"] == str(error["extensions"]["retryAfter"])
        assert (await world.post("{ dear }", "bob")).status_code == 200


async def test_anonymous_callers_share_the_budget_of_their_address() -> None:
    limits = {"budget_address": 100, "budget_address_per_second": 1}
    async with running_world(settings_of(limits=limits)) as world:
        world.tokens.give("ann", 1)
        answers = await asyncio.gather(*[world.post("{ dear }") for _ in range(6)])
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
        assert (await world.post("{ dear }", "ann")).status_code == 200


async def test_reading_malformed_documents_spends_the_budget_too() -> None:
    limits = {"budget_address": 50, "budget_address_per_second": 1}
    async with running_world(settings_of(limits=limits)) as world:
        codes = [(await world.post("{ nonsense( }")).status_code for _ in range(6)]
        assert codes == [200] * 5 + [429]


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_refills_with_time_and_never_over_its_size() -> None:
    clock = Clock()
    buckets = Buckets(Rate(100, 10), clock=clock)
    assert buckets.take("a", 100) == 0
    assert buckets.take("a", 25) == 3
    clock.now = 2.5
    assert buckets.take("a", 25) == 0
    clock.now = 1_000
    assert buckets.remaining("a") == 100


def test_more_than_a_bucket_holds_needs_a_full_one_and_leaves_a_debt() -> None:
    clock = Clock()
    buckets = Buckets(Rate(100, 10), clock=clock)
    assert buckets.take("a", 1) == 0
    assert buckets.take("a", 300) == 1
    clock.now = 1
    assert buckets.take("a", 300) == 0
    assert buckets.remaining("a") == -200
    assert buckets.take("a", 1) == 21
    buckets.charge("a", 10)
    assert buckets.remaining("a") == -200


def test_full_buckets_are_forgotten_first_and_empty_ones_kept() -> None:
    clock = Clock()
    buckets = Buckets(Rate(100, 10), limit=50, clock=clock)
    buckets.take("spent", 100)
    for number in range(500):
        buckets.take(number, 1)
    assert len(buckets) <= 50
    assert buckets.remaining("spent") == 0
    clock.now = 60
    for number in range(20):
        buckets.take(number, 1)
    assert len(buckets) <= 21

"""Public answers: who gets which ETag and Cache-Control, what a process keeps for a moment, and
that nobody sees by it what is old or another's."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from strawberry.types.field import StrawberryField

from auth.actor import Role
from core.database import recorded_statements
from core.settings import Limits, Settings
from schema import build_schema
from serving.cache_hints import HINTS
from serving.public_answers import PublicAnswer, PublicAnswers
from tests.clients.client import Client, Souk, running_souk
from tests.clients.market import Market

PREFLIGHT = {"GraphQL-Preflight": "1"}
CATEGORIES = """{ categories(first: 5) {
  totalCount nodes { id title subcategories(first: 2) { nodes { name } } } } }"""
SHELF = "{ products(first: 5) { edges { cursor node { id title seller { fullname } } } } }"
PRICES = """{ products(first: 5) { nodes { id title
  ... on AuctionProduct { currentPrice { amount } status endsAt } } } }"""
RENAME = """mutation($input: UpdateCategoryInput!) { updateCategory(input: $input) {
  __typename ... on UserError { code message } } }"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As every test's, with answers that are kept long enough to be seen."""
    return settings.model_copy(update={"public_cache_seconds": 60.0})


async def got(souk: Souk, query: str, **headers: str) -> httpx.Response:
    """The answer to a query by GET; headers with _ for -."""
    given = {**PREFLIGHT, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await souk.http.get("/graphql", params={"query": query}, headers=given)


async def posted(souk: Souk, query: str, **headers: str) -> httpx.Response:
    """The answer to a query by POST; headers with _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await souk.http.post("/graphql", json={"query": query}, headers=given)


@pytest.fixture
async def listed(souk: Souk, market: Market, seller: Client) -> dict[str, Any]:
    """An auction on the shelf."""
    return await market.auction(seller)


async def test_a_public_answer_says_how_long_it_holds_and_for_whom(
    souk: Souk, listed: dict[str, Any]
) -> None:
    for query, control in (
        (CATEGORIES, "public, max-age=60, stale-while-revalidate=300"),
        (SHELF, "public, max-age=5, stale-while-revalidate=25"),
        (PRICES, "public, no-cache"),
    ):
        response = await got(souk, query)
        assert response.status_code == 200
        assert response.headers["cache-control"] == control
        assert response.headers["etag"].startswith('"')
        varied = {name.strip() for name in response.headers["vary"].split(",")}
        assert varied == {"Accept", "Authorization", "Cookie", "Origin"}
        assert "remaining" not in response.json()["extensions"]["cost"]


PRIVATE = {
    "what the viewer sees as nobody else": "{ products { nodes { ... on AuctionProduct { "
    "highestBidder { id } } } } }",
    "a part that nobody declared": "{ node(id: $id) { id } }",
    "names of types alone": "{ __typename }",
    "the schema": "{ __schema { queryType { name } } }",
    "what needs an account": "{ me { id } }",
    "an error beside the answer": '{ categories { totalCount } product(id: "x") { id } }',
}


@pytest.mark.parametrize("kind", PRIVATE)
async def test_other_answers_are_kept_by_nobody(
    souk: Souk, listed: dict[str, Any], kind: str
) -> None:
    query = PRIVATE[kind].replace("$id", f'"{listed["id"]}"')
    for response in (await got(souk, query), await got(souk, query), await posted(souk, query)):
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers


@pytest.mark.parametrize("headers", [{"Cookie": "a=b"}, {"Authorization": "Bearer "}])
async def test_whoever_may_be_somebody_gets_no_public_answer(
    souk: Souk, listed: dict[str, Any], headers: dict[str, str]
) -> None:
    kept = await got(souk, SHELF)
    assert kept.headers["etag"]
    if "Authorization" in headers:
        headers = (await souk.member("Ann")).headers
    response = await got(souk, SHELF, if_none_match=kept.headers["etag"], **headers)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    assert response.json()["extensions"]["cost"]["remaining"] > 0
    assert response.json()["data"] == kept.json()["data"]


async def test_who_has_the_answer_gets_304_without_a_body(
    souk: Souk, listed: dict[str, Any]
) -> None:
    for query in (SHELF, PRICES):
        fresh = await got(souk, query)
        tag = fresh.headers["etag"]
        for match in (tag, f"W/{tag}", f'"other", {tag}', f'"other" , W/{tag},"x"', "*"):
            again = await got(souk, query, if_none_match=match)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert again.headers["cache-control"] == fresh.headers["cache-control"]
            assert "Authorization" in again.headers["vary"]
            assert "content-type" not in again.headers
        for match in ('"other"', f"x{tag}", tag.strip('"'), ""):
            assert (await got(souk, query, if_none_match=match)).status_code == 200
        posted_again = await posted(souk, query, if_none_match=tag)
        assert posted_again.status_code == 200
    other_form = await got(souk, SHELF, accept="application/graphql-response+json")
    assert other_form.headers["etag"] != (await got(souk, SHELF)).headers["etag"]


async def test_a_repeated_question_asks_the_database_nothing(
    souk: Souk, listed: dict[str, Any]
) -> None:
    for ask in (got, posted):
        first = await ask(souk, SHELF)
        with recorded_statements() as seen:
            again = await ask(souk, SHELF)
        assert seen == []
        assert again.json()["data"] == first.json()["data"]
        assert again.json()["data"]["products"]["edges"][0]["node"]["id"] == listed["id"]


async def test_an_answer_with_a_price_is_made_anew_each_time(
    souk: Souk, market: Market, listed: dict[str, Any]
) -> None:
    for ask in (got, posted):
        await ask(souk, PRICES)
        with recorded_statements() as seen:
            await ask(souk, PRICES)
        assert seen != []


@pytest.fixture
async def poor(settings: Settings) -> AsyncIterator[Souk]:
    """A server that gives an address 200 points and 1 a second."""
    settings = settings.model_copy()
    settings.__dict__["limits"] = Limits(budget_address=200, budget_address_per_second=1)
    async with running_souk(settings) as souk:
        await Market.opened(souk)
        yield souk


async def test_each_caller_of_a_kept_answer_hears_of_its_own_budget_and_pays_a_point(
    poor: Souk,
) -> None:
    first = (await posted(poor, CATEGORIES)).json()["extensions"]["cost"]
    assert first["requested"] > 10
    # Whoever brings a document pays a point for each twenty tokens of it as well.
    assert first["remaining"] == 200 - first["requested"] - 1
    costs = [(await posted(poor, CATEGORIES)).json()["extensions"]["cost"] for _ in range(5)]
    assert {cost["requested"] for cost in costs} == {first["requested"]}
    assert set(costs[0]) == {"requested", "limit", "remaining", "refillPerSecond"}
    # A point flows back in a second.
    assert first["remaining"] - 5 <= costs[-1]["remaining"] <= first["remaining"] - 3
    for _ in range(200):
        refused = await got(poor, CATEGORIES)
    assert refused.status_code == 429
    assert refused.headers["cache-control"] == "no-store"


async def test_a_write_of_this_process_is_seen_at_once(souk: Souk, market: Market) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    for number in range(3):
        for ask in (got, posted):
            title = f"Renamed {number} {ask.__name__}"
            before = await ask(souk, CATEGORIES)
            renamed = await admin.run(
                RENAME, input={"categoryId": market.category_id, "title": title}
            )
            assert renamed["updateCategory"]["__typename"] == "UpdateCategoryPayload", renamed
            answer = await ask(souk, CATEGORIES, if_none_match=before.headers.get("etag", ""))
            assert "data" in answer.json(), answer.text
            titles = [node["title"] for node in answer.json()["data"]["categories"]["nodes"]]
            assert titles == [title]


async def test_an_answer_that_was_begun_before_a_write_is_not_kept() -> None:
    answers = PublicAnswers(60)
    key = ("POST", "application/json", b"{}")
    answer = PublicAnswer.of(b'{"extensions":{"cost":{}}}', "application/json", 60, 60)
    seen = answers.generation
    answers.drop()
    answers.keep(key, answer, seen)
    assert answers.find(key) is None
    answers.keep(key, answer, answers.generation)
    assert answers.find(key) is answer
    answers.drop()
    assert answers.find(key) is None


async def test_many_who_ask_at_once_after_it_ended_are_answered_by_one(
    souk: Souk, listed: dict[str, Any]
) -> None:
    await posted(souk, SHELF)
    with recorded_statements() as one:
        souk.database.on_write()
        await posted(souk, SHELF)
    with recorded_statements() as many:
        souk.database.on_write()
        found = await asyncio.gather(*[posted(souk, SHELF) for _ in range(12)])
    assert {response.status_code for response in found} == {200}
    assert len(many) == len(one)


async def test_a_process_keeps_nothing_longer_than_configured(settings: Settings) -> None:
    for seconds, statements in ((0.0, True), (0.2, False)):
        changed = settings.model_copy(update={"public_cache_seconds": seconds})
        async with running_souk(changed) as souk:
            response = await got(souk, CATEGORIES)
            assert response.headers["cache-control"].startswith("public, max-age=60")
            began = time.monotonic()
            with recorded_statements() as seen:
                await got(souk, CATEGORIES)
            assert bool(seen) is statements or time.monotonic() - began > seconds
            await asyncio.sleep(seconds + 0.05)
            with recorded_statements() as later:
                await got(souk, CATEGORIES)
            assert later != []


async def test_what_is_kept_stays_within_its_bounds() -> None:
    answers = PublicAnswers(60)
    body = b'{"data":"' + b"x" * 100_000 + b'","extensions":{"cost":{}}}'
    for number in range(5_000):
        answer = PublicAnswer.of(body, "application/json", 60, 60)
        answers.keep(("POST", "application/json", b"%d" % number), answer, 0)
        small = PublicAnswer.of(b'{"extensions":{"cost":{}}}', "application/json", 60, 60)
        answers.keep(("GET", "application/json", b"%d" % number), small, 0)
    assert 100 < len(answers) <= 2_000
    assert answers._kept._weight <= 32 << 20


def test_the_table_names_fields_that_are_there_and_none_that_only_some_may_see() -> None:
    schema = build_schema()._schema
    for type_name, field_name in HINTS:
        field = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]  # all are object types
        said = field.description or ""
        words = ("Only", "for everyone but", "Signed in", "your")
        assert not any(word in said for word in words), field_name
        definition = field.extensions.get("strawberry-definition")
        assert isinstance(definition, StrawberryField)
        assert not definition.permission_classes

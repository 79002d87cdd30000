"""What the client is told: bugs are INTERNAL with a request id, its own mistakes BAD_USER_INPUT."""

import re

import pytest
import structlog
from graphql import GraphQLError
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from serving.masking import presented
from tests.http.world import PRODUCTION, World, running_world, settings_of

SECRET = "users_password_hash"


@pytest.mark.parametrize("query", ["{ bug }", "{ optionalBug }", "{ wrongType }"])
async def test_a_bug_is_masked_and_logged_under_its_request_id(world: World, query: str) -> None:
    with capture_logs() as logged:
        response = await world.post(query)
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    request_id = error["extensions"]["requestId"]
    assert request_id == response.headers["x-request-id"]
    assert SECRET not in response.text
    assert "secret" not in response.text
    (entry,) = logged
    assert entry["request_id"] == request_id
    assert entry["exc_info"].__traceback__ is not None or "secret-result" in str(entry["exc_info"])


async def test_a_bug_outside_graphql_is_masked_as_well(
    world: World,
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        response = await world.http.get("/broken")
    assert response.status_code == 500
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    assert SECRET not in response.text
    (entry,) = logged
    assert entry["request_id"] == response.headers["x-request-id"]
    assert SECRET in str(entry["exc_info"])


async def test_an_error_of_the_house_keeps_its_code_and_its_path(world: World) -> None:
    error = (await world.post("{ forbidden }")).json()["errors"][0]
    assert error["message"] == "Only ADMIN may do this."
    assert error["path"] == ["forbidden"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert (await world.post("{ ownCode }")).json()["errors"][0]["extensions"] == {
        "code": "CONFLICT"
    }


WORDS = 'A Decimal is a string, such as "116.50": numbers lose digits.'


async def test_the_words_of_a_scalar_arrive_for_literals_and_for_variables(world: World) -> None:
    variable = await world.error(
        "query ($amount: Decimal) { wish(amount: $amount) }", variables={"amount": 1.5}
    )
    nested = await world.error(
        "query ($wish: Wish) { wish(wish: $wish) }", variables={"wish": {"amount": 1}}
    )
    literal = await world.error("{ wish(amount: 1.5) }")
    in_literal = await world.error("{ wish(wish: { amount: 1 }) }")
    for error in (variable, nested, literal, in_literal):
        assert error["message"] == WORDS
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("moment", ["tomorrow", "2026-11-22", "2026-11-22T08:00:00", 5, [], {}])
async def test_a_moment_that_is_none_is_bad_input(world: World, moment: object) -> None:
    query = "query ($wish: Wish) { wish(wish: $wish) }"
    error = await world.error(query, variables={"wish": {"when": moment}})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "DateTime" in error["message"]


@pytest.mark.parametrize(
    "variables",
    [
        {"wish": 5},
        {"wish": []},
        {"wish": {"unknown": 1}},
        {"wish": {"tags": {"a": 1}}},
        {"wish": {"tags": [[["a"]]]}},
        {"wish": {"amount": None, "tags": [None]}},
        {"wish": {"tags": ["x" * 10_000, 5]}},
    ],
)
async def test_variables_of_the_wrong_type_are_bad_input_in_few_words(
    world: World, variables: dict[str, object]
) -> None:
    error = await world.error("query ($wish: Wish) { wish(wish: $wish) }", variables=variables)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(error["message"]) <= 501
    for internal in ("Traceback", "site-packages", "object at 0x", "NoneType", "strawberry"):
        assert internal not in error["message"]


SPACES = " " * 60_000


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (f'{{ products(first: "{SPACES}") {{ nodes {{ id }} }} }}', {}),
        ("query ($n: Int) { products(first: $n) { nodes { id } } }", {"n": SPACES}),
        (f'{{ wish(amount: "{SPACES}Did you mean", when: 1) }}', {}),
    ],
)
async def test_a_long_value_of_the_wrong_type_is_told_in_few_words_in_production(
    query: str, variables: dict[str, str]
) -> None:
    async with running_world(settings_of(**PRODUCTION)) as world:
        error = await world.error(query, variables=variables)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert 0 < len(error["message"]) <= 501


# What is taken out of a message, as patterns say it that could take long.
SUGGESTION = re.compile(r"\s*Did you mean.*\Z", re.DOTALL)
WHERE = re.compile(r"\A(Variable '\$\w+'|Argument '\w+')( has invalid value(?: at '[^']*')?)")
VALUE = re.compile(r", found: .*\Z", re.DOTALL)
PIECES = (
    *("Variable '$", "Argument '", "a_1", "'", " has invalid value", " at '", "'", ": ", " "),
    *("Expected value", "Did you mean ", "\n", ", found: ", "secret", "'$"),
)


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.booleans())
def test_a_message_loses_the_value_and_the_suggestion_and_nothing_else(
    message: str, suggestions: bool
) -> None:
    expected = message if suggestions else SUGGESTION.sub("", message)
    if WHERE.match(message) or message.startswith("Expected value"):
        expected = VALUE.sub(".", expected)
    shown = presented(GraphQLError(message), "1", suggestions=suggestions)
    assert shown.message == expected
    # Of a scalar's own mistake only the place is told.
    where = WHERE.match(message)
    if where:
        wrapped = GraphQLError(message, original_error=ValueError("secret"))
        assert presented(wrapped, "1").message == f"{where.group()}."

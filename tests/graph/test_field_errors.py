"""Errors of fields: as many are told as somebody reads, and telling them takes steps as there are
objects."""

from typing import Any, cast

import pytest
import strawberry
from graphql import Source, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadUserInput
from core.settings import Limits
from execution import PreparedOperation
from graph.context import Context, Services
from graph.executor import SoukExecutor
from serving.examining import examine
from serving.masking import present_all
from tests.http.world import NoHub, Quiet, Tokens, settings_of
from tests.steps import Work, growth


@strawberry.type
class Thing:
    name: str = "thing"

    @strawberry.field
    def broken(self) -> int | None:
        raise BadUserInput("It is broken.")

    @strawberry.field
    def lost(self) -> int:
        raise BadUserInput("It is lost.")


@strawberry.type
class Query:
    @strawberry.field
    def things(self, count: int) -> list[Thing | None]:
        return [Thing() for _ in range(count)]

    @strawberry.field
    def one(self) -> Thing:
        return Thing()


SCHEMA = Quiet(query=Query, execution_context_class=SoukExecutor)


def executed(text: str, **limits: int) -> Any:
    """The result of a query, without the network."""
    services = Services(
        settings=settings_of(limits=limits),
        database=cast(Any, None),
        hub=cast(Any, NoHub()),
        authenticator=cast(Any, Tokens()),
    )
    context = Context(services)
    return PreparedOperation(SoukExecutor, SCHEMA._schema, parse(text)).execute(context, {})


def test_as_many_errors_are_told_as_the_limit_says_and_then_that_there_were_more() -> None:
    found = executed("{ things(count: 250) { name broken } }")
    assert found.data["things"] == [{"name": "thing", "broken": None}] * 250
    said = [error.message for error in found.errors]
    assert said == ["It is broken."] * 100 + ["More fields failed: at most 100 errors are told."]
    assert [error.path for error in found.errors[98:]] == [
        ["things", number, "broken"] for number in (98, 99, 100)
    ]
    last = present_all(found.errors, "1", 5)[-1]
    assert last.extensions == {"code": "BAD_USER_INPUT"}
    assert last.locations == found.errors[-1].locations


def test_as_few_as_the_limit_are_all_told() -> None:
    found = executed("{ things(count: 7) { broken } }", field_errors=7)
    assert [error.message for error in found.errors] == ["It is broken."] * 7


@pytest.mark.parametrize("limit", [1, 3])
def test_what_must_not_be_null_is_null_with_all_around_it_whether_or_not_it_is_told(
    limit: int,
) -> None:
    found = executed("{ things(count: 4) { name lost } one { broken name } }", field_errors=limit)
    assert found.data == {"things": [None] * 4, "one": {"broken": None, "name": "thing"}}
    assert len(found.errors) == limit + 1
    found = executed("{ things(count: 4) { broken } one { lost } }", field_errors=limit)
    assert found.data is None
    assert (found.errors[-1].message, found.errors[-1].path) == ("It is lost.", ["one"])


def test_errors_take_twice_the_steps_when_twice_as_many_objects_have_them() -> None:
    def work_of(count: int) -> Work:
        text = "{" + "\n" * 3_000 + f"things(count: {count}) {{ broken a: broken b: broken }} }}"
        return lambda: executed(text)

    assert growth(work_of, 200) < 2.2


def test_showing_an_error_does_not_look_for_its_place_again() -> None:
    def work_of(lines: int) -> Work:
        errors = executed("{" + "\n" * lines + "things(count: 9) { broken } }").errors
        return lambda: present_all(errors, "1", 5)

    assert growth(work_of, 500) < 1.1


IGNORED = st.lists(st.sampled_from(["\n", "\r", "\r\n", " ", ",", "#x\n", "#\r\n"])).map("".join)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(IGNORED, IGNORED)
def test_a_place_in_a_document_is_found_as_graphql_finds_it(before: str, behind: str) -> None:
    text = f"{before}{{{behind}one{before}{{ broken }} }}"
    document = examine(SCHEMA, text, Limits.model_construct()).document
    assert document.loc is not None
    for position in range(len(text) + 1):
        if text[position - 1 : position + 1] != "\r\n":  # no token begins within a line's end
            found = document.loc.source.get_location(position)
            assert found == Source(text).get_location(position)


def test_a_place_in_a_document_is_looked_for_in_its_lines_once() -> None:
    def work_of(lines: int) -> Work:
        document = examine(SCHEMA, "\n" * lines + "{ one { name } }", Limits.model_construct())
        source = document.document.loc.source  # type: ignore[union-attr]  # what was parsed has one
        source.get_location(0)
        return lambda: [source.get_location(lines) for _ in range(100)]

    assert growth(work_of, 500) < 1.1

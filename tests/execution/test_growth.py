"""What an execution takes grows as its document and its answer do: fragments are gone through once
in each place, and errors are moved by a walk that goes to them and nowhere else."""

from typing import Any

from graphql import GraphQLSchema

from execution import BreadthFirstExecutor, DocumentCache
from tests.execution.support import ITEMS, answer, both, schema_of
from tests.steps import Work, growth, steps


class Forgetful(BreadthFirstExecutor):
    """An executor that has seen no document before."""

    documents = DocumentCache(1, 1)


def planning(schema: GraphQLSchema, document: str) -> Work:
    return lambda: answer(schema, document, {"items": [{}]}, executor_class=Forgetful)


def test_a_document_is_planned_in_twice_the_steps_for_twice_the_fragments() -> None:
    schema = schema_of(ITEMS)

    def chained(length: int) -> Work:
        links = (
            f"fragment F{n} on Item {{ ...F{n + 1} ... on Item {{ ...F{n + 1} }} }}"
            for n in range(length)
        )
        last = f"fragment F{length} on Item {{ text }}"
        return planning(schema, f"{{ items {{ ...F0 }} }} {' '.join(links)} {last}")

    def repeated(count: int) -> Work:
        return planning(schema, f"{{ items {{ {'other { text } ' * count} }} }}")

    for work_of in (chained, repeated):
        assert growth(work_of, 30) < 2.2


LEAVES = " ".join(f"a{number}: text" for number in range(20))
TEXT = f"{{ items {{ number {LEAVES} other {{ {LEAVES} }} }} }}"


def items(count: int, wrong: int | None = None) -> dict[str, Any]:
    """Items that all have numbers, but for one."""
    found = [{"text": "x", "number": 1, "other": {"text": "y"}} for _ in range(count)]
    if wrong is not None:
        found[wrong]["number"] = "none"
    return {"items": found}


def test_one_error_costs_a_few_steps_for_each_object_of_its_list() -> None:
    schema = schema_of(ITEMS)
    for count in (200, 400):
        answer(schema, TEXT, items(count))
        without = steps(lambda count=count: answer(schema, TEXT, items(count)))  # type: ignore[misc]  # called at once
        with_one = steps(lambda count=count: answer(schema, TEXT, items(count, 150)))  # type: ignore[misc]
        assert with_one - without < 40 * count + 2_000


def test_errors_far_from_each_other_are_all_found() -> None:
    schema = schema_of(ITEMS)
    root = {"items": [{"other": {"number": "none"}}, {"text": "x"}, {"others": [{}, {"loud": []}]}]}
    text = "{ items { text other { number text } others { must text } } }"
    found = both(schema, text, root)
    assert found["data"]["items"][0]["other"] == {"number": None, "text": None}
    assert found["data"]["items"][2]["others"] is None
    assert [error["path"] for error in found["errors"]] == [
        ["items", 0, "other", "number"],
        ["items", 2, "others", 0, "must"],
    ]

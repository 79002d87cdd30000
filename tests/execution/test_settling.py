"""Errors are moved to their places by a walk that goes to them and nowhere else."""

from typing import Any

from tests.execution.support import ITEMS, answer, both, schema_of
from tests.steps import steps

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

"""Declared columns and whole columns of leaves: the same answers in one call a level."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from graphql import GraphQLScalarType, GraphQLSchema
from graphql.pyutils import Undefined

from execution import COLUMN, ColumnField, column_resolver

from .support import ITEMS, answer, both, field_of, knowing, messages, schema_of

Compute = Callable[..., Any]


class Declared:
    """A schema with one declared column that notes its calls."""

    def __init__(self, name: str, compute: Compute) -> None:
        self.calls: list[tuple[Any, list[Any], dict[str, Any]]] = []
        self.schema = schema_of(ITEMS)
        self.compute = compute
        column = ColumnField(self.noted)
        field = field_of(self.schema, name)
        field.extensions[COLUMN] = column
        field.resolve = column_resolver(column)

    def noted(self, context: Any, sources: Sequence[Any], arguments: dict[str, Any]) -> Any:
        self.calls.append((context, list(sources), arguments))
        return self.compute(context, sources, arguments)


def each(of: Callable[[Any], Any]) -> Compute:
    return lambda _context, sources, _arguments: [of(source) for source in sources]


def test_a_column_is_computed_once_a_level() -> None:
    values: tuple[Any, ...] = ("text", 5, None, ValueError("no"), [1])
    for value in values:
        declared = Declared("Item.must", lambda _c, sources, _a, v=value: [v for _ in sources])
        answer(declared.schema, "{ items { must } }", {"items": [1, 2, 3]}, context_value="me")
        assert declared.calls == [("me", [1, 2, 3], {})], value


def test_a_column_that_is_not_a_leaf_is_computed_once_a_level() -> None:
    declared = Declared("Item.others", each(lambda n: [n + 1, n + 2]))
    text = "{ items { others { others { __typename } } } }"
    both(declared.schema, text, {"items": [1, 5]})
    ours = [sources for _, sources, _ in declared.calls if len(sources) > 1]
    assert ours == [[1, 5], [2, 3, 6, 7]]


def test_a_column_is_given_its_arguments() -> None:
    declared = Declared("Item.text", lambda _c, sources, args: [f"{s}{args}" for s in sources])
    text = "query ($n: Int) { items { text a: text(n: 2) b: text(n: $n) } }"
    result = both(declared.schema, text, {"items": ["x", "y"]}, variable_values={"n": 3})
    assert result["data"]["items"][1] == {"text": "y{'n': 1}", "a": "y{'n': 2}", "b": "y{'n': 3}"}
    bad = both(declared.schema, '{ items { text(n: "x") } }', {"items": ["x", "y"]})
    assert len(messages(bad)) == 2


@pytest.mark.parametrize("name", ["Item.text", "Item.must", "Item.number", "Item.loud"])
def test_an_exception_is_the_error_of_its_object(name: str) -> None:
    declared = Declared(name, each(lambda n: ValueError(f"no {n}") if n % 2 else 7))
    field = name.split(".")[1]
    result = both(declared.schema, f"{{ items {{ {field} }} }}", {"items": [1, 2, 3]})
    assert messages(result) == ["no 1", "no 3"]


@pytest.mark.parametrize("name", ["Item.text", "Item.must", "Item.louds", "Item.other"])
@pytest.mark.parametrize("how", ["raises", "short", "long", "nothing"])
def test_a_failed_call_is_the_error_of_every_object(name: str, how: str) -> None:
    def compute(_context: Any, sources: Sequence[Any], _arguments: Any) -> Any:
        if how == "raises":
            raise LookupError("all of them")
        return {"short": [], "long": ["x"] * (len(sources) + 1), "nothing": None}[how]

    declared = Declared(name, compute)
    field = name.split(".")[1]
    selection = " { __typename }" if field == "other" else ""
    text = f"{{ items {{ {field}{selection} }} item {{ color }} }}"
    root = {"items": [1, 2], "item": {"color": "RED"}}
    ours = answer(declared.schema, text, root).formatted
    stock = answer(declared.schema, text, root, executor_class=None).formatted
    assert ours["data"] == stock["data"]
    assert ours["data"] is not None
    assert ours["data"]["item"] == {"color": "RED"}
    assert [e["path"] for e in ours["errors"]] == [e["path"] for e in stock["errors"]]
    assert len(ours["errors"]) == 2
    if how in ("raises", "nothing"):
        assert messages(ours) == messages(stock)


def test_a_column_may_be_a_tuple_or_a_generator() -> None:
    for shape in (tuple, iter):
        declared = Declared("Item.text", lambda _c, s, _a, shape=shape: shape([f"{n}" for n in s]))
        assert "errors" not in both(declared.schema, "{ items { text } }", {"items": [1, 2]})


def test_the_list_of_a_column_is_not_changed() -> None:
    async def later() -> str:
        return "later"

    kept: list[Any] = []

    def compute(_context: Any, sources: Sequence[Any], _arguments: Any) -> Any:
        kept[:] = [later() for _ in sources]
        return kept

    declared = Declared("Item.must", compute)
    result = answer(declared.schema, "{ items { must } }", {"items": [1, 2]})
    assert result.data == {"items": [{"must": "later"}] * 2}
    assert all(asyncio.iscoroutine(value) for value in kept)


def test_nulls_of_a_column_travel_as_far_as_they_must() -> None:
    declared = Declared("Item.must", each(lambda n: None if n == 2 else f"{n}"))
    result = both(declared.schema, "{ items { must } }", {"items": [1, 2, 3]})
    assert result["data"] == {"items": [{"must": "1"}, None, {"must": "3"}]}


def test_an_extension_that_is_not_a_column_is_refused() -> None:
    schema = schema_of(ITEMS)
    field_of(schema, "Query.items").extensions[COLUMN] = "column"
    with pytest.raises(TypeError, match="must hold a ColumnField"):
        answer(schema, "{ items { must } }")


# Leaves.


def loud_schema() -> GraphQLSchema:
    schema = schema_of(ITEMS)
    loud = schema.type_map["Loud"]
    assert isinstance(loud, GraphQLScalarType)

    def serialize(value: Any) -> str:
        if value == "angry":
            raise ValueError("angry")
        return f"{value}!"

    loud.coerce_output_value = serialize
    return schema


LOUD = "{ items { loud louds } }"


def same_as_stock(schema: GraphQLSchema, text: str, root: Any, convert: Any) -> Any:
    return both(schema, text, root) == (
        ours := answer(schema, text, root, executor_class=knowing(convert)).formatted
    ) and (ours["data"], messages(ours))


def test_a_whole_column_of_leaves_is_serialised_in_one_call() -> None:
    seen: list[list[Any]] = []

    def convert(values: Sequence[Any]) -> list[str]:
        seen.append(list(values))
        return [f"{value}!" for value in values]

    root = {"items": [{"loud": "a", "louds": ["b", None]}, {"loud": None, "louds": ["c"]}]}
    assert same_as_stock(loud_schema(), LOUD, root, convert)
    assert seen == [["a"], ["b", "c"]]


@pytest.mark.parametrize("how", ["raises", "none", "short", "long", "nulls", "not a list"])
def test_a_conversion_that_went_wrong_is_done_value_by_value(how: str) -> None:
    def convert(values: Sequence[Any]) -> Any:
        if how == "raises":
            raise KeyError("x")
        return {
            "none": None,
            "short": [],
            "long": ["?"] * (len(values) + 1),
            "nulls": [None] * len(values),
            "not a list": 5,
        }[how]

    root = {"items": [{"loud": "a", "louds": ["b", "angry", None]}, {"loud": None, "louds": []}]}
    data, found = same_as_stock(loud_schema(), LOUD, root, convert)
    assert data["items"][0] == {"loud": "a!", "louds": ["b!", None, None]}
    assert found == ["angry"]
    declared = Declared("Item.loud", each(lambda n: n))
    declared.schema.type_map["Loud"] = loud_schema().type_map["Loud"]
    assert same_as_stock(declared.schema, "{ items { loud } }", {"items": [1, 2]}, convert)


def test_a_conversion_is_given_no_errors_and_nothing_that_must_be_awaited() -> None:
    class Again:
        def __await__(self) -> Iterator[Any]:
            yield from asyncio.sleep(0).__await__()
            return "later"  # type: ignore[return-value]  # the value of awaiting it

    convert = lambda values: [f"{value}" for value in values]  # noqa: E731  # careless
    text = "{ items { loud } }"
    for value, expected in (
        (ValueError("no"), (None, ["no"])),
        (Again(), ("later", [])),
        (Undefined, (None, [])),
    ):
        declared = Declared("Item.loud", each(["a", value].__getitem__))
        data, found = same_as_stock(declared.schema, text, {"items": [0, 1]}, convert)
        assert (data["items"][1]["loud"], found) == expected
        assert data["items"][0] == {"loud": "a"}


def test_values_that_are_equal_to_everything_are_no_nulls() -> None:
    class Same:
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

        def __str__(self) -> str:
            return "same"

    class Refusing(Same):
        def __eq__(self, other: object) -> bool:
            raise TypeError("not to be compared")

        __hash__ = Same.__hash__

    convert = lambda values: [f"{value}!" for value in values]  # noqa: E731  # as the scalar
    root = {"items": [{"loud": Same(), "louds": [Refusing(), None, Same()]}]}
    schema = loud_schema()
    schema.type_map["Loud"].coerce_output_value = lambda value: f"{value}!"  # type: ignore[attr-defined]  # a scalar
    data, found = same_as_stock(schema, LOUD, root, convert)
    assert data == {"items": [{"loud": "same!", "louds": ["same!", None, "same!"]}]}
    assert not found


def test_enums_are_serialised_whole_or_one_by_one() -> None:
    names = {"RED": "RED", "GREEN": "GREEN"}
    convert = lambda values: [names[value] for value in values]  # noqa: E731  # raises for others
    root = {"items": [{"color": "RED", "colors": ["GREEN"]}, {"color": "BLUE", "colors": [None]}]}
    text = "{ items { color colors } }"
    data, found = same_as_stock(schema_of(ITEMS), text, root, convert)
    assert data["items"] == [
        {"color": "RED", "colors": ["GREEN"]},
        {"color": None, "colors": None},
    ]
    assert len(found) == 2

"""The same answer as the stock executor's, one rule of the specification a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLScalarType,
    execute_sync,
    get_introspection_query,
    parse,
)
from graphql.pyutils import Undefined

from execution import BreadthFirstExecutor

from .support import both, messages, schema_of

NODES = """
  interface Node { id: ID! }
  type Book implements Node { id: ID! pages: Int! author: Person }
  type Person implements Node { id: ID! name: String! books: [Book!] }
  union Anything = Book | Person
  type Query {
    nodes: [Node]
    things: [Anything!]
    matrix: [[Int!]]
    grid: [[Book]!]
    books: [Book!]
    book: Book
    must: Book!
    echo(n: Int = 5, list: [Int!], on: Boolean): String
    text: String
    words: [String!]
  }
  type Mutation { add(n: Int!): Int! try(n: Int!): Int }
"""


def book(number: int, **more: Any) -> dict[str, Any]:
    return {"__typename": "Book", "id": str(number), "pages": number, **more}


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"__typename": "Person", "id": name, "name": name, **more}


def test_the_keys_are_in_the_order_of_the_document() -> None:
    async def slow(_source: Any, _info: Any) -> str:
        await asyncio.sleep(0)
        return "later"

    schema = schema_of(NODES, {"Query.text": slow})
    result = both(schema, "{ b: text a: __typename matrix t: text }", {"matrix": []})
    assert list(result["data"]) == ["b", "a", "matrix", "t"]


def test_a_null_in_a_non_null_list_item_nulls_the_list() -> None:
    result = both(schema_of(NODES), "{ matrix text }", {"matrix": [[1, None], [2]], "text": "x"})
    assert result["data"] == {"matrix": [None, [2]], "text": "x"}
    assert result["errors"][0]["path"] == ["matrix", 0, 1]


def test_an_error_below_non_null_fields_nulls_the_nearest_nullable_parent() -> None:
    broken = {"author": person("x", books=[book(1), {"id": "2", "pages": ValueError("torn")}])}
    result = both(
        schema_of(NODES),
        "{ book { pages author { name books { id pages } } } }",
        {"book": book(1, **broken)},
    )
    assert result["data"] == {"book": {"pages": 1, "author": {"name": "x", "books": None}}}
    assert messages(result) == ["torn"]


def test_an_error_in_a_non_null_root_field_leaves_no_data() -> None:
    result = both(schema_of(NODES), "{ text must { id } }", {"text": ValueError("first")})
    assert result["data"] is None
    assert messages(result) == ["first", "Cannot return null for non-nullable field Query.must."]


def test_errors_after_the_one_that_nulls_their_parent_are_not_reported() -> None:
    bad = {"id": None, "pages": "many"}
    result = both(schema_of(NODES), "{ book { pages id } books { id pages } }", {"book": bad})
    assert len(messages(result)) == 1


def test_without_error_propagation_every_error_stays_where_it_is() -> None:
    result = both(
        schema_of(NODES),
        "query @experimental_disableErrorPropagation { must { id pages } }",
        {"must": {"id": None, "pages": None}},
    )
    assert result["data"] == {"must": {"id": None, "pages": None}}
    assert len(result["errors"]) == 2


def test_an_exception_in_a_list_is_the_error_of_its_item() -> None:
    result = both(schema_of(NODES), "{ nodes { id } }", {"nodes": [book(1), ValueError("gone")]})
    assert result["data"] == {"nodes": [{"id": "1"}, None]}
    assert result["errors"][0]["path"] == ["nodes", 1]


def test_undefined_is_null_at_every_position() -> None:
    root = {"matrix": [[1], Undefined], "book": Undefined, "nodes": [Undefined], "books": [None]}
    text = "{ matrix book { id } nodes { id } books { id } }"
    result = both(schema_of(NODES), text, root)
    assert result["data"] == {"matrix": [[1], None], "book": None, "nodes": [None], "books": None}


def test_lists_of_lists_of_objects_keep_their_shape() -> None:
    grid = [[book(1), None], [], (book(2),), None]
    result = both(schema_of(NODES), "{ grid { id } }", {"grid": grid[:3]})
    assert result["data"] == {"grid": [[{"id": "1"}, None], [], [{"id": "2"}]]}
    assert both(schema_of(NODES), "{ grid { id } }", {"grid": grid})["data"] == {"grid": None}


def test_any_iterable_is_a_list_but_text_and_mappings_are_not() -> None:
    def words() -> Iterator[str]:
        yield from "ab"

    schema = schema_of(NODES, {"Query.words": lambda *_: words()})
    assert both(schema, "{ words }")["data"] == {"words": ["a", "b"]}
    for wrong in ("ab", {"a": 1}, 7):
        result = both(schema_of(NODES), "{ words }", {"words": wrong})
        expected = "Expected Iterable, but did not find one for field 'Query.words'."
        assert messages(result) == [expected]


def test_an_iterator_that_fails_nulls_the_list_after_the_errors_of_its_items() -> None:
    def torn(*_: Any) -> Iterator[Any]:
        yield ValueError("item")
        raise OSError("torn")

    result = both(schema_of(NODES, {"Query.nodes": torn}), "{ nodes { id } }")
    assert result["data"] == {"nodes": None}
    assert messages(result) == ["item", "torn"]


def test_an_asynchronous_iterable_is_a_list() -> None:
    closed = []

    async def stream(fails: bool) -> AsyncIterator[Any]:
        try:
            yield book(1)
            await asyncio.sleep(0)
            if fails:
                raise OSError("torn")
            yield book(2)
        finally:
            closed.append(fails)

    schema = schema_of(NODES, {"Query.books": lambda *_: stream(False)})
    assert len(both(schema, "{ books { id } }")["data"]["books"]) == 2
    schema = schema_of(NODES, {"Query.books": lambda *_: stream(True)})
    assert messages(both(schema, "{ books { id } }")) == ["torn"]
    assert closed == [False, False, True, True]


def test_an_endless_stream_is_closed_at_an_item_that_must_not_be_null() -> None:
    async def endless(*_: Any) -> AsyncIterator[Any]:
        while True:
            yield None

    assert both(schema_of(NODES, {"Query.books": endless}), "{ books { id } }")["data"] == {
        "books": None
    }


def test_abstract_types_are_resolved_object_by_object() -> None:
    text = """{
      nodes { __typename id ... on Book { pages } ...P }
      things { ... on Node { id } ... on Person { name } }
    } fragment P on Person { name id }"""
    root = {"nodes": [book(1), person("x"), book(2)], "things": [person("y"), book(3)]}
    result = both(schema_of(NODES), text, root)
    assert result["data"]["nodes"][1] == {"__typename": "Person", "id": "x", "name": "x"}
    assert [list(thing) for thing in result["data"]["things"]] == [["id", "name"], ["id"]]


def test_a_type_that_cannot_be_told_is_an_error_of_its_object() -> None:
    root = {"nodes": [{"__typename": "Nobody"}, {"id": 1}, {"__typename": "Query"}, book(1)]}
    result = both(schema_of(NODES), "{ nodes { id } }", root)
    assert result["data"]["nodes"] == [None, None, None, {"id": "1"}]
    assert len(result["errors"]) == 3


def test_asynchronous_type_functions_are_awaited() -> None:
    async def resolve_type(value: Any, *_: Any) -> str:
        await asyncio.sleep(0)
        return str(value["__typename"])

    async def is_type_of(value: Any, _info: Any) -> bool:
        await asyncio.sleep(0)
        return bool(value["id"] != "2")

    schema = schema_of(NODES)
    schema.type_map["Node"].resolve_type = resolve_type  # type: ignore[attr-defined]
    schema.type_map["Book"].is_type_of = is_type_of  # type: ignore[attr-defined]
    result = both(schema, "{ nodes { id } }", {"nodes": [book(1), book(2), person("x")]})
    assert result["data"]["nodes"] == [{"id": "1"}, None, {"id": "x"}]


def test_fragments_and_aliases_of_one_field_are_merged() -> None:
    text = """{ book { id } ...B again: book { __typename } book { author { name } } }
      fragment B on Query { book { pages author { id } } }"""
    result = both(schema_of(NODES), text, {"book": book(1, author=person("x"))})
    assert list(result["data"]["book"]) == ["id", "pages", "author"]
    assert result["data"]["book"]["author"] == {"id": "x", "name": "x"}


def test_an_error_of_merged_fields_points_at_each_of_them() -> None:
    result = both(schema_of(NODES), "{ text\n ...T } fragment T on Query { text }", {"text": {}})
    assert len(result["errors"][0]["locations"]) == 2


def test_custom_scalars_and_enums_are_coerced_value_by_value() -> None:
    def shout(value: Any) -> Any:
        if value == "bad":
            raise GraphQLError("too bad", extensions={"code": "BAD"})
        return None if value == "none" else value.upper()

    schema = schema_of("scalar Loud enum Hue { RED } type Query { all: [Loud] hues: [Hue] }")
    loud = schema.type_map["Loud"]
    assert isinstance(loud, GraphQLScalarType)
    loud.coerce_output_value = shout
    hue = schema.type_map["Hue"]
    assert isinstance(hue, GraphQLEnumType)
    root = {"all": ["a", "bad", "none", None], "hues": ["RED", "BLUE", []]}
    result = both(schema, "{ all hues }", root)
    assert result["data"] == {"all": ["A", None, None, None], "hues": ["RED", None, None]}
    assert result["errors"][0]["extensions"] == {"code": "BAD"}


@pytest.mark.parametrize(
    "value", [True, 2**31, -(2**31) - 1, 1.5, "7", "x", [], None, Undefined, object]
)
def test_built_in_scalars_coerce_what_is_not_yet_of_their_type(value: Any) -> None:
    schema = schema_of("type Query { i: Int f: Float s: String b: Boolean d: ID }")
    both(schema, "{ i f s b d }", dict.fromkeys("ifsbd", value))
    both(schema, "{ i f s b d }", dict.fromkeys("ifsbd", float("nan")))


def test_arguments_come_from_literals_variables_and_defaults() -> None:
    def echo(_source: Any, _info: Any, **arguments: Any) -> str:
        return repr(arguments)

    schema = schema_of(NODES, {"Query.echo": echo})
    text = """query ($n: Int, $l: [Int!], $on: Boolean) {
      a: echo b: echo(n: 1, list: [2]) c: echo(n: $n, list: $l, on: $on) d: echo(list: 3)
      e: echo(n: "x") f: echo(on: true, n: $n) g: echo(list: [$n], on: $on) }"""
    for variables in ({"n": 1}, {}, {"n": None, "l": [1]}, {"n": 4, "l": None, "on": True}):
        both(schema, text, variable_values=variables)


def test_methods_of_the_source_are_called_with_their_arguments() -> None:
    class Root:
        text = "plain"

        def echo(self, info: Any, n: int) -> str:
            return f"{info.path.as_list()} {n}"

        @property
        def words(self) -> Any:
            raise KeyError("no words")

    result = both(schema_of(NODES), "{ text e: echo(n: 3) words missing: matrix }", Root())
    assert result["data"] == {"text": "plain", "e": "['e'] 3", "words": None, "missing": None}


def test_the_info_of_a_resolver_is_that_of_the_stock_executor() -> None:
    def describe(_source: Any, info: Any) -> str:
        nodes = [node.loc.start for node in info.field_nodes]
        return f"{info.path.as_list()} {info.field_name} {info.parent_type} {nodes} {info.context}"

    schema = schema_of(NODES, {"Person.name": describe})
    root = {"grid": [[book(1, author=person("x"))], [book(2), book(3, author=person("y"))]]}
    result = both(schema, "{ grid { author { n: name } } }", root, context_value={"who": 1})
    assert "['grid', 1, 1, 'author', 'n']" in str(result["data"])


def test_introspection_is_answered() -> None:
    assert both(schema_of(NODES), get_introspection_query())["data"]["__schema"]["types"]


def test_mutations_run_one_after_the_other() -> None:
    log: list[str] = []

    async def add(_source: Any, _info: Any, n: int) -> int:
        log.append(f"start {n}")
        await asyncio.sleep(0)
        log.append(f"end {n}")
        return n

    schema = schema_of(NODES, {"Mutation.add": add})
    result = both(schema, "mutation { a: add(n: 1) b: add(n: 2) }")
    assert result["data"] == {"a": 1, "b": 2}
    assert log == ["start 1", "end 1", "start 2", "end 2"] * 2


def test_after_a_mutation_that_must_not_fail_has_failed_none_follows() -> None:
    log: list[int] = []

    def add(_source: Any, _info: Any, n: int) -> int:
        log.append(n)
        if n == 2:
            raise ValueError("two")
        return n

    schema = schema_of(NODES, {"Mutation.add": add, "Mutation.try": add})
    text = "mutation { a: try(n: 2) b: add(n: 1) c: add(n: 2) d: add(n: 3) }"
    assert both(schema, text)["data"] is None
    assert log == [2, 1, 2] * 2


def test_a_synchronous_execution_stays_synchronous() -> None:
    result = execute_sync(
        schema_of(NODES),
        parse("{ books { id } text }"),
        {"books": [book(1)], "text": 1},
        executor_class=BreadthFirstExecutor,
    )
    assert result.data == {"books": [{"id": "1"}], "text": "1"}

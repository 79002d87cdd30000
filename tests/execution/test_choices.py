"""Known classes, choices below a relation, and the keys and attributes of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, execute, parse

from execution import ATTRIBUTE, BatchField, Selection

from .support import ITEMS, answer, both, field_of, knowing, messages, relate, schema_of


class Cat:
    name = "Tom"
    lives = 9


class Dog:
    name = "Rex"


def pets_schema(asked: list[Any]) -> GraphQLSchema:
    schema = schema_of(ITEMS)

    def of(class_: type) -> Any:
        def is_type_of(value: Any, _info: Any) -> bool:
            asked.append(value)
            return isinstance(value, class_)

        return is_type_of

    for class_ in (Cat, Dog):
        schema.type_map[class_.__name__].is_type_of = of(class_)  # type: ignore[attr-defined]  # an object type
    return schema


PETS = "{ pets { __typename name ... on Cat { lives } } items { cat { lives } } }"


def test_nobody_is_asked_for_the_type_of_a_known_class() -> None:
    asked: list[Any] = []
    root = {"pets": [Cat(), None, Dog(), Cat(), LookupError("lost")], "items": [{"cat": Cat()}]}
    schema = pets_schema(asked)
    stock = answer(schema, PETS, root, executor_class=None).formatted
    assert len(asked) == 8
    asked.clear()
    classes = knowing(lambda _: None, {Cat: "Cat", Dog: "Dog"})
    assert answer(schema, PETS, root, executor_class=classes).formatted == stock
    assert asked == []
    some = knowing(lambda _: None, {Cat: "Cat"})
    assert answer(schema, PETS, root, executor_class=some).formatted == stock
    assert set(map(type, asked)) == {Dog}


def test_a_known_class_of_another_type_is_an_error_as_if_it_had_been_resolved() -> None:
    for name in ("Fish", "Nothing", "Color", "Query", 5):
        schema = pets_schema([])
        schema.type_map["Named"].resolve_type = lambda *_, name=name: name  # type: ignore[attr-defined]  # an interface
        root = {"pets": [Cat(), Cat()]}
        result = both(schema, "{ pets { name } }", root)
        classes = knowing(lambda _: None, {Cat: name})
        assert answer(schema, "{ pets { name } }", root, executor_class=classes).formatted == result
        assert len(messages(result)) == 2
    dogs = {"items": [{"cat": Dog()}]}
    text = "{ items { cat { name } } }"
    classes = knowing(lambda _: None, {Dog: "Dog"})
    wrong = answer(pets_schema([]), text, dogs, executor_class=classes).formatted
    assert len(messages(wrong)) == 1
    assert wrong == both(pets_schema([]), text, dogs)


# Choices.


class Chosen:
    """A relation whose loader is told what is asked for below it."""

    def __init__(self, choose: Callable[[Selection], Any] | None = None) -> None:
        self.choices: list[Selection] = []
        self.loads: list[tuple[list[Any], Any]] = []
        self.schema = schema_of(ITEMS)
        relate(self.schema, "Item.other", BatchField("next", self.load, choose or self.choose))

    def choose(self, below: Selection) -> str:
        self.choices.append(below)
        names = [
            node.name.value  # type: ignore[attr-defined]  # fields only
            for field in below.nodes
            for node in (field.selection_set.selections if field.selection_set else ())
        ]
        return " ".join(names)

    def load(self, _context: Any, keys: list[Any], _args: Any, chosen: Any) -> list[Any]:
        self.loads.append((keys, chosen))
        return [{"next": key + 1, "text": f"{key} {chosen}"} for key in keys]


CHAIN = {"items": [{"next": 1}, {"next": 2}], "item": {"next": 1}}


def test_a_choice_is_made_once_a_plan_and_given_to_the_load() -> None:
    chosen = Chosen()
    text = "query ($n: Int) { items { other { text(n: $n) other { number } } } }"
    document = parse(text)
    for number in range(3):
        result = execute(
            chosen.schema,
            document,
            CHAIN,
            variable_values={"n": number},
            executor_class=knowing_once,
        )
        assert isinstance(result, ExecutionResult)
        assert not result.errors
    assert len(chosen.choices) == 2
    assert chosen.loads == [([1, 2], "text other"), ([2, 3], "number")] * 3
    below = chosen.choices[0]
    assert below.schema is chosen.schema
    assert below.type is chosen.schema.type_map["Item"]
    # An equal document shares the plan.
    execute(chosen.schema, parse(text), CHAIN, executor_class=knowing_once)
    assert len(chosen.choices) == 2


knowing_once = knowing(lambda _: None)


def test_each_alias_and_each_variant_has_a_choice_of_its_own() -> None:
    chosen = Chosen()
    text = """query ($s: Boolean!) { items {
      other { text } a: other { number } other @skip(if: $s) { color } } }"""
    for skip in (True, False, True):
        both(chosen.schema, text, CHAIN, variable_values={"s": skip})
    ours = [given for keys, given in chosen.loads if keys == [1, 2]]
    assert ours == ["text", "number", "text color", "number", "text", "number"]


def test_a_choice_that_fails_is_the_error_of_every_object_with_a_key() -> None:
    def choose(_below: Selection) -> Any:
        raise LookupError("no choice")

    chosen = Chosen(choose)
    root = {"items": [{"next": 1}, {"next": None}, {"next": 2}]}
    for _ in range(2):
        result = both(chosen.schema, "{ items { other { text } } }", root)
        assert messages(result) == ["no choice", "no choice"]
    assert both(chosen.schema, "{ item { other { text } } }", {"item": {"next": None}}) == {
        "data": {"item": {"other": None}}
    }


def test_a_choice_of_none_is_given_too() -> None:
    chosen = Chosen(lambda _: None)
    both(chosen.schema, "{ items { other { text } } }", CHAIN)
    assert {given for _, given in chosen.loads} == {None}


# Keys and attributes.


def test_a_key_or_an_attribute_that_stops_an_iteration_is_an_error() -> None:
    class Thing:
        def __init__(self, *words: str) -> None:
            self.words = iter(words)

        @property
        def text(self) -> str:
            return next(self.words)

    def key(source: Thing) -> str:
        return next(source.words)

    schema = schema_of(ITEMS)
    field_of(schema, "Item.text").extensions[ATTRIBUTE] = "text"
    relate(schema, "Item.must", BatchField(key, lambda _c, keys, _a: keys))
    for text in ("{ items { text } }", "{ items { must } }"):
        # The first is asked again when the second has failed.
        root = {"items": [Thing("a", "a"), Thing(), Thing("b")]}
        result = answer(schema, text, root)
        assert [error.path[:2] for error in result.errors or () if error.path] == [["items", 1]]


def test_keys_that_cannot_be_hashed_are_errors_of_their_objects_only() -> None:
    schema = schema_of(ITEMS)
    relate(schema, "Item.text", BatchField(lambda s: s, lambda _c, keys, _a: [*map(str, keys)]))
    result = both(schema, "{ items { text } }", {"items": [1, [2], 3, {"a": 1}]})
    texts = [item["text"] for item in result["data"]["items"]]
    assert texts == ["1", None, "3", None]

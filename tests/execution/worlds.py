"""Random schemas, values and documents for comparing two executors.

A world is made from a seed. Every value in it depends only on the seed, the field and its
arguments, never on the order or the number of calls, so that two executors that resolve in a
different order still meet the same world.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from execution import (
    ATTRIBUTE,
    BATCH,
    COLUMN,
    BatchField,
    ColumnField,
    batch_resolver,
    column_resolver,
)

from .declared import (
    Again,
    Known,
    Thing,
    choice_of,
    class_of,
    kind_of,
    loud,
    seed_of,
    suspended,
)

LEAF_VALUES: dict[str, tuple[Any, ...]] = {
    "Int": (0, 7, -1, 2**31 - 1, True, 3.0, "12"),
    "Float": (0.5, 2, -1.25, True, "1e3"),
    "String": ("a", "é\n", "", 5, True, 1.5),
    "Boolean": (True, False, 1, 0.0),
    "ID": ("x", 9, "y"),
    "Color": ("red", "green"),
    "Loud": ("a", "b", 3),
}
STYLES = ("default", "default", "attribute", "resolver", "batch", "column", "column")
WRONG_VALUES: tuple[Any, ...] = ("nope", 2**40, float("nan"), [1], {"a": 1}, "silent", "angry")


class World:
    """A schema and everything its resolvers may return."""

    def __init__(self, seed: int, asynchronous: bool) -> None:
        self.seed = seed
        self.asynchronous = asynchronous
        self.random = Random(seed)
        self.trouble = self.random.choice((0.0, 0.02, 0.06, 0.15))
        self.calls: list[str] = []
        self.color = GraphQLEnumType("Color", {"RED": "red", "GREEN": "green"})
        self.loud = GraphQLScalarType("Loud", serialize=self.serialize_loud)
        self.leaves = (
            GraphQLInt,
            GraphQLFloat,
            GraphQLString,
            GraphQLBoolean,
            GraphQLID,
            self.color,
            self.loud,
        )
        self.input = GraphQLInputObjectType(
            "In",
            {
                "n": GraphQLInputField(GraphQLNonNull(GraphQLInt)),
                "tags": GraphQLInputField(GraphQLList(GraphQLNonNull(GraphQLString))),
            },
        )
        self.interfaces = [
            GraphQLInterfaceType(f"I{i}", self.interface_fields(i), resolve_type=self.type_finder())
            for i in range(2)
        ]
        count = self.random.randint(2, 4)
        self.objects = [self.object_type(number) for number in range(count)]
        members = self.random.sample(self.objects, 2)
        self.union = GraphQLUnionType("U", members, resolve_type=self.type_finder())
        self.schema = GraphQLSchema(
            GraphQLObjectType("Query", lambda: self.fields("Query", [])),
            GraphQLObjectType("Mutation", lambda: self.fields("Mutation", [])),
            types=[*self.objects, self.loud],
        )

    def possible(self, type_: Any) -> list[str]:
        if type_ is self.union:
            return [member.name for member in self.union.types]
        if is_abstract_type(type_):
            return [t.name for t in self.objects if type_ in t.interfaces]
        return [type_.name]

    # The schema.

    def interface_fields(self, number: int) -> Any:
        type_ = self.output_type(leaf=True)
        args = self.arguments()
        return lambda: {f"shared{number}": GraphQLField(type_, args)}

    def arguments(self) -> dict[str, GraphQLArgument]:
        if self.random.random() < 0.6:
            return {}
        choices = {
            "a": GraphQLArgument(GraphQLInt, default_value=1),
            "b": GraphQLArgument(GraphQLList(GraphQLNonNull(GraphQLString)), out_name="bee"),
            "c": GraphQLArgument(self.input),
            "d": GraphQLArgument(self.color, default_value="red"),
            "e": GraphQLArgument(GraphQLNonNull(GraphQLInt)),
        }
        names = self.random.sample(sorted(choices), self.random.randint(1, 3))
        return {name: choices[name] for name in names}

    def output_type(self, leaf: bool = False) -> Any:
        random = self.random
        if leaf or random.random() < 0.5:
            inner: Any = random.choice(self.leaves)
        else:
            inner = random.choice((*self.objects, *self.interfaces, self.union))
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            if random.random() < 0.4:
                inner = GraphQLNonNull(inner)
            inner = GraphQLList(inner)
        return GraphQLNonNull(inner) if random.random() < 0.35 else inner

    def object_type(self, number: int) -> GraphQLObjectType:
        name = f"T{number}"
        memberships = [n for n in range(2) if number == n or self.random.random() < 0.5]
        return GraphQLObjectType(
            name,
            lambda: self.fields(name, memberships),
            interfaces=[self.interfaces[n] for n in memberships],
            is_type_of=self.type_checker(name),
        )

    def fields(self, owner: str, memberships: list[int]) -> dict[str, GraphQLField]:
        fields = {}
        for number in memberships:
            (name, field), *_ = self.interfaces[number].fields.items()
            fields[name] = self.field(owner, name, field.type, field.args)
        for number in range(self.random.randint(3, 6)):
            name = f"f{number}"
            fields[name] = self.field(owner, name, self.output_type(), self.arguments())
        return fields

    def field(self, owner: str, name: str, type_: Any, args: dict[str, Any]) -> GraphQLField:
        style = self.random.choice(STYLES)
        if owner == "Mutation":
            style = "resolver"
        if style == "default" and owner != "Query":
            return GraphQLField(type_, args)
        if style == "attribute" and owner != "Query":
            read = f"_{name}"

            def resolve_attribute(source: Any, _info: Any, **_args: Any) -> Any:
                return source[read] if isinstance(source, dict) else getattr(source, read)

            return GraphQLField(
                type_, args, resolve=resolve_attribute, extensions={ATTRIBUTE: read}
            )
        if style == "batch":
            batch = self.batch(f"{owner}.{name}", type_)
            return GraphQLField(type_, args, batch_resolver(batch), extensions={BATCH: batch})
        if style == "column":
            column = self.column(f"{owner}.{name}", type_)
            return GraphQLField(
                type_, args, resolve=column_resolver(column), extensions={COLUMN: column}
            )
        log = owner == "Mutation"

        def resolve(source: Any, info: Any, **arguments: Any) -> Any:
            if log:
                self.calls.append(f"{'.'.join(map(str, info.path.as_list()))} {arguments}")
            key = f"{seed_of(source)} {owner}.{name} {arguments}"
            return self.result(key, type_)

        return GraphQLField(type_, args, resolve=resolve)

    def batch(self, label: str, type_: Any) -> BatchField:
        def key(source: Any) -> Any:
            number = seed_of(source) % 7
            if number == 5 and self.trouble:
                raise LookupError(f"no key for {label}")
            if number == 6:
                return ["unhashable"] if self.trouble and label.endswith("1") else None
            return number % 3

        def values(keys: list[Any], *given: Any) -> list[Any]:
            if Random(f"{self.seed}{label}{given}").random() < self.trouble:
                raise ConnectionError(f"cannot load {label}")
            return [
                self.value(Random(f"{self.seed} {label} {k} {given}"), type_, once=False)
                for k in keys
            ]

        async def load_later(_context: Any, keys: list[Any], *given: Any) -> list[Any]:
            await asyncio.sleep(0)
            return values(keys, *given)

        def load_now(_context: Any, keys: list[Any], *given: Any) -> list[Any]:
            return values(keys, *given)

        choose = choice_of(label, self.random.random() < self.trouble)
        load = load_later if self.asynchronous else load_now
        return BatchField(key, load, choose if self.random.random() < 0.5 else None)

    def column(self, label: str, type_: Any) -> ColumnField:
        def compute(_context: Any, sources: Sequence[Any], args: dict[str, Any]) -> list[Any]:
            if Random(f"{self.seed}{label}{args}").random() < self.trouble:
                raise ConnectionError(f"cannot compute {label}")
            return [
                self.value(Random(f"{self.seed} {label} {seed_of(s)} {args}"), type_, once=False)
                for s in sources
            ]

        return ColumnField(compute)

    # The values.

    def result(self, key: str, type_: Any) -> Any:
        random = Random(f"{self.seed} {key}")
        chance = random.random()
        if chance < self.trouble:
            raise self.error(random, key)
        value = self.value(random, type_)
        if self.asynchronous and random.random() < 0.4:
            return self.later(value, random)
        return value

    def error(self, random: Random, key: str) -> Exception:
        kind = random.random()
        if kind < 0.6:
            return RuntimeError(f"broken {key}")
        return GraphQLError(f"refused {key}", extensions={"code": "REFUSED"})

    def later(self, value: Any, random: Random, once: bool = True) -> Any:
        """Return an awaitable; what it does is drawn now, not when it happens to run."""
        error = self.error(random, "later") if random.random() < self.trouble else None
        times = random.choice((0, 1, 3))
        return suspended(value, error, times) if once else Again(value, error, times)

    def value(self, random: Random, type_: Any, once: bool = True) -> Any:
        """Make a value; without `once` one that may be completed more than once."""
        chance = random.random()
        non_null = is_non_null_type(type_)
        if non_null:
            type_ = type_.of_type
        if chance < (self.trouble / 2 if non_null else 0.08):
            return None
        if chance > 1 - self.trouble / 2:
            return self.error(random, "value")
        if is_list_type(type_):
            return self.listing(random, type_.of_type, once)
        if is_leaf_type(type_):
            if random.random() < self.trouble / 2:
                return random.choice(WRONG_VALUES)
            return random.choice(LEAF_VALUES[type_.name])
        return self.source(random, random.choice(self.possible(type_)), once)

    def listing(self, random: Random, item_type: Any, once: bool) -> Any:
        if random.random() < self.trouble / 2:
            return random.choice(("text", 5, {"a": 1}))
        items = []
        for _ in range(random.choice((0, 1, 2, 2, 3))):
            item = self.value(random, item_type, once)
            if self.asynchronous and random.random() < 0.2:
                item = self.later(item, random, once)
            items.append(item)
        shape = random.random()
        # A torn list drops what its items are still waiting for, and that depends on time.
        breaks = random.random() < self.trouble and not (self.asynchronous and items)
        if not once or shape < 0.7:
            return tuple(items) if shape < 0.15 else items
        if self.asynchronous and shape < 0.85:
            return self.stream(items, breaks)
        return self.iterate(items, breaks)

    def iterate(self, items: list[Any], breaks: bool) -> Iterator[Any]:
        yield from items
        if breaks:
            raise OSError("torn")

    async def stream(self, items: list[Any], breaks: bool) -> AsyncIterator[Any]:
        for item in items:
            await asyncio.sleep(0)
            yield item
        if breaks:
            raise OSError("torn stream")

    def source(self, random: Random, kind: str, once: bool) -> Any:
        seed = random.randrange(10**6)
        if random.random() < self.trouble / 2:
            kind = random.choice((*(t.name for t in self.objects), "Query", "Nothing"))
        values: dict[str, Any] = {"seed": seed}
        type_ = self.schema_type(kind)
        for name, field in type_.fields.items() if type_ else ():
            # A method for what is not a leaf, or the values would have no end.
            plain = ATTRIBUTE not in field.extensions
            if not plain or field.resolve is None:
                key = f"{seed} {kind}.{name}"
                if is_leaf_type(inner_type(field.type)) and (not plain or random.random() < 0.8):
                    values[name if plain else f"_{name}"] = self.leaf(random, field.type)
                elif plain:
                    values[name] = self.method(key, field.type)
                else:
                    values[f"_{name}"] = None
        if random.random() < 0.6:
            return {"__typename": kind, **values}
        if random.random() < 0.5:
            return class_of(kind)(kind, values)
        return Thing(kind, values)

    def leaf(self, random: Random, type_: Any) -> Any:
        """Make a value that is stored, and hence read as often as a document asks for it."""
        value = self.value(random, type_, once=False)
        if self.asynchronous and random.random() < 0.15:
            return self.later(value, random, once=False)
        return value

    def method(self, key: str, type_: Any) -> Any:
        return lambda _info, **arguments: self.result(f"{key} {arguments}", type_)

    def schema_type(self, kind: str) -> Any:
        return next((t for t in self.objects if t.name == kind), None)

    # Types at run time.

    def serialize_loud(self, value: Any) -> Any:
        coerced = loud(value)
        if self.asynchronous and value == 3:
            return self.later(coerced, Random(self.seed))
        return coerced

    def type_finder(self) -> Any:
        if self.random.random() < 0.4:
            return None

        def resolve_type(value: Any, info: Any, _type: Any) -> Any:
            kind = kind_of(value)
            if isinstance(value, Known):
                return kind
            if self.asynchronous and seed_of(value) % 3 == 0:
                return self.later(kind, Random(f"{info.path.as_list()}"))
            return kind

        return resolve_type

    def type_checker(self, name: str) -> Any:
        if self.random.random() < 0.4:
            return None

        def is_type_of(value: Any, _info: Any) -> Any:
            if isinstance(value, Known):
                return kind_of(value) == name
            fits = kind_of(value) == name and (seed_of(value) % 17 != 0 or not self.trouble)
            if self.asynchronous and seed_of(value) % 5 == 0:
                return self.later(fits, Random(self.seed))
            return fits

        return is_type_of


def inner_type(type_: Any) -> Any:
    while is_list_type(type_) or is_non_null_type(type_):
        type_ = type_.of_type
    return type_

"""Prepared resolvers against Strawberry's own: a function is called with the same, and fails with
the same."""

from collections.abc import AsyncIterator, Callable
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import is_object_type
from strawberry.permission import BasePermission
from strawberry.relay import GlobalID
from strawberry.schema import ExceptionHandler
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from graph.resolving import prepare_resolvers
from schema import build_schema


@strawberry.enum
class Colour(Enum):
    RED = "r"
    GREEN = "g"


@strawberry.input
class Inner:
    text: str = "any"
    colours: list[Colour] | None = None


@strawberry.input
class Tree:
    name: strawberry.ID
    trees: list["Tree"] | None = None
    keys: list[GlobalID] | None = None


@strawberry.type
class Sold:
    item: str


@strawberry.type
class SoldOut:
    message: str


class NothingLeft(Exception):
    """Answered, unless it says that it is not to be."""


class SoldOutHandler(ExceptionHandler[NothingLeft]):
    error_type = SoldOut

    def handle(self, exception: Any, *, field: Any, info: Any) -> SoldOut | None:
        if str(exception) == "declined":
            return None
        return SoldOut(message=f"{exception} {field.python_name} {info.field_name}")


Answer = Annotated[Sold | SoldOut, strawberry.union("Answer")]


@strawberry.input
class Outer:
    inner: Inner | None = strawberry.UNSET
    needed: list[Inner | None] | None
    more: strawberry.Maybe[int | None]


class Nobody(BasePermission):
    message = "no"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


def _shown(**arguments: Any) -> str:
    return repr(sorted(arguments.items()))


@strawberry.type
class Query:
    @strawberry.field
    def plain(
        self,
        number: int = 3,
        snake_case: str | None = None,
        other: Annotated[bool | None, strawberry.argument(name="renamed")] = strawberry.UNSET,
        id: strawberry.ID | None = None,
        colour: Colour = Colour.GREEN,
    ) -> str:
        return _shown(n=number, s=snake_case, o=other, i=id, c=colour)

    @strawberry.field
    async def awaited(
        self,
        info: Info,
        outer: Outer | None = None,
        colours: list[Colour] | None = None,
        lists: list[list[int]] | None = None,
        maybe: strawberry.Maybe[str | None] = None,
        key: GlobalID | None = None,
    ) -> str:
        where = (info.field_name, info.python_name, info.context, str(info.return_type))
        return _shown(w=where, o=outer, c=colours, l=lists, m=maybe, k=key)

    @strawberry.field
    async def of_parent(self, parent: strawberry.Parent[Any], number: int = 1) -> str:
        return _shown(p=parent, n=number)

    @strawberry.field
    def of_root(root: Any, info: Info) -> str:
        return _shown(r=root, i=info.field_name)

    @strawberry.field
    def failing(self, number: int) -> str:
        raise ValueError(f"no {number}")

    forbidden: str = strawberry.field(resolver=lambda: "shown", permission_classes=[Nobody])

    lambda_field: str = strawberry.field(resolver=lambda: "made")

    @strawberry.field
    def tree(self, tree: Tree | None = None) -> str:
        return _shown(t=tree)

    @strawberry.field
    async def sale(self, why: str | None = None) -> Answer:
        if why == "bug":
            raise KeyError(why)
        if why is not None:
            raise NothingLeft(why)
        return Sold(item="one")

    @strawberry.field
    def sale_at_once(self, why: str) -> Answer:
        raise NothingLeft(why)

    @strawberry.field
    def no_union(self) -> str:
        raise NothingLeft("left")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, upto: int = 2) -> AsyncIterator[int]:
        for number in range(upto):
            yield number


def _schema(prepare: Callable[[strawberry.Schema], None] = lambda _: None) -> strawberry.Schema:
    schema = strawberry.Schema(
        Query, subscription=Subscription, exception_handlers=[SoldOutHandler()]
    )
    prepare(schema)
    return schema


STRAWBERRY, PREPARED = _schema(), _schema(prepare_resolvers)


@pytest.mark.parametrize(
    "selection",
    [
        "plain",
        'plain(number: 1, snakeCase: "s", renamed: true, id: 5, colour: RED)',
        "plain(snakeCase: null, renamed: null, id: null)",
        "awaited",
        "awaited(outer: null, colours: null, lists: null, maybe: null, key: null)",
        "awaited(outer: {}, colours: RED, lists: [[1], [2, 3]], maybe: null)",
        'awaited(outer: {inner: {colours: [RED]}, more: null}, maybe: "m", key: "QTox")',
        'awaited(outer: {inner: null, more: 1}, key: "nonsense")',
        'awaited(outer: {needed: [null, {}, {text: "t"}]})',
        "tree",
        'tree(tree: {name: 1, trees: [{name: "2", trees: [], keys: ["QTox"]}]})',
        'tree(tree: {name: 1, keys: ["nonsense"]})',
        "sale { __typename ... on Sold { item } }",
        'sale(why: "none") { ... on SoldOut { message } }',
        'saleAtOnce(why: "none") { ... on SoldOut { message } }',
        'sale(why: "declined") { __typename }',
        'sale(why: "bug") { __typename }',
        "noUnion",
        "ofParent(number: 4)",
        "ofRoot",
        "failing(number: 4)",
        "forbidden",
        "lambdaField",
    ],
)
async def test_a_function_is_called_as_strawberry_calls_it(selection: str) -> None:
    document = f"{{ {selection} }}"
    expected = await STRAWBERRY.execute(document, context_value="here", root_value="root")
    for _ in range(2):
        found = await PREPARED.execute(document, context_value="here", root_value="root")
        assert found.data == expected.data
        assert str(found.errors) == str(expected.errors)


async def test_subscriptions_are_left_to_strawberry() -> None:
    stream: Any = await PREPARED.subscribe("subscription { ticks(upto: 3) }")
    assert [result.data["ticks"] async for result in stream] == [0, 1, 2]


def test_of_our_schema_all_functions_are_prepared_but_those_of_subscriptions() -> None:
    fields = [
        (str(type_), name, field)
        for type_ in build_schema()._schema.type_map.values()
        if is_object_type(type_)
        for name, field in type_.fields.items()
    ]
    left = {
        (of, name)
        for of, name, field in fields
        if isinstance(declared := field.extensions.get("strawberry-definition"), StrawberryField)
        and declared.base_resolver is not None
        and not field.resolve.__module__.startswith("graph.")
    }
    assert {of for of, _ in left} == {"Subscription"}, left
    assert len(fields) > 500

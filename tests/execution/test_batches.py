"""Level by level: one call for a field and all objects of its level."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLSchema, execute, parse

from execution import ATTRIBUTE, BATCH, BatchField, BreadthFirstExecutor

from .support import answer, both, field_of, messages, relate, schema_of

SHOP = """
  type Product { id: ID! title: String seller: Seller! tags(limit: Int = 2): [String!]! }
  type Seller { id: ID! name: String! boss: Seller }
  type Query { products: [Product!]! shelves: [[Product!]] title: String hidden: String }
"""
SELLERS = {n: {"id": n, "name": f"s{n}", "boss_id": n - 1 or None} for n in range(1, 5)}
PRODUCTS = [{"id": n, "title": f"p{n}", "seller_id": n % 3 + 1} for n in range(9)]


class Shop:
    """A schema with relations that count their calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any], dict[str, Any]]] = []
        self.tasks: list[int] = []
        self.schema: GraphQLSchema = schema_of(SHOP)
        relate(self.schema, "Product.seller", BatchField("seller_id", self.sellers))
        relate(self.schema, "Seller.boss", BatchField(lambda s: s["boss_id"], self.sellers))
        relate(self.schema, "Product.tags", BatchField("id", self.tags))

    async def sellers(self, context: Any, keys: list[Any], args: dict[str, Any]) -> list[Any]:
        self.calls.append((f"sellers {context}", keys, args))
        self.tasks.append(len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return [SELLERS.get(key) or LookupError(f"no seller {key}") for key in keys]

    async def tags(self, _context: Any, keys: list[Any], args: dict[str, Any]) -> list[Any]:
        self.calls.append(("tags", keys, args))
        return [[f"t{key}"] * args["limit"] for key in keys]


def test_a_relation_is_loaded_in_one_call_with_distinct_keys() -> None:
    shop = Shop()
    text = "{ products { seller { name boss { name boss { id } } } } }"
    result = answer(shop.schema, text, {"products": PRODUCTS}, context_value="me")
    assert result.errors is None
    assert [keys for _, keys, _ in shop.calls] == [[1, 2, 3], [1, 2], [1]]
    assert shop.calls[0] == ("sellers me", [1, 2, 3], {})
    assert both(shop.schema, text, {"products": PRODUCTS})["data"] == result.data


def test_a_relation_makes_no_task_for_each_object() -> None:
    shop = Shop()
    answer(shop.schema, "{ products { seller { name } tags } }", {"products": PRODUCTS * 20})
    # The test itself, the two loads, and nothing else.
    assert max(shop.tasks) <= 3


def test_lists_of_lists_are_one_level() -> None:
    shop = Shop()
    answer(shop.schema, "{ shelves { seller { id } } }", {"shelves": [PRODUCTS[:2], PRODUCTS[2:]]})
    assert [keys for _, keys, _ in shop.calls] == [[1, 2, 3]]


def test_a_relation_is_given_its_arguments() -> None:
    shop = Shop()
    text = "query ($n: Int) { products { tags a: tags(limit: 1) b: tags(limit: $n) } }"
    both(shop.schema, text, {"products": PRODUCTS[:2]}, variable_values={"n": 3})
    limits = [args["limit"] for _, keys, args in shop.calls if len(keys) == 2]
    assert sorted(limits) == [1, 2, 3]


def test_a_key_of_none_is_null_and_loads_nothing() -> None:
    shop = Shop()
    result = both(
        shop.schema, "{ products { seller { boss { id } } } }", {"products": PRODUCTS[:1]}
    )
    assert result["data"] == {"products": [{"seller": {"boss": None}}]}
    assert all(None not in keys for _, keys, _ in shop.calls)


def test_an_exception_in_place_of_a_value_is_the_error_of_each_object_with_that_key() -> None:
    shop = Shop()
    schema = schema_of(SHOP.replace("seller: Seller!", "seller: Seller"))
    relate(schema, "Product.seller", BatchField("seller_id", shop.sellers))
    products = [{"seller_id": 9}, {"seller_id": 1}, {"seller_id": 9}, {}]
    result = answer(schema, "{ products { seller { id } } }", {"products": products}).formatted
    sellers = [product["seller"] for product in (result["data"] or {})["products"]]
    assert sellers == [None, {"id": "1"}, None, None]
    assert messages(result) == ["no seller 9", "no seller 9", "'seller_id'"]


@pytest.mark.parametrize("how", ["raises", "short", "raises later"])
def test_a_failed_load_is_the_error_of_every_object_with_a_key(how: str) -> None:
    async def later(_context: Any, _keys: Any, _args: Any) -> list[Any]:
        raise ConnectionError("down")

    def load(_context: Any, keys: list[Any], args: dict[str, Any]) -> Any:
        if how == "raises":
            raise ConnectionError("down")
        return [] if how == "short" else later(None, keys, args)

    schema = schema_of(SHOP.replace("Seller!", "Seller"))
    relate(schema, "Product.seller", BatchField("seller_id", load))
    root = {"products": [{"seller_id": 1}, {"seller_id": None}, {"seller_id": 2}]}
    result = answer(schema, "{ products { seller { id } } }", root)
    assert [error.path for error in result.errors or ()] == [
        ["products", 0, "seller"],
        ["products", 2, "seller"],
    ]


def test_a_load_may_answer_at_once() -> None:
    schema = schema_of(SHOP)
    relate(schema, "Product.tags", BatchField("id", lambda _c, keys, _a: [[str(k)] for k in keys]))
    result = execute(
        schema,
        parse("{ products { tags } }"),
        {"products": PRODUCTS},
        executor_class=BreadthFirstExecutor,
    )
    assert isinstance(result, ExecutionResult)
    assert not result.errors


def test_what_a_load_returns_is_not_awaited_again() -> None:
    class Ticket:
        def __await__(self) -> Any:
            raise AssertionError("awaited")

        def __str__(self) -> str:
            return "ticket"

    async def load(_context: Any, keys: list[Any], _args: Any) -> list[Any]:
        return [Ticket() for _ in keys]

    schema = schema_of(SHOP)
    relate(schema, "Product.title", BatchField("id", load))
    result = both(schema, "{ products { title } }", {"products": PRODUCTS[:1]})
    assert result["data"] == {"products": [{"title": "ticket"}]}


def test_an_extension_that_is_not_a_batch_field_is_refused() -> None:
    schema = schema_of(SHOP)
    field_of(schema, "Query.title").extensions[BATCH] = "loader"
    with pytest.raises(TypeError, match="must hold a BatchField"):
        answer(schema, "{ title }")


def test_a_declared_attribute_is_read_and_its_resolver_not_called() -> None:
    def never(*_: Any) -> str:
        raise AssertionError("called")

    schema = schema_of(SHOP, {"Query.title": never})
    field_of(schema, "Query.title").extensions[ATTRIBUTE] = "python_title"
    assert answer(schema, "{ title }", {"python_title": "t"}).data == {"title": "t"}

    class Root:
        python_title = "u"

    assert answer(schema, "{ title }", Root()).data == {"title": "u"}
    assert "python_title" in str(answer(schema, "{ title }", object()).errors)


def test_a_subclass_may_know_more_plain_attributes() -> None:
    class Knowing(BreadthFirstExecutor):
        @staticmethod
        def plain_attribute(field: Any, field_name: str) -> str | None:
            return "secret" if field_name == "hidden" else None

    schema = schema_of(SHOP)
    root = {"hidden": "no", "secret": "yes"}
    assert answer(schema, "{ hidden }", root).data == {"hidden": "no"}
    assert answer(schema, "{ hidden }", root, executor_class=Knowing).data == {"hidden": "yes"}


def test_a_resolver_that_changes_its_arguments_does_not_change_them_for_others() -> None:
    def tags(_source: Any, _info: Any, words: list[str]) -> list[str]:
        words.append("changed")
        return words

    schema = schema_of(
        'type P { tags(words: [String!] = ["d"]): [String!] } type Query { ps: [P] }',
        {"P.tags": tags},
    )
    text = '{ ps { tags(words: ["a"]) } }'
    for _ in range(2):
        result = both(schema, text, {"ps": [1, 2]})
        assert result["data"] == {"ps": [{"tags": ["a", "changed"]}] * 2}


def test_resolvers_of_any_shape_work_object_by_object() -> None:
    class Later:
        def __init__(self, value: Any) -> None:
            self.value = value

        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return self.value

    async def coroutine(source: Any, _info: Any) -> str:
        await asyncio.sleep(0)
        if source["id"] == 4:
            raise ValueError("four")
        return f"c{source['id']}"

    def mixed(source: Any, info: Any) -> Any:
        number = source["id"]
        if number % 3 == 0:
            return Later(f"l{number}")
        if number % 3 == 1:
            return asyncio.ensure_future(coroutine(source, info))
        return "now"

    schema = schema_of(SHOP, {"Product.title": mixed})
    result = both(schema, "{ products { title } }", {"products": PRODUCTS})
    titles = [product["title"] for product in result["data"]["products"]]
    assert titles == ["l0", "c1", "now", "l3", None, "now", "l6", "c7", "now"]


def test_a_fast_field_does_not_wait_for_a_slow_sibling() -> None:
    reached = asyncio.Event()

    async def slow(*_: Any) -> str:
        await asyncio.wait_for(reached.wait(), 5)
        return "slow"

    class Deep(Shop):
        async def tags(self, context: Any, keys: list[Any], args: dict[str, Any]) -> list[Any]:
            reached.set()
            return await super().tags(context, keys, args)

    shop = Deep()
    field_of(shop.schema, "Query.title").resolve = slow

    async def products(*_: Any) -> Any:
        await asyncio.sleep(0)
        return PRODUCTS

    field_of(shop.schema, "Query.products").resolve = products
    result = answer(shop.schema, "{ title products { tags } }")
    assert result.errors is None

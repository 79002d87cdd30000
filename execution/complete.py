"""Completes a column: turns what resolvers returned into values of the answer.

The rules are those of "Value Completion" (GraphQL specification, 6.4.3) as graphql-core
applies them. Each function here is a generator that yields the awaitables it needs and is
sent their outcomes, so that the same code serves synchronous and asynchronous executions.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Generator, Hashable, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from graphql.pyutils import Undefined, is_iterable

from .batch import BatchField, check_length, plain_reader
from .leaves import serialized, taken_over
from .objects import complete_objects
from .read import arguments_of
from .values import Broken, Failure

if TYPE_CHECKING:
    from .run import Column

Completed = Generator[list[Any], list[Any], list[Any]]

LISTS = frozenset((list, tuple))


def complete_column(
    column: Column, values: list[Any] | BatchField
) -> Generator[list[Any], list[Any], None]:
    """Complete the values of a field; load them first if they are declared as a relation."""
    settled = isinstance(values, BatchField)
    if isinstance(values, BatchField):
        values = yield from load(column, values)
    column.finish((yield from complete_level(column, 0, values, None, settled)))


def load(column: Column, batch: BatchField) -> Completed:
    """Return the values of a declared relation, loaded in one call."""
    arguments = arguments_of(column)
    if isinstance(arguments, Exception):
        return [arguments] * len(column.batch.sources)
    keys, known = keys_of(column.batch.sources, batch)
    if known:
        executor = column.run.executor
        wanted = list(known)
        try:
            chosen = column.field.chosen(executor.schema, executor.fragment_definitions)
            loaded: Any = batch.load_many(executor.context_value, wanted, dict(arguments), *chosen)
            if executor.is_awaitable(loaded):
                [loaded] = yield [loaded]
                if isinstance(loaded, Failure):
                    raise loaded.error
            check_length(loaded, len(wanted))
            if len(wanted) == len(keys):
                # Every object has a key of its own, so the values are in the objects' order.
                return list(loaded)
            known = dict(zip(wanted, loaded, strict=True))
        except Exception as error:
            known = dict.fromkeys(wanted, error)
    if Failure in set(map(type, keys)):
        return [key.error if type(key) is Failure else known.get(key) for key in keys]
    return list(map(known.get, keys))


def keys_of(sources: Sequence[Any], batch: BatchField) -> tuple[list[Any], dict[Hashable, Any]]:
    """Return the key of each object, and the distinct ones among them in their order.

    In place of a key that cannot be read or used is the mark of its error.
    """
    read: Any = batch.key
    known: dict[Hashable, Any]
    if isinstance(read, str):
        read = plain_reader(sources, read)
    try:
        keys = list(map(read, sources))
        known = dict.fromkeys(keys)
    except Exception:
        keys = []  # one of them fails: find out which
    # A StopIteration of a key ends the list and not the call, hence the length.
    if len(keys) == len(sources):
        known.pop(None, None)
        return keys, known
    keys = []
    known = {}
    for source in sources:
        try:
            key: Any = read(source)
            if key is not None:
                known[key] = None
        except Exception as error:
            key = Failure(error)
        keys.append(key)
    return keys, known


def complete_level(
    column: Column,
    level: int,
    values: list[Any],
    owners: Sequence[int] | None,
    settled: bool = False,
) -> Completed:
    """Complete values at one position of the field's type: the field, its items, their items.

    `owners` tells for each value which object of the batch it came from; None means one value
    an object. What was awaited once is not awaited again, and that is what `settled` says of
    all the values.
    """
    run, field = column.run, column.field
    if not settled and not set(map(type, values)) <= run.ordinary:
        waiting = run.awaitables(values)
        if waiting:
            outcomes = yield [values[index] for index in waiting]
            for index, outcome in zip(waiting, outcomes, strict=True):
                values[index] = outcome.error if type(outcome) is Failure else outcome
    if level < field.depth:
        return (yield from complete_lists(column, level, values, owners))
    if field.is_leaf:
        return (yield from complete_leaves(column, level, values))
    return (yield from complete_objects(column, level, values, owners))


def complete_leaves(column: Column, level: int, values: list[Any]) -> Completed:
    """Complete scalars and enums."""
    run, field = column.run, column.field
    if field.check is not None and taken_over(field.check, not field.non_null[level], values):
        return values
    if field.convert is not None:
        converted = serialized(field.convert, not field.non_null[level], values)
        if converted is not None:
            return list(converted)
    complete: Any = run.executor.complete_leaf_value
    base = field.base
    completed: list[Any] = []
    for value in values:
        try:
            if value is None or value is Undefined or isinstance(value, Exception):
                completed.append(column.blank(level, value))
            else:
                completed.append(complete(base, value))
        except Exception as error:
            completed.append(column.fail(level, error))
    if not set(map(type, completed)) <= run.ordinary:
        # graphql-core also waits for what the function of a scalar returns.
        waiting = run.awaitables(completed)
        if waiting:
            outcomes = yield [completed[index] for index in waiting]
            for index, outcome in zip(waiting, outcomes, strict=True):
                if type(outcome) is Failure:
                    outcome = column.fail(level, outcome.error)
                completed[index] = outcome
    return completed


def complete_lists(
    column: Column, level: int, values: list[Any], owners: Sequence[int] | None
) -> Completed:
    """Complete lists: all items of all lists together, as one longer column."""
    lists: list[Any] = values
    errors: dict[int, Exception] = {}
    if not set(map(type, values)) <= LISTS:
        lists = yield from open_lists(column, level, values, errors)
    inner: list[Any] = []
    items = list(chain.from_iterable(value for value in lists if type(value) in LISTS))
    if items:
        item_owners = None
        if column.field.needs_info:
            origin = range(len(lists)) if owners is None else owners
            item_owners = [
                owner
                for owner, value in zip(origin, lists, strict=True)
                if type(value) in LISTS
                for _ in value
            ]
        inner = yield from complete_level(column, level + 1, items, item_owners)
    completed: list[Any] = []
    end = 0
    for value in lists:
        if type(value) in LISTS:
            start, end = end, end + len(value)
            completed.append(inner[start:end])
        else:
            completed.append(value)
    for index, error in errors.items():
        completed[index] = Broken(completed[index], error)
    return completed


def open_lists(
    column: Column, level: int, values: list[Any], errors: dict[int, Exception]
) -> Completed:
    """Return a list or tuple for each value that has items, and what it completes to otherwise.

    Notes in `errors` which lists ended before their end.
    """
    run = column.run
    lists: list[Any] = []
    drained: list[int] = []
    awaitables: list[Any] = []
    stop_at_null = column.field.non_null[level + 1] and run.executor.error_propagation
    for index, value in enumerate(values):
        try:
            if type(value) in LISTS:
                lists.append(value)
            elif value is None or value is Undefined or isinstance(value, Exception):
                lists.append(column.blank(level, value))
            elif run.executor.is_async_iterable(value):
                lists.append(None)
                drained.append(index)
                awaitables.append(drain(value, stop_at_null))
            elif is_iterable(value):
                lists.append(collect(value))
            else:
                raise not_iterable(column)
        except Exception as error:
            lists.append(column.fail(level, error))
    if awaitables:
        outcomes = yield awaitables
        for index, outcome in zip(drained, outcomes, strict=True):
            if type(outcome) is Failure:
                outcome = column.fail(level, outcome.error)
            lists[index] = outcome
    for index, value in enumerate(lists):
        if type(value) is Broken:
            errors[index] = value.error
            column.fail(level, value.error)
            lists[index] = value.items
    return lists


def not_iterable(column: Column) -> GraphQLError:
    """Return the error of a list field whose value is not a list."""
    field = column.field
    return GraphQLError(
        "Expected Iterable, but did not find one for field"
        f" '{field.parent_type}.{field.field_name}'."
    )


def collect(iterable: Any) -> list[Any] | Broken:
    """Return the items, and the error if the iterator fails before its end."""
    items: list[Any] = []
    iterator = iter(iterable)
    try:
        items.extend(iterator)
    except Exception as error:
        return Broken(items, error)
    return items


async def drain(iterable: AsyncIterable[Any], stop_at_null: bool) -> list[Any] | Broken:
    """Return the items of an asynchronous iterable, and the error if it fails before its end.

    With `stop_at_null` a null or an error is the last item: the list is lost anyway, and the
    iterable may have no end.
    """
    items: list[Any] = []
    iterator = aiter(iterable)
    try:
        async for item in iterator:
            items.append(item)
            lost = item is None or item is Undefined or isinstance(item, Exception)
            if lost and stop_at_null:
                await close(iterator)
                break
    except Exception as error:
        await close(iterator)
        return Broken(items, error)
    return items


async def close(iterator: Any) -> None:
    """Tell an iterator that nobody reads on; it may have no way to be told."""
    early_return = getattr(iterator, "aclose", None)
    if early_return is not None:
        with suppress(Exception):
            await early_return()

"""Reads the values of one field over all objects of a batch.

A value that could not be read is the exception itself: an exception that a resolver returns
and one that it raises mean the same (graphql-core's `complete_value`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from graphql import default_field_resolver

from .arguments import shareable
from .batch import computed, plain_reader

if TYPE_CHECKING:
    from .run import Column

NOT_CALLABLE: frozenset[type] = frozenset(
    (str, int, float, bool, bytes, dict, list, tuple, set, frozenset, type(None))
)


def read_attribute(column: Column) -> list[Any]:
    """Return the declared attribute of each object."""
    values: list[Any] = []
    append = values.append
    sources = column.batch.sources
    read = plain_reader(sources, column.field.attribute)
    try:
        # A StopIteration of an attribute ends the list and not the call, hence the length.
        quick = list(map(read, sources))
    except Exception:
        quick = []
    if len(quick) == len(sources):
        return checked_arguments(column, quick)
    for source in sources:
        try:
            append(read(source))
        except Exception as error:
            append(error)
    return checked_arguments(column, values)


def read_column(column: Column) -> list[Any]:
    """Return what a declared column computes for the objects; raises what it raises."""
    arguments = arguments_of(column)
    if isinstance(arguments, Exception):
        return [arguments] * len(column.batch.sources)
    declared: Any = column.field.column
    return computed(
        declared, column.run.executor.context_value, column.batch.sources, dict(arguments)
    )


def checked_arguments(column: Column, values: list[Any]) -> list[Any]:
    """Return the values, or the error of the arguments for each of them.

    A plain field does not use its arguments, but bad ones are still an error.
    """
    if not column.field.definition.args:
        return values
    arguments = arguments_of(column)
    return [arguments] * len(values) if isinstance(arguments, Exception) else values


def read_default(column: Column) -> list[Any]:
    """Return what `default_field_resolver` would for each object.

    If the executor was given another resolver for fields without one, return what that does.
    """
    field = column.field
    executor = column.run.executor
    if field.resolve is None and executor.field_resolver is not default_field_resolver:
        return read_resolver(column)
    name = field.field_name
    sources = column.batch.sources
    values: list[Any]
    if column.batch.dictionaries:
        try:
            values = list(map(itemgetter(name), sources))
        except KeyError:
            values = [source.get(name) for source in sources]
    else:
        values = []
        append = values.append
        mapping = any(issubclass(class_, Mapping) for class_ in set(map(type, sources)))
        for source in sources:
            try:
                if mapping and isinstance(source, Mapping):
                    append(source.get(name))
                else:
                    append(getattr(source, name, None))
            except Exception as error:
                append(error)
    if not set(map(type, values)) <= NOT_CALLABLE and any(map(callable, values)):
        return call_methods(column, values)
    return checked_arguments(column, values)


def call_methods(column: Column, values: list[Any]) -> list[Any]:
    """Replace each callable by what it returns, as `default_field_resolver` does."""
    arguments = arguments_for_each(column)
    infos = column.infos()
    for index, value in enumerate(values):
        given = arguments[index]
        if isinstance(given, Exception):
            values[index] = given
        elif callable(value):
            try:
                values[index] = value(infos[index], **given)
            except Exception as error:
                values[index] = error
    return values


def read_resolver(column: Column) -> list[Any]:
    """Return what the field's resolver returns or raises for each object."""
    resolve = column.field.resolve or column.run.executor.field_resolver
    values: list[Any] = []
    append = values.append
    for source, info, arguments in zip(
        column.batch.sources, column.infos(), arguments_for_each(column), strict=True
    ):
        if isinstance(arguments, Exception):
            append(arguments)
            continue
        try:
            append(resolve(source, info, **arguments))
        except Exception as error:
            append(error)
    return values


def arguments_of(column: Column) -> dict[str, Any] | Exception:
    """Return the coerced arguments, or the error of coercing them."""
    executor = column.run.executor
    try:
        return column.field.arguments.read(executor.variable_values, executor.hide_suggestions)
    except Exception as error:
        return error


def arguments_for_each(column: Column) -> Sequence[dict[str, Any] | Exception]:
    """Return the arguments for each object; coerced anew if a resolver could change them."""
    count = len(column.batch.sources)
    arguments = arguments_of(column)
    if count == 1 or (not isinstance(arguments, Exception) and shareable(arguments)):
        return [arguments] * count
    return [arguments, *(arguments_of(column) for _ in range(count - 1))]

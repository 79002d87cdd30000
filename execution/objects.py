"""Completes objects: finds their types, and makes one batch of all objects of each type."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, default_type_resolver
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Undefined

from .values import Failure

if TYPE_CHECKING:
    from .run import Column

Completed = Generator[list[Any], list[Any], list[Any]]

NONE = type(None)
UNDEFINED = type(Undefined)


def complete_objects(
    column: Column, level: int, values: list[Any], owners: Sequence[int] | None
) -> Completed:
    """Return a dictionary for each object, still empty, and hand the objects on as batches."""
    run, field = column.run, column.field
    present: Sequence[int] = range(len(values))
    completed: list[Any] = [None] * len(values)
    classes = set(map(type, values))
    if NONE in classes or not (
        classes <= run.ordinary
        or all(class_ is not UNDEFINED and not issubclass(class_, Exception) for class_ in classes)
    ):
        present = []
        for index, value in enumerate(values):
            if value is None or value is Undefined or isinstance(value, Exception):
                completed[index] = column.blank(level, value)
            else:
                present.append(index)
    groups: dict[GraphQLObjectType, Sequence[int]]
    if not field.is_abstract:
        groups = {field.base: present}  # type: ignore[dict-item]
    else:
        known = one_type(column, classes) if len(present) == len(values) else None
        if known is not None:
            groups = {known: present}
        else:
            groups = yield from group_by_type(column, level, values, present, owners, completed)
    if field.needs_info:
        for object_type, members in groups.items():
            if object_type.is_type_of is not None and not all_of(column, object_type, classes):
                groups[object_type] = yield from check_type(
                    column, level, object_type, values, members, owners, completed
                )
    # Nothing is awaited from here on: the dictionaries are in their places before the batches
    # run, and paths are found by looking there.
    for object_type, members in groups.items():
        if not members:
            continue
        try:
            plan = run.selection(column, object_type)
        except Exception as error:
            for index in members:
                completed[index] = column.fail(level, error)
            continue
        outs = list(map(dict.copy, repeat(plan.template, len(members))))
        if len(members) == len(values):
            run.add(plan, values, outs, column)
            return outs
        run.add(plan, [values[index] for index in members], outs, column)
        for index, out in zip(members, outs, strict=True):
            completed[index] = out
    return completed


def one_type(column: Column, classes: set[type]) -> GraphQLObjectType | None:
    """Return the type that all values of these classes are known to be of, or None."""
    names = set(map(column.run.executor.type_of_class, classes))
    if len(names) != 1:
        return None
    [name] = names
    return None if name is None else column.field.runtime_types.get(name)


def all_of(column: Column, object_type: GraphQLObjectType, classes: set[type]) -> bool:
    """Tell whether all values are known to be of the type, by their classes."""
    name_of = column.run.executor.type_of_class
    return all(class_ is NONE or name_of(class_) == object_type.name for class_ in classes)


def group_by_type(
    column: Column,
    level: int,
    values: list[Any],
    present: Sequence[int],
    owners: Sequence[int] | None,
    completed: list[Any],
) -> Generator[list[Any], list[Any], dict[GraphQLObjectType, Sequence[int]]]:
    """Return the positions of the values of each type; note an error where there is no type."""
    run, field = column.run, column.field
    executor = run.executor
    base: Any = field.base
    resolve_type = base.resolve_type or executor.type_resolver
    by_typename = resolve_type is default_type_resolver
    name_of = executor.type_of_class
    names: list[Any] = []
    for index in present:
        value = values[index]
        name = name_of(type(value))
        if name is not None:
            names.append(name)
            continue
        if by_typename and type(value) is dict:
            name = value.get("__typename")
            if type(name) is str:
                names.append(name)
                continue
        try:
            owner = index if owners is None else owners[index]
            names.append(resolve_type(value, column.infos()[owner], base))
        except Exception as error:
            names.append(Failure(error))
    if not set(map(type, names)) <= run.ordinary:
        waiting = run.awaitables(names)
        if waiting:
            outcomes = yield [names[at] for at in waiting]
            for at, outcome in zip(waiting, outcomes, strict=True):
                names[at] = outcome
    groups: dict[GraphQLObjectType, Sequence[int]] = {}
    for index, name in zip(present, names, strict=True):
        object_type = field.runtime_types.get(name) if type(name) is str else None
        try:
            if type(name) is Failure:
                raise name.error
            if object_type is None:
                owner = index if owners is None else owners[index]
                object_type = executor.ensure_valid_runtime_type(
                    name, base, field.details, column.infos()[owner], values[index]
                )
                field.runtime_types[object_type.name] = object_type
        except Exception as error:
            completed[index] = column.fail(level, error)
            continue
        groups.setdefault(object_type, []).append(index)  # type: ignore[attr-defined]
    return groups


def check_type(
    column: Column,
    level: int,
    object_type: GraphQLObjectType,
    values: list[Any],
    members: Sequence[int],
    owners: Sequence[int] | None,
    completed: list[Any],
) -> Generator[list[Any], list[Any], Sequence[int]]:
    """Return the positions whose values are of the type, as its `is_type_of` says."""
    run, field = column.run, column.field
    is_type_of: Any = object_type.is_type_of
    name_of, name = run.executor.type_of_class, object_type.name
    verdicts: list[Any] = []
    for index in members:
        if name_of(type(values[index])) == name:
            verdicts.append(True)
            continue
        try:
            owner = index if owners is None else owners[index]
            verdicts.append(is_type_of(values[index], column.infos()[owner]))
        except Exception as error:
            verdicts.append(Failure(error))
    if not set(map(type, verdicts)) <= run.ordinary:
        waiting = run.awaitables(verdicts)
        if waiting:
            outcomes = yield [verdicts[at] for at in waiting]
            for at, outcome in zip(waiting, outcomes, strict=True):
                verdicts[at] = outcome
    remaining = []
    for index, verdict in zip(members, verdicts, strict=True):
        if type(verdict) is Failure:
            completed[index] = column.fail(level, verdict.error)
        elif verdict:
            remaining.append(index)
        else:
            wrong = invalid_return_type_error(object_type, values[index], field.details)
            completed[index] = column.fail(level, wrong)
    return remaining

"""Completes whole columns of leaf values when they are already what the scalar would make.

Only the five scalars of the specification are known here, and only values on which they are
the identity; everything else goes through the type's own `coerce_output_value`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLNamedType,
    GraphQLScalarType,
    GraphQLString,
)
from graphql.pyutils import Undefined

NONE = type(None)
UNDEFINED = type(Undefined)

LeafColumn = Callable[[Sequence[Any]], Sequence[Any] | None]

Check = Callable[[set[type], Sequence[Any]], bool]


def _text(classes: set[type], _values: Sequence[Any]) -> bool:
    return classes == {str}


def _boolean(classes: set[type], _values: Sequence[Any]) -> bool:
    return classes == {bool}


def _integer(classes: set[type], values: Sequence[Any]) -> bool:
    return classes == {int} and min(values) >= GRAPHQL_MIN_INT and max(values) <= GRAPHQL_MAX_INT


def _float(classes: set[type], values: Sequence[Any]) -> bool:
    return classes == {float} and all(map(isfinite, values))


_IDENTITIES: tuple[tuple[GraphQLScalarType, Check], ...] = (
    (GraphQLString, _text),
    (GraphQLID, _text),
    (GraphQLBoolean, _boolean),
    (GraphQLInt, _integer),
    (GraphQLFloat, _float),
)

# Each check goes with the function it stands for: a program may have replaced it.
_CHECKS: tuple[tuple[GraphQLScalarType, Any, Check], ...] = tuple(
    (scalar, scalar.coerce_output_value, check) for scalar, check in _IDENTITIES
)


def whole_column_check(base: GraphQLNamedType) -> Check | None:
    """Return a test whether a column without nulls needs no coercion, or None for other types.

    The test is given the classes that occur in the column, and the column. It only accepts
    values that the scalar returns unchanged, so True means that coercion may be left out.
    """
    for scalar, coerce, check in _CHECKS:
        if base is scalar:
            return check if scalar.coerce_output_value == coerce else None
    return None


def serialized(convert: LeafColumn, nullable: bool, values: Sequence[Any]) -> Sequence[Any] | None:
    """Return the column as the type serialises it, nulls included, or None when that is unsure.

    An error is left to be found value by value, and so is a conversion that gave more or fewer
    values than it was given, or a null.
    """
    classes = set(map(type, values))
    if any(class_ is UNDEFINED or issubclass(class_, Exception) for class_ in classes):
        return None
    present = values
    if NONE in classes:
        if not nullable:
            return None
        present = [value for value in values if value is not None]
    try:
        converted = convert(present)
        if converted is None or len(converted) != len(present):
            return None
        made = set(map(type, converted))
    except Exception:
        return None
    if NONE in made or UNDEFINED in made:
        return None
    if present is values:
        return converted
    rest = iter(converted)
    return [None if value is None else next(rest) for value in values]


def taken_over(check: Check, nullable: bool, values: Sequence[Any]) -> bool:
    """Tell whether a column, nulls included, is already what completing it would make of it."""
    classes = set(map(type, values))
    if NONE not in classes:
        return check(classes, values)
    if not nullable:
        return False
    classes.discard(NONE)
    return not classes or check(classes, [value for value in values if value is not None])

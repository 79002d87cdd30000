"""Reads the arguments of a field: once for all objects of a level, if that cannot be noticed.

Anything out of the ordinary is left to graphql-core's own `get_argument_values`, which also
words every error.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from graphql import FieldNode, GraphQLField, Node, VariableNode, is_non_null_type
from graphql.execution.values import VariableValues, get_argument_values

# A resolver may change what it is given. Only values of these types can be given to two
# resolvers, or kept for the next request, without one of them seeing the other's changes.
UNCHANGEABLE = frozenset(
    (str, int, float, bool, type(None), bytes, Decimal, UUID, date, datetime, time, timedelta)
)


class ArgumentReader:
    """The arguments of one field in one document.

    What is the same in every request (literals, defaults) is read once, where it may be shared;
    after that only the variables are looked up.
    """

    __slots__ = ("_field", "_fixed", "_node", "_variables")

    def __init__(self, field: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._node = node
        self._variables = _variables(field, node)
        self._fixed: dict[str, Any] | None = None if field.args else {}

    def read(self, variables: VariableValues, hide_suggestions: bool) -> dict[str, Any]:
        """Return the coerced arguments.

        The dictionary is not the caller's to change. Raises GraphQLError as
        `get_argument_values` does.
        """
        fixed = self._fixed
        if fixed is not None:
            if not self._variables:
                return fixed
            arguments = fixed.copy()
            coerced = variables.coerced
            for out_name, name, nullable in self._variables:
                value = coerced.get(name)
                if value is None and (name not in coerced or not nullable):
                    break
                arguments[out_name] = value
            else:
                return arguments
        arguments = get_argument_values(self._field, self._node, variables, None, hide_suggestions)
        if fixed is None and self._variables is not None:
            self._fixed = self._without_variables(arguments)
        return arguments

    def _without_variables(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Return the arguments in their order, with None in the place of each variable; or None
        when the others may not be shared."""
        fixed: dict[str, Any] = {}
        varying = {out_name for out_name, _, _ in self._variables or ()}
        for name, argument in self._field.args.items():
            out_name = argument.out_name or name
            if out_name in varying:
                fixed[out_name] = None
            elif out_name in arguments:
                fixed[out_name] = arguments[out_name]
        return fixed if shareable(fixed) else None


def shareable(arguments: dict[str, Any]) -> bool:
    """Tell whether two resolvers may be given the same values without noticing."""
    return all(
        type(value) in UNCHANGEABLE or isinstance(value, Enum) for value in arguments.values()
    )


def _variables(field: GraphQLField, node: FieldNode) -> tuple[tuple[str, str, bool], ...] | None:
    """Return the arguments that are a variable: the name to give, the variable's, whether it may
    be null. None when a variable stands anywhere else."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    found = []
    for name, argument in field.args.items():
        value = given.get(name)
        if isinstance(value, VariableNode):
            nullable = not is_non_null_type(argument.type)
            found.append((argument.out_name or name, value.name.value, nullable))
        elif value is not None and _has_variable(value):
            return None
    return tuple(found)


def _has_variable(node: Node) -> bool:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, VariableNode):
            return True
        for key in node.keys:
            value = getattr(node, key) if key != "loc" else None
            if isinstance(value, Node):
                stack.append(value)
            elif isinstance(value, list | tuple):
                stack.extend(item for item in value if isinstance(item, Node))
    return False

"""What an operation costs, as a sum that can be worked out when the variables are known. A rule of
figures only: knows no document, no budget and no error.

The rule (spec/01-api-conventions.md#limits): a leaf costs 0, an object 1; a list or a connection
multiplies what it holds by its length; a mutation costs 10 more. The length is `first` or `last`
(20 when left out), the number of `ids`, or what the field declares, else 12. An introspection costs
1 for each field selected. What is selected twice counts twice; of the alternatives of a union or
interface the dearest counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ValueNode,
    VariableNode,
)

from core.pages import DEFAULT_PAGE, MAX_PAGE
from graph.definitions import metadata_of

MUTATION = 10
ASSUMED_LENGTH = 12
METADATA_KEY = "cost"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a field says of its own cost: `points` for itself, `length` of its list."""

    points: int | None = None
    length: int | None = None


def declared(*, points: int | None = None, length: int | None = None) -> dict[str, Declared]:
    """Metadata of a field that costs `points` itself, or whose list is assumed `length` long:
    `strawberry.field(metadata=declared(length=3))`."""
    return {METADATA_KEY: Declared(points, length)}


class Values:
    """The variables of one request, and the sums already worked out with them: a fragment that is
    spread often is worked out once."""

    def __init__(self, variables: Mapping[str, Any] | None, defaults: Mapping[str, Any]) -> None:
        self._variables = variables or {}
        self._defaults = defaults
        self._sums: dict[int, int] = {}

    def variable(self, name: str) -> Any:
        """The value of a variable as it was sent, else its default, else None."""
        return self._variables.get(name, self._defaults.get(name))

    def work_out(self, cost: "Cost") -> int:
        """The cost in points."""
        if isinstance(cost, int):
            return cost
        known = self._sums.get(id(cost))
        if known is None:
            known = self._sums[id(cost)] = cost.points(self)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Several costs together."""

    fixed: int
    parts: "tuple[Cost, ...]"

    def points(self, values: Values) -> int:
        """The cost in points."""
        return self.fixed + sum(values.work_out(part) for part in self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A cost as often as a list is long."""

    length: "int | Length"
    each: "Cost"

    def points(self, values: Values) -> int:
        """The cost in points."""
        length = self.length if isinstance(self.length, int) else self.length.items(values)
        return length * values.work_out(self.each)


@dataclass(frozen=True, slots=True, eq=False)
class Dearest:
    """The dearest of several costs of which one occurs."""

    options: "tuple[Cost, ...]"

    def points(self, values: Values) -> int:
        """The cost in points."""
        return max(values.work_out(option) for option in self.options)


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """A cost that occurs when a variable is `wanted`."""

    variable: str
    wanted: bool
    then: "Cost"

    def points(self, values: Values) -> int:
        """The cost in points."""
        occurs = values.variable(self.variable) is self.wanted
        return values.work_out(self.then) if occurs else 0


@dataclass(frozen=True, slots=True, eq=False)
class Length:
    """How many items a list has, by the arguments that were given."""

    arguments: tuple[ValueNode, ...]

    def items(self, values: Values) -> int:
        """The length with these variables."""
        return _length([given(argument, values) for argument in self.arguments])


Cost: TypeAlias = int | Sum | Times | Dearest | When


def together(costs: Iterable[Cost]) -> Cost:
    """The sum of costs."""
    fixed = 0
    parts = []
    for cost in costs:
        if isinstance(cost, int):
            fixed += cost
        else:
            parts.append(cost)
    return Sum(fixed, tuple(parts)) if parts else fixed


def times(length: int | Length, each: Cost) -> Cost:
    """The cost of a list."""
    if isinstance(length, int) and isinstance(each, int):
        return length * each
    return Times(length, each)


def dearest(options: list[Cost]) -> Cost:
    """The dearest of the options, 0 without any."""
    if all(isinstance(option, int) for option in options):
        return max((option for option in options if isinstance(option, int)), default=0)
    return Dearest(tuple(options))


def length_of(field: GraphQLField, node: FieldNode) -> int | Length:
    """How long the list or connection of a field is."""
    names = {"ids"} if "ids" in field.args else {"first", "last"} & set(field.args)
    if not names:
        said = declaration(field).length
        return ASSUMED_LENGTH if said is None else said
    arguments = tuple(a.value for a in node.arguments or () if a.name.value in names)
    length = Length(arguments)
    if any(isinstance(value, VariableNode) for value in arguments):
        return length
    return length.items(Values(None, {}))


def declaration(field: GraphQLField) -> Declared:
    """What the field declares of its cost."""
    found = metadata_of(field).get(METADATA_KEY)
    return found if isinstance(found, Declared) else Declared()


def given(argument: ValueNode, values: Values) -> Any:
    """An argument as far as its length matters: a number, a list, None, or 1 for anything else."""
    if isinstance(argument, VariableNode):
        return values.variable(argument.name.value)
    if isinstance(argument, IntValueNode):
        # Python refuses to read integers of thousands of digits.
        return int(argument.value) if len(argument.value) < 10 else MAX_PAGE
    if isinstance(argument, ListValueNode):
        return argument.values
    return None if isinstance(argument, NullValueNode) else 1


def _length(sizes: list[Any]) -> int:
    lengths = []
    for value in sizes:
        if isinstance(value, list | tuple):
            lengths.append(len(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # A page never has more than MAX_PAGE items: a larger `first` is refused by its field.
            lengths.append(int(min(max(value, 0), MAX_PAGE)))
    return max(lengths, default=DEFAULT_PAGE)

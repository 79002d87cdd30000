"""One walk over a document: how deep, how wide and how dear its operations are, with their
fragments as if they were written out. Looks at each fragment once, so that fragments of fragments
cost nothing; refuses nothing and knows no limit but that of its own recursion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_object_type,
)

from graph import cost
from graph.cost import Cost

INTROSPECTION = ("__schema", "__type")
INTROSPECTION_DEPTH = 8
# A selected field of the introspection stands for many answers; what everybody asks must stay
# cheap.
INTROSPECTION_POINTS = 2
"""How much deeper than data an introspection may go: types are described by nested types."""

_NESTED = 60


class NestedTooDeeply(Exception):
    """The document nests selections or fragments further than any sensible depth."""


class Shape(NamedTuple):
    """Figures of a selection set, fragments written out. `selections` counts its fields and
    fragments, `selected` its fields alone; `aliases` counts repeated selections as well, which cost
    validation as much. `nesting` are levels of selection sets, `depth` those of fields."""

    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    directives: int = 0
    selections: int = 0
    selected: int = 0
    longest_list: int = 0
    introspects: bool = False
    cost: Cost = 0


_NOTHING = Shape()


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of an operation: its shape, how many root fields it has, the defaults of its
    variables."""

    shape: Shape
    roots: int
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentFigures:
    """The figures of all operations by name, the first of several with one name, and of the
    fragments that none of them spreads: validation looks at those as well."""

    operations: Mapping[str | None, Measured]
    unused: Shape


def measure(schema: GraphQLSchema, document: DocumentNode) -> DocumentFigures:
    """Measures a document, which may be invalid, visiting each of its nodes once. Raises
    NestedTooDeeply."""
    found = document.definitions
    fragments = {n.name.value: n for n in found if isinstance(n, FragmentDefinitionNode)}
    walk = _Walk(schema, fragments)
    operations: dict[str | None, Measured] = {}
    for node in found:
        if isinstance(node, OperationDefinitionNode):
            name = node.name.value if node.name else None
            operations.setdefault(name, _operation(schema, walk, node, fragments))
    return DocumentFigures(operations, walk.unused())


def _operation(
    schema: GraphQLSchema,
    walk: "_Walk",
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Measured:
    shape = walk.whole(operation.selection_set, schema.get_root_type(operation.operation))
    roots = _root_fields(operation.selection_set, fragments)
    points = shape.cost
    if operation.operation is OperationType.MUTATION:
        points = cost.together([points, cost.MUTATION * roots])
    nothing = cost.Values(None, {})
    definitions = operation.variable_definitions or ()
    defaults = {
        definition.variable.name.value: _value(definition.default_value, nothing)
        for definition in definitions
        if definition.default_value is not None
    }
    values = [d.default_value for d in definitions if d.default_value is not None]
    around = [*(operation.directives or ())]
    for definition in definitions:
        around.extend(definition.directives or ())
    longest = max(_longest_list(values), _longest_argument(around))
    outer = Shape(directives=len(around), longest_list=longest)
    return Measured(_joined([outer, shape], points), roots, defaults)


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> int:
    """How many response names an operation has at its own level."""
    names: set[str] = set()
    spread: set[str] = set()
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                names.add(node.alias.value if node.alias else node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)
    return len(names)


def _value(value: ValueNode, values: cost.Values) -> Any:
    return value.value if isinstance(value, BooleanValueNode) else cost.given(value, values)


def _joined(shapes: list[Shape], points: Cost | None = None) -> Shape:
    if not shapes:
        return _NOTHING
    depths, nestings, aliases, directives, selections, selected, lists, introspect, costs = zip(
        *shapes, strict=True
    )
    return Shape(
        depth=max(depths),
        nesting=max(nestings),
        aliases=sum(aliases),
        directives=sum(directives),
        selections=sum(selections),
        selected=sum(selected),
        longest_list=max(lists),
        introspects=any(introspect),
        cost=cost.together(costs) if points is None else points,
    )


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._seen: dict[str, Shape] = {}

    def whole(self, found: SelectionSetNode, parent: GraphQLNamedType | None) -> Shape:
        """The figures of an operation's selection set. Raises NestedTooDeeply."""
        return _nested_within(self.selections(found, parent, 0))

    def unused(self) -> Shape:
        """The figures of all fragments together that were spread nowhere so far. Raises
        NestedTooDeeply."""
        unseen = [name for name in self._fragments if name not in self._seen]
        return _nested_within(_joined([self._fragment(name, 0)[0] for name in unseen]))

    def selections(
        self, found: SelectionSetNode, parent: GraphQLNamedType | None, level: int
    ) -> Shape:
        """The figures of a selection set on a type; None is a type that does not exist."""
        if level > _NESTED:
            raise NestedTooDeeply
        common: list[Cost] = []
        alternatives: dict[str, list[Cost]] = {}
        shapes = []
        for selection in found.selections:
            shape, condition = self._selection(selection, parent, level)
            points = _conditioned(selection.directives or (), shape.cost)
            if condition is not None and is_abstract_type(parent) and is_object_type(condition):
                alternatives.setdefault(condition.name, []).append(points)
            else:
                common.append(points)
            shapes.append(shape)
        repeated = len(shapes) - len({_key(selection) for selection in found.selections})
        options = [cost.together(points) for points in alternatives.values()]
        joined = _joined(shapes, cost.together([*common, cost.dearest(options)]))
        return joined._replace(
            nesting=joined.nesting + 1,
            aliases=joined.aliases + repeated,
            selections=joined.selections + len(shapes),
        )

    def _selection(
        self, node: SelectionNode, parent: GraphQLNamedType | None, level: int
    ) -> tuple[Shape, GraphQLNamedType | None]:
        if isinstance(node, FieldNode):
            shape, condition = self._field(node, parent, level), None
        elif isinstance(node, FragmentSpreadNode):
            shape, condition = self._fragment(node.name.value, level)
        elif isinstance(node, InlineFragmentNode):
            condition = parent
            if node.type_condition is not None:
                condition = self._schema.get_type(node.type_condition.name.value)
            shape = self.selections(node.selection_set, condition, level + 1)
        else:
            return Shape(), None
        if not node.directives:
            return shape, condition
        longest = _longest_argument(node.directives)
        return _joined(
            [shape, Shape(directives=len(node.directives), longest_list=longest)]
        ), condition

    def _fragment(self, name: str, level: int) -> tuple[Shape, GraphQLNamedType | None]:
        definition = self._fragments.get(name)
        if definition is None:
            return Shape(), None
        condition = self._schema.get_type(definition.type_condition.name.value)
        if name not in self._seen:
            # A fragment within itself counts nothing here; validation refuses the document.
            self._seen[name] = Shape()
            inner = self.selections(definition.selection_set, condition, level + 1)
            own = Shape(directives=len(definition.directives or ()))
            self._seen[name] = _joined([own, inner])
        return self._seen[name], condition

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> Shape:
        name = node.name.value
        field = None
        if isinstance(parent, GraphQLObjectType) or is_abstract_type(parent):
            field = self._schema.get_field(parent, name)
        type_ = None if field is None else get_named_type(field.type)
        inner = _NOTHING
        if node.selection_set is not None:
            inner = self.selections(node.selection_set, type_, level + 1)
        depth = 1 + inner.depth
        points = inner.cost
        selected = 1 + inner.selected
        described = parent is not None and parent.name.startswith("__")
        if name in INTROSPECTION:
            depth = max(1, depth - INTROSPECTION_DEPTH)
            points = selected * INTROSPECTION_POINTS
        elif not described and field is not None:
            said = cost.declaration(field).points
            own = int(node.selection_set is not None) if said is None else said
            of_page = _is_connection(parent) and name in ("edges", "nodes")
            points = _points(field, node, own, inner.cost, of_page)
        return Shape(
            depth=depth,
            nesting=inner.nesting,
            aliases=inner.aliases + int(node.alias is not None),
            directives=inner.directives,
            selections=inner.selections,
            selected=selected,
            longest_list=max(
                inner.longest_list, _longest_list(a.value for a in node.arguments or ())
            ),
            introspects=inner.introspects or name in INTROSPECTION,
            cost=points,
        )


def _nested_within(shape: Shape) -> Shape:
    # A fragment that was looked at before may lie deeper here than the walk has gone itself.
    if shape.nesting > _NESTED:
        raise NestedTooDeeply
    return shape


def _points(field: GraphQLField, node: FieldNode, own: int, inside: Cost, of_page: bool) -> Cost:
    type_ = get_named_type(field.type)
    if node.selection_set is None or type_.name == "PageInfo":
        return own if node.selection_set is None else 0
    if _is_connection(type_):
        return cost.together([own, cost.times(cost.length_of(field, node), inside)])
    each = cost.together([own, inside])
    # The length of a page was counted where the connection was asked for.
    if of_page or not is_list_type(get_nullable_type(field.type)):
        return each
    return cost.times(cost.length_of(field, node), each)


def _is_connection(type_: Any) -> bool:
    if not isinstance(type_, GraphQLObjectType):
        return False
    return "pageInfo" in type_.fields and ("edges" in type_.fields or "nodes" in type_.fields)


def _key(node: SelectionNode) -> tuple[str, str]:
    if isinstance(node, FieldNode):
        return "field", node.alias.value if node.alias else node.name.value
    if isinstance(node, FragmentSpreadNode):
        return "spread", node.name.value
    if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
        return "on", node.type_condition.name.value
    return "on", ""


def _conditioned(directives: Iterable[DirectiveNode], points: Cost) -> Cost:
    for directive in directives:
        if directive.name.value not in ("skip", "include"):
            continue
        wanted = directive.name.value == "include"
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                points = cost.When(argument.value.name.value, wanted, points)
            elif isinstance(argument.value, BooleanValueNode) and argument.value.value != wanted:
                points = 0
    return points


def _longest_argument(directives: Iterable[DirectiveNode]) -> int:
    return _longest_list(a.value for directive in directives for a in directive.arguments or ())


def _longest_list(values: Iterable[ValueNode]) -> int:
    longest = 0
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, ListValueNode):
            longest = max(longest, len(value.values))
            waiting.extend(value.values)
        elif isinstance(value, ObjectValueNode):
            waiting.extend(field.value for field in value.fields)
    return longest

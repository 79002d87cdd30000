"""Fields that are columns of their object's row, declared and not coded: a read then selects no
more than was asked for, and an executor computes them for all objects of a level at once. Must not
run SQL or hold a rule."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
)
from strawberry.types.field import StrawberryField

from core.database import Columns
from core.ids import encode_ids
from core.pages import PLACES
from execution import Selection
from graph.context import Context, Info
from graph.definitions import metadata_of
from graph.kept import AS_ITS_PARENT, KEPT, kept_for

COLUMN: Final = "column"
NEEDS: Final = "needs"
PLACE: Final = "place"
RELATION: Final = "relation"


@dataclass(frozen=True, slots=True)
class Derived:
    """How a field comes of its object's row: the columns that it needs, and `compute`, which gives
    its values for many objects."""

    columns: tuple[str, ...]
    compute: Callable[[Context, Sequence[Any]], list[Any]]


def stored(
    column: str,
    *,
    description: str,
    words: type[Enum] | None = None,
    kept: int | None = None,
) -> Any:
    """A field whose value is the column itself; with `words` a member of that enum. `kept` is how
    many seconds caches may keep it (graph/kept.py), here and below."""
    if words is None:

        def compute(_: Context, sources: Sequence[Any]) -> list[Any]:
            return [source.row[column] for source in sources]

    else:
        members: dict[Any, Any] = {None: None, **{member.value: member for member in words}}

        def compute(_: Context, sources: Sequence[Any]) -> list[Any]:
            return [members[source.row[column]] for source in sources]

    return declared_column(Derived((column,), compute), description, kept)


def computed(
    compute: Callable[[Sequence[Any]], list[Any]],
    *columns: str,
    description: str,
    kept: int | None = None,
) -> Any:
    """A field as `derived`, of which a page shows so many that `compute` makes them for many
    objects in one go. Pure."""
    return declared_column(Derived(columns, lambda _, sources: compute(sources)), description, kept)


def derived(
    of: Callable[[Any], Any], *columns: str, description: str, kept: int | None = None
) -> Any:
    """A field whose value is made of these columns: `of` makes it of the object. Pure."""

    def compute(_: Context, sources: Sequence[Any]) -> list[Any]:
        return [of(source) for source in sources]

    return declared_column(Derived(columns, compute), description, kept)


def addressed(
    compute: Callable[[Sequence[Any], str], list[str]],
    *columns: str,
    description: str,
    kept: int | None = None,
) -> Any:
    """A field that is an address on this server: `compute` makes those of many objects, given the
    address where clients reach the server. Pure."""

    def here(context: Context, sources: Sequence[Any]) -> list[str]:
        return compute(sources, context.services.settings.base_url)

    return declared_column(Derived(columns, here), description, kept)


def needs(*columns: str, kept: int | None = None) -> dict[str, Any]:
    """Metadata of a field with a resolver of its own, such as one that takes arguments, which reads
    no more of the object's row than these columns."""
    return {NEEDS: columns, **kept_for(kept)}


def row_id(prefix: str, *, kept: int | None = None) -> Any:
    """The public id of the object, by the column `id` of its row."""
    return computed(
        lambda sources: encode_ids(prefix, [source.row["id"].bytes for source in sources]),
        "id",
        description="The object's id: a prefix that tells its type and a ULID. Opaque to clients.",
        kept=kept,
    )


def declared_column(declared: Derived, description: str, kept: int | None) -> StrawberryField:
    """The field of a column, or of what is made of some; `kept` as in graph/kept.py."""

    def resolve(root: Any, info: Info) -> Any:
        [value] = declared.compute(info.context, [root])
        return value

    made: StrawberryField = strawberry.field(
        resolver=resolve,
        description=description,
        metadata={COLUMN: declared, **kept_for(kept)},
    )
    return made


def columns_asked(selection: Selection) -> Columns:
    """The columns of the rows below a field that the document asks for, whatever `@skip` and
    `@include` then leave out, and `PLACES` where it asks for the places in a list; None when
    something is asked for of which that is not known. Visits each fragment once, however often it
    is spread: what it selects depends on its own type alone."""
    found: set[str] = set()
    spread: set[str] = set()
    type_ = get_named_type(selection.type)
    waiting: list[tuple[Any, SelectionSetNode]] = [
        (type_, node.selection_set) for node in selection.nodes if node.selection_set
    ]
    while waiting:
        owner, chosen = waiting.pop()
        for node in chosen.selections:
            if isinstance(node, FieldNode):
                if not _note(owner, node, found, waiting):
                    return None
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                fragment = selection.fragments[node.name.value]
            condition = fragment.type_condition
            inner = selection.schema.get_type(condition.name.value) if condition else owner
            waiting.append((inner, fragment.selection_set))
    return frozenset(found)


def _note(
    owner: Any, node: FieldNode, into: set[str], waiting: list[tuple[Any, SelectionSetNode]]
) -> bool:
    """Notes the columns of one field, and adds to `waiting` what it selects of the same rows. False
    when its columns are not known."""
    name = node.name.value
    if name.startswith("__"):
        return True
    if not isinstance(owner, GraphQLObjectType | GraphQLInterfaceType):
        return False
    field = owner.fields[name]
    metadata = metadata_of(field)
    if PLACE in metadata:
        # A part of a list: the rows lie behind it, or it is about the list itself.
        if COLUMN in metadata:
            into.update(metadata[COLUMN].columns)
        if metadata[PLACE] and node.selection_set is not None:
            waiting.append((get_named_type(field.type), node.selection_set))
        return True
    declared = metadata.get(COLUMN) or metadata.get(RELATION)
    columns = metadata.get(NEEDS) if declared is None else declared.columns
    if columns is None:
        return False
    into.update(columns)
    return True


_KEPT: Final = 2_000
_asked: OrderedDict[tuple[int, ...], tuple[Sequence[FieldNode], Columns]] = OrderedDict()


def asked(info: Info) -> Columns:
    """As `columns_below`, for the resolvers that Strawberry calls."""
    return columns_below(info._raw_info)


def columns_below(raw: Any) -> Columns:
    """The columns that the document asks for below the field that is being resolved, of which `raw`
    is graphql-core's info; worked out once for a field of a known document."""
    nodes = tuple(raw.field_nodes)
    key = tuple(map(id, nodes))
    known = _asked.get(key)
    if known is not None:
        return known[1]
    columns = columns_asked(Selection(raw.schema, raw.return_type, nodes, raw.fragments))
    # The nodes are kept with what was found, so that no other node has one of their addresses.
    _asked[key] = nodes, columns
    if len(_asked) > _KEPT:
        _asked.popitem(last=False)
    return columns


def place(value: Callable[[Any], Any], *, rows: bool, description: str) -> Any:
    """A field of a list rather than of a row, which tells of the places in it: `value` makes it of
    the list's object, and with `rows` the rows lie behind it."""

    def compute(_: Context, sources: Sequence[Any]) -> list[Any]:
        return [value(source) for source in sources]

    def resolve(root: Any) -> Any:
        return value(root)

    made: StrawberryField = strawberry.field(
        resolver=resolve,
        description=description,
        metadata={COLUMN: Derived((PLACES,), compute), PLACE: rows, KEPT: AS_ITS_PARENT},
    )
    return made

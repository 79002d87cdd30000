"""What a schema declares about a field so that it can be resolved over many objects at once.

Two keys of `GraphQLField.extensions` are read here and nowhere else. Nothing in this module
runs a query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
)

BATCH = "execution.batch"
"""The extension key under which a field carries its `BatchField`."""

ATTRIBUTE = "execution.attribute"
"""The extension key under which a field names the attribute that is its value."""

COLUMN = "execution.column"
"""The extension key under which a field carries its `ColumnField`."""

Key = str | Callable[[Any], Hashable | None]
LoadMany = Callable[..., Awaitable[list[Any]] | list[Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a document asks for below a field: the field's type, its nodes in the document, and
    the document's fragments."""

    schema: GraphQLSchema
    type: GraphQLOutputType
    nodes: Sequence[FieldNode]
    fragments: Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A field that is computed for all objects of a level in one call, without waiting.

    `compute(context, sources, arguments)` is called once for a field and all objects of its
    level, and returns one value for each of them, in their order. It must be pure: what it makes
    of an object must not depend on the others, which the stock executor does not show it. An
    Exception in place of a value is the error of that object. If the call itself raises, that is
    the error of every object.
    """

    compute: Callable[[Any, Sequence[Any], dict[str, Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class BatchField:
    """A relation: how to read an object's key, and how to load many keys in one call.

    `key` is the name of an attribute (or of an entry, when the object is a mapping), or a
    function of the object, which may be called once more for it when one of them fails. A key of
    None makes the field null and loads nothing.

    `load_many(context, keys, arguments)` is called once for a field and all objects of its
    level; with `choose`, a fourth argument is what that function made of the selection below
    the field, once for each plan and not to be changed: by it a loader reads no more than is
    asked for. If `choose` raises, the load fails. The keys are
    distinct and in the order in which they were first met. It returns the values in the order
    of the keys, or an awaitable of them. An Exception in place of a value is the error of every
    object with that key, None is null. If the call itself raises, that is the error of every
    object that had a key.
    """

    key: Key
    load_many: LoadMany
    choose: Callable[[Selection], Any] | None = None

    def key_of(self, source: Any) -> Hashable | None:
        """Return the key of one object.

        Raises what the key function raises; KeyError or AttributeError when a named key is
        not there.
        """
        if isinstance(self.key, str):
            return read_plain(source, self.key)  # type: ignore[no-any-return]
        return self.key(source)


def read_plain(source: Any, name: str) -> Any:
    """Return the named entry of a mapping, or else the named attribute.

    Raises KeyError or AttributeError when it is not there.
    """
    if isinstance(source, Mapping):
        return source[name]
    return getattr(source, name)


def plain_reader(sources: Sequence[Any], name: str) -> Callable[[Any], Any]:
    """Return what reads the name from each of these sources, as `read_plain` would.

    Asking every object whether it is a mapping costs more than reading it.
    """
    classes = set(map(type, sources))
    if classes == {dict}:
        return itemgetter(name)
    if any(issubclass(class_, Mapping) for class_ in classes):
        return lambda source: read_plain(source, name)
    return lambda source: getattr(source, name)


def computed(
    column: ColumnField, context: Any, sources: Sequence[Any], arguments: dict[str, Any]
) -> list[Any]:
    """Return what a column makes of the objects, in a list that is the caller's own.

    Raises what `compute` raises, and RuntimeError unless there is one value for one object.
    """
    values = list(column.compute(context, sources, arguments))
    if len(values) != len(sources):
        raise RuntimeError(f"compute returned {len(values)} values for {len(sources)} objects.")
    return values


def column_resolver(column: ColumnField) -> Callable[..., Any]:
    """Return an ordinary resolver that gives the same answer as the column, one object at a time.

    It is what the stock executor calls. The resolver raises the object's error, and RuntimeError
    when `compute` does not return one value for one object.
    """

    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        [value] = computed(column, info.context, [source], arguments)
        if isinstance(value, Exception):
            raise value
        return value

    return resolve


def batch_resolver(batch: BatchField) -> Callable[..., Any]:
    """Return an ordinary resolver that gives the same answer as the batch, one object at a time.

    It is what the stock executor calls. A schema with loaders of its own may use another
    resolver, which must then agree with `batch.load_many`. The resolver raises the object's
    error, and RuntimeError when `load_many` does not return one value for one key.
    """

    def only(values: list[Any]) -> Any:
        check_length(values, 1)
        if isinstance(values[0], Exception):
            raise values[0]
        return values[0]

    async def later(loaded: Awaitable[list[Any]]) -> Any:
        return only(await loaded)

    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        key = batch.key_of(source)
        if key is None:
            return None
        hash(key)  # raises TypeError for a key by which the executor could not deduplicate
        loaded = batch.load_many(info.context, [key], arguments, *chosen(batch, info))
        return only(loaded) if isinstance(loaded, list) else later(loaded)

    return resolve


def chosen(batch: BatchField, info: GraphQLResolveInfo[Any]) -> tuple[Any, ...]:
    """Return the fourth argument of a load, if the relation wants one."""
    if batch.choose is None:
        return ()
    return (
        batch.choose(Selection(info.schema, info.return_type, info.field_nodes, info.fragments)),
    )


def check_length(values: Sequence[Any], expected: int) -> None:
    """Raise RuntimeError unless a load returned as many values as it was given keys."""
    if len(values) != expected:
        raise RuntimeError(f"load_many returned {len(values)} values for {expected} keys.")


def declared_batch(field: GraphQLField) -> BatchField | None:
    """Return the relation a field declares, or None.

    Raises TypeError when the extension holds something that is not a `BatchField`: a relation
    that silently falls back to its resolver would only be noticed as a slow page.
    """
    batch = field.extensions.get(BATCH)
    if batch is None or isinstance(batch, BatchField):
        return batch
    raise TypeError(f"The extension '{BATCH}' must hold a BatchField.")


def declared_column(field: GraphQLField) -> ColumnField | None:
    """Return the column a field declares, or None.

    Raises TypeError when the extension holds something that is not a `ColumnField`.
    """
    column = field.extensions.get(COLUMN)
    if column is None or isinstance(column, ColumnField):
        return column
    raise TypeError(f"The extension '{COLUMN}' must hold a ColumnField.")


def declared_attribute(field: GraphQLField) -> str | None:
    """Return the attribute a field declares as its value, or None."""
    attribute = field.extensions.get(ATTRIBUTE)
    return attribute if isinstance(attribute, str) else None

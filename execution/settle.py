"""Moves errors to where they belong, once everything below them is known.

The stock executor walks the answer depth first and gives up an object at its first error that
must not be null. The answer here was filled in breadth first, so this walks it once more in
the stock order, and thereby keeps the same errors in the same order. It only runs when there
was an error, and goes only to fields where some object has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY
from graphql.pyutils import Path

from .plan import FieldPlan
from .values import Broken, Failure

if TYPE_CHECKING:
    from .executor import BreadthFirstExecutor
    from .run import Run


def settle_fields(run: Run, fields: Iterable[FieldPlan]) -> None:
    """Settle the root fields, and be done with what was run so far.

    Adds the errors to the executor's collected errors. Raises GraphQLError when one of them
    leaves nothing of the answer.
    """
    batches, run.batches = run.batches, []
    failing, run.failing = run.failing, set()
    if not failing:
        return
    below = {}
    for batch in batches:
        found = [field for field in batch.plan.fields if field in failing]
        if found:
            below.update(dict.fromkeys(map(id, batch.outs), found))
    walk = Walk(run.executor, below)
    try:
        walk.fields(run.data, [field for field in fields if field in failing], None)
    except RecursionError:
        walk = None  # type: ignore[assignment]
    if walk is None:
        raise GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY, run.executor.operation)


class Walk:
    """One walk over a filled answer; `failing` are the fields of each dictionary in it at which, or
    below which, some object has an error."""

    __slots__ = ("executor", "failing")

    def __init__(self, executor: BreadthFirstExecutor, failing: dict[int, list[FieldPlan]]) -> None:
        self.executor = executor
        self.failing = failing

    def fields(self, out: dict[str, Any], fields: Iterable[FieldPlan], path: Path | None) -> None:
        """Settle the fields of one object; raise the first error that must not be null."""
        for field in fields:
            name = field.response_name
            value = out[name]
            if value is not None:
                field_path = Path(path, name, field.parent_type.name)
                out[name] = self.value(field, 0, value, field_path)

    def value(self, field: FieldPlan, level: int, value: Any, path: Path) -> Any:
        """Return the value with its errors settled, or None; raise if it must not be null."""
        try:
            kind = type(value)
            if kind is Failure:
                raise value.error
            if level < field.depth:
                items = value.items if kind is Broken else value
                for index, item in enumerate(items):
                    if item is not None:
                        items[index] = self.value(field, level + 1, item, path.add_key(index, None))
                if kind is Broken:
                    raise value.error
            elif not field.is_leaf:
                self.fields(value, self.failing.get(id(value), ()), path)
        except RecursionError:
            raise
        except Exception as error:
            self.executor.handle_field_error(error, field.types[level], field.details, path)
            return None
        return value

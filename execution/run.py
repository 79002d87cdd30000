"""Runs a plan: takes one batch of objects after the other and fills in its fields.

A batch is all objects of one type at one place of the document. Its fields are filled one
after the other over all its objects, and the objects found there form the next batches. The
work is synchronous until something must be waited for; `wait.py` does the waiting,
`settle.py` moves errors to where they belong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, default_field_resolver
from graphql.execution.collect_fields import collect_subfields
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY
from graphql.pyutils import AwaitableOrValue, Path

from .batch import computed
from .complete import complete_column
from .leaves import serialized, taken_over
from .plan import FieldPlan, SelectionPlan, Source, plan_selection
from .read import read_attribute, read_column, read_default, read_resolver
from .settle import settle_fields
from .values import ORDINARY, Broken, Failure, is_telling
from .wait import wait

if TYPE_CHECKING:
    from .executor import BreadthFirstExecutor

Step = Generator[list[Any], list[Any], None]

# Fragments can nest objects deeper than a parser allows, and what cannot be walked or
# serialised recursively is of no use. The stack of the stock executor ends earlier still.
MAX_DEPTH = 200


class Batch:
    """Objects of one type at one place: their sources, and the dictionaries of the answer."""

    __slots__ = ("_paths", "depth", "dictionaries", "field", "outs", "parent", "plan", "sources")

    def __init__(
        self,
        plan: SelectionPlan,
        sources: Sequence[Any],
        outs: list[dict[str, Any]],
        parent: Batch | None,
        field: FieldPlan | None,
    ) -> None:
        self.plan = plan
        self.sources = sources
        self.dictionaries = set(map(type, sources)) == {dict}
        self.outs = outs
        self.parent = parent
        self.field = field
        self.depth: int = 0 if parent is None else parent.depth + 1
        self._paths: list[Path | None] | None = None

    def paths(self) -> list[Path | None]:
        """Return the path of each object, found by looking where its dictionary was put.

        Paths are only needed by resolvers and errors, so the tight loops keep none.
        """
        if self._paths is None:
            if self.parent is None or self.field is None:
                self._paths = [None] * len(self.outs)
            else:
                found: dict[int, Path] = {}
                name = self.field.response_name
                typename = self.field.parent_type.name
                for path, out in zip(self.parent.paths(), self.parent.outs, strict=True):
                    locate(out[name], Path(path, name, typename), found)
                self._paths = [found[id(out)] for out in self.outs]
        return self._paths


def locate(value: Any, path: Path, found: dict[int, Path]) -> None:
    """Note the path of each dictionary in a completed value."""
    if isinstance(value, Broken):
        value = value.items
    if isinstance(value, list):
        for index, item in enumerate(value):
            locate(item, path.add_key(index, None), found)
    else:
        found[id(value)] = path


class Column:
    """One field over all objects of a batch."""

    __slots__ = ("_infos", "batch", "fatal", "field", "run", "step")

    def __init__(self, run: Run, batch: Batch, field: FieldPlan) -> None:
        self.run = run
        self.batch = batch
        self.field = field
        self.fatal = False
        self.step: Step | None = None
        self._infos: list[GraphQLResolveInfo[Any]] | None = None

    def infos(self) -> list[GraphQLResolveInfo[Any]]:
        """Return the info of the field for each object; built once and only when asked for."""
        if self._infos is None:
            field = self.field
            build = self.run.executor.build_resolve_info
            name, parent_type = field.response_name, field.parent_type
            self._infos = [
                build(
                    field.definition,
                    list(field.nodes),
                    parent_type,
                    Path(path, name, parent_type.name),
                )
                for path in self.batch.paths()
            ]
        return self._infos

    def write(self, values: Iterable[Any]) -> None:
        """Put one value into each dictionary of the batch."""
        name = self.field.response_name
        for out, value in zip(self.batch.outs, values, strict=False):
            out[name] = value

    def finish(self, values: Iterable[Any]) -> None:
        """Write the completed values; from then on an error among them may end the run."""
        self.write(values)
        if self.fatal:
            self.run.doomed = True

    def fail_all(self, error: Exception) -> None:
        """Make an error the value of the field in every dictionary of the batch."""
        self.finish([self.fail(0, error) for _ in self.batch.outs])

    def drop(self) -> None:
        """Forget a step that will not go on: it leads back to the column, which would be garbage
        that only a collector finds."""
        if self.step is not None:
            self.step.close()

    def blank(self, level: int, value: Any) -> Failure | None:
        """Complete a value that is null or an error."""
        if isinstance(value, Exception):
            return self.fail(level, value)
        if self.field.non_null[level]:
            return self.fail(level, TypeError(self.field.null_message))
        return None

    def fail(self, level: int, error: Exception) -> Failure:
        """Return the mark of an error, and remember that there is one."""
        run = self.run
        run.note_failing(self.batch, self.field)
        if self.field.fatal[level] and run.executor.error_propagation:
            self.fatal = True
        return Failure(error)


class Run:
    """One execution of a plan."""

    __slots__ = (
        "batches",
        "data",
        "default_is_plain",
        "doomed",
        "executor",
        "failing",
        "ordinary",
        "queue",
        "waiting",
    )

    def __init__(self, executor: BreadthFirstExecutor) -> None:
        self.executor = executor
        self.data: dict[str, Any] = {}
        self.queue: deque[Batch] = deque()
        self.batches: list[Batch] = []
        self.waiting: list[tuple[Column, list[Any]]] = []
        self.ordinary: set[type] = set(ORDINARY)
        self.failing: set[FieldPlan] = set()
        self.doomed = False
        self.default_is_plain = executor.field_resolver is default_field_resolver

    def execute(
        self, plan: SelectionPlan, root_value: Any, serially: bool
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Return the data, or a coroutine of it when something must be waited for.

        Field errors are added to the executor's collected errors. Raises GraphQLError when an
        error leaves nothing of the answer (GraphQL specification, 6.4.4).
        """
        steps = [(field,) for field in plan.fields] if serially else [plan.fields]
        self.data = plan.template.copy()
        root = Batch(plan, [root_value], [self.data], None, None)
        later: Coroutine[Any, Any, dict[str, Any]] | None = None
        try:
            for number, fields in enumerate(steps):
                self.begin(root, fields)
                if self.waiting:
                    later = self._finish(root, steps[number:])
                    return later
                settle_fields(self, fields)
        finally:
            if later is None:
                self.executor.release()
        return self.data

    async def _finish(self, root: Batch, steps: Sequence[tuple[FieldPlan, ...]]) -> dict[str, Any]:
        try:
            for number, fields in enumerate(steps):
                if number:
                    self.begin(root, fields)
                if self.waiting:
                    await wait(self)
                settle_fields(self, fields)
        finally:
            self.executor.release()
        return self.data

    def begin(self, root: Batch, fields: Iterable[FieldPlan]) -> None:
        """Run some root fields as far as they go without waiting."""
        for field in fields:
            self.fill(root, field)
        self.drain()
        if self.doomed and self.waiting:
            # The answer is known to be empty, so nobody waits for the rest of it.
            self.executor.settle_in_background(
                [awaitable for _, awaitables in self.waiting for awaitable in awaitables]
            )
            for column, _ in self.waiting:
                column.drop()
            self.waiting.clear()

    def drain(self) -> None:
        """Run every batch that is ready, and those it leads to."""
        queue = self.queue
        while queue:
            batch = queue.popleft()
            for field in batch.plan.fields:
                self.fill(batch, field)

    def fill(self, batch: Batch, field: FieldPlan) -> None:
        """Resolve and complete one field over all objects of a batch."""
        source = field.source
        check = None if field.depth else field.check
        if (
            field.getter is not None
            and check is not None
            and batch.dictionaries
            and (self.default_is_plain or field.resolve is not None)
        ):
            try:
                values = list(map(field.getter, batch.sources))
            except KeyError:
                values = None
            if values is not None and taken_over(check, field.nullable, values):
                name = field.response_name
                for out, value in zip(batch.outs, values, strict=False):
                    out[name] = value
                return
        values = None
        if field.quick is not None:
            try:
                values = computed(field.quick, self.executor.context_value, batch.sources, {})
                done = self.quickly(field, values)
            except Exception as error:
                Column(self, batch, field).fail_all(error)
                return
            if done is not None:
                name = field.response_name
                for out, value in zip(batch.outs, done, strict=False):
                    out[name] = value
                return
        column = Column(self, batch, field)
        if source is Source.TYPENAME:
            column.write([field.parent_type.name] * len(batch.outs))
            return
        if field.batch is not None:
            column.step = complete_column(column, field.batch)
            self.advance(column, None)
            return
        try:
            if values is not None:
                pass  # computed above, but in need of a closer look
            elif source is Source.ATTRIBUTE:
                values = read_attribute(column)
            elif source is Source.COLUMN:
                values = read_column(column)
            elif source is Source.DEFAULT:
                values = read_default(column)
            else:
                values = read_resolver(column)
        except Exception as error:
            column.fail_all(error)
            return
        if check is not None and taken_over(check, field.nullable, values):
            column.write(values)
        else:
            column.step = complete_column(column, values)
            self.advance(column, None)

    def quickly(self, field: FieldPlan, values: list[Any]) -> Sequence[Any] | None:
        """Return a column of leaves finished, or None when its values need a closer look."""
        if field.check is not None:
            return values if taken_over(field.check, field.nullable, values) else None
        if field.convert is None:
            return None
        if not set(map(type, values)) <= self.ordinary and self.awaitables(values):
            return None
        return serialized(field.convert, field.nullable, values)

    def note_failing(self, batch: Batch, field: FieldPlan) -> None:
        """Note where an error lies: its field, and those that lead there from the root."""
        while field not in self.failing:
            self.failing.add(field)
            if batch.field is None or batch.parent is None:
                return
            field, batch = batch.field, batch.parent

    def advance(self, column: Column, outcomes: list[Any] | None) -> None:
        """Run the step of a column until it must wait or is finished.

        An error that is nobody's in particular, such as one of the predicate that tells what
        is awaitable, is the error of the field, as with the stock executor.
        """
        try:
            awaitables = column.step.send(outcomes)  # type: ignore[union-attr, arg-type]
        except StopIteration:
            return
        except Exception as error:
            column.fail_all(error)
            return
        self.waiting.append((column, awaitables))

    def add(
        self,
        plan: SelectionPlan,
        sources: Sequence[Any],
        outs: list[dict[str, Any]],
        column: Column,
    ) -> None:
        """Make a batch of objects that were found in a column."""
        batch = Batch(plan, sources, outs, column.batch, column.field)
        self.batches.append(batch)
        self.queue.append(batch)

    def selection(self, column: Column, object_type: GraphQLObjectType) -> SelectionPlan:
        """Return the plan of the objects of one type below a field, made on first use.

        Raises GraphQLError when the condition of a directive has no value, and when the
        objects are nested deeper than the stack of the stock executor could follow.
        """
        field = column.field
        if column.batch.depth >= MAX_DEPTH:
            raise GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY, field.nodes)
        plan = field.selections.get(object_type)
        if plan is None:
            executor = self.executor
            collected = collect_subfields(
                executor.schema,
                executor.fragments,
                executor.variable_values,
                executor.operation,
                object_type,
                field.details,
                executor.hide_suggestions,
            )
            plan = plan_selection(
                executor.schema,
                object_type,
                collected.grouped_field_set,
                field.fatal[-1],
                executor,
            )
            field.selections[object_type] = plan
        return plan

    def awaitables(self, values: Sequence[Any]) -> list[int]:
        """Return which values must be awaited.

        Remembers the classes whose values need no further look, for this run: awaitable is
        taken to be a property of the class, except for classes that make up attributes.
        """
        ordinary = self.ordinary
        is_awaitable = self.executor.is_awaitable
        # One of each class is asked first: mostly there is one class, and nothing to wait for.
        for class_, value in dict(zip(map(type, values), values, strict=True)).items():
            if class_ not in ordinary and is_telling(class_) and not is_awaitable(value):
                ordinary.add(class_)
        found = []
        if not set(map(type, values)) <= ordinary:
            for index, value in enumerate(values):
                if type(value) not in ordinary and is_awaitable(value):
                    found.append(index)
        return found

"""The executor that graphql-core is given; decides what is planned and what is handed over."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfoHelpers,
    MiddlewareManager,
    OperationType,
)
from graphql.execution.collect_fields import DeferUsage, GroupedFieldSet
from graphql.execution.incremental import IncrementalExecutor
from graphql.execution.types import ExperimentalIncrementalExecutionResults
from graphql.pyutils import AwaitableOrValue

from .batch import BatchField, ColumnField, declared_attribute, declared_batch, declared_column
from .document import Document, DocumentCache
from .leaves import LeafColumn
from .plan import SelectionPlan, plan_selection
from .run import Run


class BreadthFirstExecutor(IncrementalExecutor):
    """Executes operations level by level, and answers as graphql-core's own executor does.

    Pass it to graphql-core's `execute` or `subscribe` as `executor_class`. It serves queries,
    mutations and each event of a subscription. What it does not plan it hands to the executor
    it derives from: `@defer` and `@stream`, fragment variables, middleware, abort signals.

    The data is the same in content and order of keys. The errors are the same, and in the
    same order when nothing is asynchronous. The README names the limits.
    """

    documents: ClassVar[DocumentCache] = DocumentCache(512)
    """The documents seen before. A subclass may set its own, with another limit."""

    @staticmethod
    def plain_attribute(field: GraphQLField, field_name: str) -> str | None:
        """Return the attribute that is the whole value of a field, or None to call its resolver.

        The default reads the field extension `execution.attribute`. A subclass may know more,
        but must be sure that the resolver does nothing but read that attribute: a permission
        check in the resolver would be left out. Called once for a field when a document is
        planned.
        """
        return declared_attribute(field)

    @staticmethod
    def batch_field(field: GraphQLField, field_name: str) -> BatchField | None:
        """Return the relation that a field declares, or None.

        The default reads the field extension `execution.batch`, and raises TypeError when it
        holds something else. What `plain_attribute` says of permissions holds here too.
        """
        return declared_batch(field)

    @staticmethod
    def column_field(field: GraphQLField, field_name: str) -> ColumnField | None:
        """Return how a field is computed for all objects of a level, or None.

        The default reads the field extension `execution.column`, and raises TypeError when it
        holds something else. What `plain_attribute` says of permissions holds here too.
        """
        return declared_column(field)

    @staticmethod
    def type_of_class(class_: type) -> str | None:
        """Return the name of the object type that all instances of a class are of, or None.

        Where it is known, neither `resolve_type` nor `is_type_of` is called for them. The
        default knows nothing; a subclass must be sure.
        """
        return None

    @staticmethod
    def leaf_column(type_: GraphQLNamedType) -> LeafColumn | None:
        """Return what serialises a whole column of a custom scalar or an enum, or None.

        It is given values without nulls and errors, not to be changed, and returns what the type
        would make of each, or None when it is not sure of them all; then they are serialised one
        by one, as they are when it raises or gives a null. Called once for a field when a
        document is planned. The default knows nothing.
        """
        return None

    def release(self) -> None:
        """Cut what leads from the executor back to itself, when no field is left to resolve.

        All that a request has loaded then goes at once. Otherwise it would wait for the garbage
        collector, which would have to come for the objects of each request. Errors still do:
        their tracebacks lead to what they are kept in.
        """
        vars(self).pop("async_helpers", None)

    def execute_operation(
        self, serially: bool | None = None
    ) -> AwaitableOrValue[ExecutionResult | ExperimentalIncrementalExecutionResults]:
        """Execute the operation, as graphql-core does; its root fields are collected only when it
        has no plan yet."""
        root_type = self.schema.get_root_type(self.operation.operation)
        plan = None if root_type is None else self._known_plan(root_type)[1]
        if plan is None:
            return super().execute_operation(serially)
        if serially is None:
            serially = self.operation.operation is OperationType.MUTATION
        try:
            data = self._run(plan, self.root_value, serially)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self.build_response(None)
        return self.build_response(data) if isinstance(data, dict) else self._later(data)

    async def _later(
        self, result: Awaitable[dict[str, Any]]
    ) -> ExecutionResult | ExperimentalIncrementalExecutionResults:
        data: dict[str, Any] | None = None
        try:
            data = await result
        except GraphQLError as error:
            self.collected_errors.add(error, None)
        except Exception:
            self.run_async_work_finished_hook()
            raise
        return self.build_response(data)

    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        new_defer_usages: Sequence[DeferUsage],
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Execute the root fields (GraphQL specification, 6.3); called by graphql-core.

        Raises GraphQLError when an error leaves nothing of the answer.
        """
        document, plan = self._known_plan(root_type)
        if document is None:
            return super().execute_collected_root_fields(
                root_type, root_value, grouped_field_set, serially, new_defer_usages
            )
        if plan is None:
            plan = plan_selection(self.schema, root_type, grouped_field_set, True, self)
            document.plans.put(self._variant(document, root_type), plan)
        return self._run(plan, root_value, serially)

    def _run(
        self, plan: SelectionPlan, root_value: Any, serially: bool
    ) -> AwaitableOrValue[dict[str, Any]]:
        if "async_helpers" not in vars(self):  # released: it has executed before
            self.async_helpers = GraphQLResolveInfoHelpers(
                gather=self.gather_async_work, track=self.track_async_work
            )
        return Run(self).execute(plan, root_value, serially)

    def _known_plan(
        self, root_type: GraphQLObjectType
    ) -> tuple[Document | None, SelectionPlan | None]:
        """Return the document, None when it is not to be planned, and its plan, if it has one."""
        manager = self.middleware_manager
        if self.abort_signal is not None or (
            manager is not None and (type(manager) is not MiddlewareManager or manager.middlewares)
        ):
            return None, None
        try:
            document = self.documents.find(
                type(self), self.schema, self.operation, self.fragment_definitions.values()
            )
        except RecursionError:
            return None, None
        if not document.plannable:
            return None, None
        return document, document.plans.get(self._variant(document, root_type))

    def _variant(self, document: Document, root_type: GraphQLObjectType) -> tuple[Any, ...]:
        return root_type, document.variant(self.variable_values.coerced)

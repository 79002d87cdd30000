"""The executor that graphql-core is given; decides what is planned and what is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfoHelpers,
    MiddlewareManager,
)
from graphql.execution.collect_fields import DeferUsage, GroupedFieldSet
from graphql.execution.incremental import IncrementalExecutor
from graphql.pyutils import AwaitableOrValue

from .batch import BatchField, ColumnField, declared_attribute, declared_batch, declared_column
from .document import DocumentCache
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
        plan = self._find_plan(root_type, grouped_field_set)
        if plan is None:
            return super().execute_collected_root_fields(
                root_type, root_value, grouped_field_set, serially, new_defer_usages
            )
        if "async_helpers" not in vars(self):  # released: it has executed before
            self.async_helpers = GraphQLResolveInfoHelpers(
                gather=self.gather_async_work, track=self.track_async_work
            )
        return Run(self).execute(plan, root_value, serially)

    def _find_plan(
        self, root_type: GraphQLObjectType, grouped: GroupedFieldSet
    ) -> SelectionPlan | None:
        manager = self.middleware_manager
        if self.abort_signal is not None or (
            manager is not None and (type(manager) is not MiddlewareManager or manager.middlewares)
        ):
            return None
        try:
            document = self.documents.find(
                type(self), self.schema, self.operation, self.fragment_definitions.values()
            )
        except RecursionError:
            return None
        if not document.plannable:
            return None
        variant = (root_type, document.variant(self.variable_values.coerced))
        plan = document.plans.get(variant)
        if plan is None:
            plan = plan_selection(self.schema, root_type, grouped, True, self)
            document.plans.put(variant, plan)
        return plan

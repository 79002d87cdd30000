"""The executor that graphql-core is given; decides what is planned and what is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphql import GraphQLField, GraphQLObjectType, MiddlewareManager
from graphql.execution.collect_fields import DeferUsage, GroupedFieldSet
from graphql.execution.incremental import IncrementalExecutor
from graphql.pyutils import AwaitableOrValue

from .batch import BatchField, declared_attribute, declared_batch
from .document import DocumentCache
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

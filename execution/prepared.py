"""An operation that is executed again and again: what graphql-core's `execute` works out anew in
each request, worked out once.

Must answer as `execute` does. Whatever is out of the ordinary is left to it.
"""

from __future__ import annotations

from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    coerce_input_value,
    default_field_resolver,
    default_type_resolver,
    execute,
    get_named_type,
    get_operation_ast,
    is_input_object_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import AwaitableOrValue, Undefined

from .executor import BreadthFirstExecutor


class Variable:
    """One variable of an operation."""

    __slots__ = ("is_bounded", "may_be_absent", "name", "signature", "without_value")

    def __init__(self, signature: GraphQLVariableSignature) -> None:
        self.signature = signature
        self.name = signature.name
        self.is_bounded = is_bounded(signature.type, ())
        self.may_be_absent = signature.default is None and not is_non_null_type(signature.type)
        self.without_value = VariableValueSource(signature)


def is_bounded(type_: GraphQLInputType, within: tuple[GraphQLInputType, ...]) -> bool:
    """Tell whether values of a type can only be nested as deeply as the type says: no input in
    it holds inputs of its own kind. Values of other types might be nested too deeply."""
    named = get_named_type(type_)
    if not is_input_object_type(named):
        return True
    return named not in within and all(
        is_bounded(field.type, (*within, named)) for field in named.fields.values()
    )


class PreparedOperation:
    """A query or mutation of a document that was found valid."""

    __slots__ = (
        "_class",
        "_document",
        "_fragments",
        "_name",
        "_operation",
        "_schema",
        "_variables",
    )

    def __init__(
        self,
        executor_class: type[BreadthFirstExecutor],
        schema: GraphQLSchema,
        document: DocumentNode,
        operation_name: str | None = None,
    ) -> None:
        """What is wrong with the operation is said when it is executed."""
        self._class = executor_class
        self._schema = schema
        self._document = document
        self._name = operation_name
        self._operation = get_operation_ast(document, operation_name)
        self._fragments = {
            node.name.value: FragmentDetails(node, None)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = self._signed()

    def execute(
        self, context: Any, variables: dict[str, Any] | None, **more: Any
    ) -> AwaitableOrValue[ExecutionResult]:
        """Return the result, or an awaitable of it, as `graphql.execute` does.

        `more` are further arguments of the executor's class by their names, such as
        `is_awaitable`. Raises what `graphql.execute` raises.
        """
        values = self._values(variables or {})
        if values is None:
            return execute(
                self._schema,
                self._document,
                context_value=context,
                variable_values=variables,
                operation_name=self._name,
                executor_class=self._class,
                **more,
            )
        executor = self._class(
            self._schema,
            {name: details.definition for name, details in self._fragments.items()},
            self._fragments,
            None,
            context,
            cast(OperationDefinitionNode, self._operation),
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            **more,
        )
        # Without the directives of incremental delivery there is nothing but a result.
        return cast("AwaitableOrValue[ExecutionResult]", executor.execute_operation())

    def _signed(self) -> tuple[Variable, ...] | None:
        """Return the variables; None for an operation that is not to be prepared."""
        schema, operation = self._schema, self._operation
        if operation is None or schema.get_directive("defer") or schema.get_directive("stream"):
            return None
        if any(details.definition.variable_definitions for details in self._fragments.values()):
            return None
        found = []
        for node in operation.variable_definitions or ():
            signature = get_variable_signature(schema, node)
            if isinstance(signature, GraphQLError):
                return None
            found.append(Variable(signature))
        return tuple(found)

    def _values(self, given: dict[str, Any]) -> VariableValues | None:
        """Return the values of the variables, None when any is worth a closer look."""
        if self._variables is None:
            return None
        sources = {}
        coerced = {}
        for variable in self._variables:
            name = variable.name
            value = given.get(name, Undefined)
            if value is Undefined:
                if not variable.may_be_absent:
                    return None
                sources[name] = variable.without_value
                continue
            if not variable.is_bounded:
                return None
            taken = coerce_input_value(value, variable.signature.type)
            if taken is Undefined:
                return None
            sources[name] = VariableValueSource(variable.signature, value)
            coerced[name] = taken
        return VariableValues(sources, coerced)

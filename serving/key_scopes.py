"""What an API key may ask for: the one place where operations by a key are let through or refused,
before they run, on every transport. Decides nothing about accounts
(spec/10-admin-compliance.md#api-keys)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from auth.actor import Actor, ApiKeyScope
from core.errors import Forbidden
from graph.roots import root_field

# What only a person does, whatever the scopes: passwords, roles, keys, second factor, consent,
# sessions, and everything by which somebody gets in.
REFUSED: Final = frozenset(
    {
        "apiKeys",
        "createApiKey",
        "updateApiKey",
        "revokeApiKey",
        "sessions",
        "currentSession",
        "logout",
        "revokeSession",
        "revokeAllSessions",
        "refreshSession",
        "relogin",
        "login",
        "loginAsAdmin",
        "registerUser",
        "startOidcLogin",
        "completeOidcLogin",
        "linkedIdentities",
        "unlinkIdentity",
        "changePassword",
        "setUserPassword",
        "startPasswordReset",
        "completePasswordReset",
        "startEmailVerification",
        "completeEmailVerification",
        "startMobileVerification",
        "completeMobileVerification",
        "startTwoFactor",
        "completeTwoFactor",
        "secondFactor",
        "enableTwoFactor",
        "disableTwoFactor",
        "startTotpEnrollment",
        "confirmTotpEnrollment",
        "regenerateRecoveryCodes",
        "resetTwoFactor",
        "setUserRole",
        "createUser",
        "deleteUser",
        "archiveProfile",
        "setConsent",
        "submitGdprRequest",
        "processGdprRequest",
    }
)

# What moves money or binds somebody to pay (docs/decisions/0021-api-keys.md).
PAYING: Final = frozenset[str]()

# Every other mutation that a key may ask for. What stands in none of the three lists is refused:
# a new mutation is closed to keys until somebody has thought of them.
WRITING: Final = frozenset(
    {
        "updateProfile",
        "updateUser",
        "createUserGroup",
        "updateUserGroup",
        "deleteUserGroup",
        "addUserToGroup",
        "removeUserFromGroup",
    }
)
HIDDEN_NODES: Final = frozenset({"key", "ses", "idn"})
"""Whose objects a key does not get by `node` either: their prefixes."""


def require_scopes(
    schema: Any,
    actor: Actor,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> None:
    """Raises Forbidden when the actor asks by an API key for what it may not do. The operation is
    valid; a field counts whether or not a directive skips it, and under any alias."""
    if actor.scopes is None:
        return
    for name in _fields(operation.selection_set, fragments):
        if name == "__typename":
            continue
        actor.require_scope(_scope_of(schema, operation.operation, name))


def _scope_of(schema: Any, operation: OperationType, name: str) -> ApiKeyScope:
    root = root_field(schema.get_root_type(operation).fields.get(name))
    if root is not None:
        if not isinstance(root.scope, ApiKeyScope):
            raise Forbidden(f"{name}: an API key cannot do this. Sign in.")
        return root.scope
    if name in REFUSED:
        raise Forbidden(f"{name}: an API key cannot do this. Sign in.")
    if operation is not OperationType.MUTATION:
        return ApiKeyScope.READ
    if name in PAYING:
        return ApiKeyScope.PAY
    if name in WRITING:
        return ApiKeyScope.WRITE
    raise Forbidden(f"{name}: an API key cannot do this. Sign in.")


def _fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The names of the root fields in the order of the document. Visits each fragment once: spread
    again it selects the same fields."""
    spread: set[str] = set()
    within = [iter(selections.selections)]
    while within:
        selection = next(within[-1], None)
        if selection is None:
            within.pop()
        elif isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, InlineFragmentNode):
            within.append(iter(selection.selection_set.selections))
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            within.append(iter(fragments[selection.name.value].selection_set.selections))

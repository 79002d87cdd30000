"""What of identity the audit log records."""

from resolvers.audit import AuditAction


class IdentityAction(AuditAction):
    """What the audit log calls it."""

    USER_CREATE = "user.create"
    USER_UPDATE = "user.update"
    USER_DELETE = "user.delete"
    USER_RESTORE = "user.restore"
    USER_SUSPEND = "user.suspend"
    USER_REINSTATE = "user.reinstate"
    USER_SET_ROLE = "user.set_role"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105  the name of an action
    USER_RESET_TWO_FACTOR = "user.reset_two_factor"
    GROUP_CREATE = "group.create"
    GROUP_UPDATE = "group.update"
    GROUP_DELETE = "group.delete"
    GROUP_ADD_MEMBER = "group.add_member"
    GROUP_REMOVE_MEMBER = "group.remove_member"
    API_KEY_CREATE = "api_key.create"
    API_KEY_UPDATE = "api_key.update"
    API_KEY_REVOKE = "api_key.revoke"
    LOGIN_LOCKED_OUT = "login.locked_out"

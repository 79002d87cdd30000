"""The audit log: recording, reading, verifying (spec/10-admin-compliance.md#audit-log). Knows
nothing of GraphQL or HTTP, and nothing here changes or removes an entry."""

from resolvers.audit.recording import (
    AuditAction,
    blank_details,
    record,
    require_different_actions,
)

__all__ = ["AuditAction", "blank_details", "record", "require_different_actions"]

"""The audit log: tables and statements."""

from models.audit.tables import MAX_CONTENT, ActorKind, AuditCheck, AuditDetail, AuditEntry

__all__ = ["MAX_CONTENT", "ActorKind", "AuditCheck", "AuditDetail", "AuditEntry"]

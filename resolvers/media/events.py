"""What of pictures the audit log records."""

from resolvers.audit import AuditAction


class MediaAction(AuditAction):
    """What the audit log calls it."""

    AVATAR_DELETE = "avatar.delete"

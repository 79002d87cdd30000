"""What of customers the audit log records."""

from resolvers.audit import AuditAction


class CustomerAction(AuditAction):
    """What the audit log calls it."""

    CUSTOMER_CREATE = "customer.create"
    CUSTOMER_UPDATE = "customer.update"
    CUSTOMER_DELETE = "customer.delete"
    CUSTOMER_REQUEST_DELETION = "customer.request_deletion"

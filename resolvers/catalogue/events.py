"""What of the catalogue the audit log records."""

from resolvers.audit import AuditAction


class CatalogueAction(AuditAction):
    """What the audit log calls it."""

    CATEGORY_CREATE = "category.create"
    CATEGORY_UPDATE = "category.update"
    CATEGORY_DELETE = "category.delete"
    SUBCATEGORY_CREATE = "subcategory.create"
    SUBCATEGORY_UPDATE = "subcategory.update"
    SUBCATEGORY_DELETE = "subcategory.delete"

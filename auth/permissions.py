"""The one table of who may do what by role: each permission and the least role that has it. What a
person may do with a row of their own is a relation to that row and stands in its statement."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an account may do, weakest first (spec/01-api-conventions.md#who-may-do-what)."""

    USER = "USER"
    STAFF = "STAFF"
    ADMIN = "ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"

    @property
    def rank(self) -> int:
        """Its place in the order: a higher role may do what a lower one may."""
        return list(Role).index(self)


class Permission(StrEnum):
    """Something that not everybody may do."""

    MANAGE_CATEGORIES = "MANAGE_CATEGORIES"
    MANAGE_MEDIA = "MANAGE_MEDIA"
    MANAGE_PRODUCTS = "MANAGE_PRODUCTS"
    MANAGE_AUCTIONS = "MANAGE_AUCTIONS"
    SIGN_IN_AS_STAFF = "SIGN_IN_AS_STAFF"
    READ_USERS = "READ_USERS"
    MANAGE_USERS = "MANAGE_USERS"
    MANAGE_GROUPS = "MANAGE_GROUPS"
    MANAGE_AVATARS = "MANAGE_AVATARS"
    MANAGE_API_KEYS = "MANAGE_API_KEYS"
    MANAGE_CUSTOMERS = "MANAGE_CUSTOMERS"
    READ_AUDIT_LOG = "READ_AUDIT_LOG"


LEAST_ROLE: Final[dict[Permission, Role]] = {
    Permission.MANAGE_CATEGORIES: Role.ADMIN,
    Permission.MANAGE_MEDIA: Role.ADMIN,
    Permission.MANAGE_PRODUCTS: Role.ADMIN,
    Permission.MANAGE_AUCTIONS: Role.ADMIN,
    Permission.SIGN_IN_AS_STAFF: Role.STAFF,
    Permission.READ_USERS: Role.ADMIN,
    Permission.MANAGE_USERS: Role.ADMIN,
    Permission.MANAGE_GROUPS: Role.ADMIN,
    Permission.MANAGE_AVATARS: Role.ADMIN,
    Permission.MANAGE_API_KEYS: Role.ADMIN,
    Permission.MANAGE_CUSTOMERS: Role.STAFF,
    Permission.READ_AUDIT_LOG: Role.ADMIN,
}


def allows(role: Role | None, permission: Permission) -> bool:
    """True when an account of this role has the permission; an anonymous caller has none."""
    return role is not None and role.rank >= LEAST_ROLE[permission].rank

"""Roles and what they permit, as clients see them. Holds no rule: auth/permissions.py is the
table."""

from typing import Annotated

import strawberry

from auth.permissions import LEAST_ROLE, Permission, Role, allows
from graph.context import Info
from graph.cost import declared
from graph.enums import described

described(
    Role,
    "What an account may do, weakest first.",
    USER="Buys and sells.",
    STAFF="Helps customers.",
    ADMIN="Runs the marketplace.",
    SUPER_ADMIN="Owns the installation; cannot be deleted.",
)
described(
    Permission,
    "Something that not everybody may do. What people may do with what is their own is no "
    "permission.",
    MANAGE_CATEGORIES="Changes categories and subcategories.",
    MANAGE_MEDIA="Removes and attaches pictures of others.",
    MANAGE_PRODUCTS="Changes and removes products of others.",
    MANAGE_AUCTIONS="Ends auctions and takes back bids of others.",
    SIGN_IN_AS_STAFF="Signs in by loginAsAdmin.",
    READ_USERS="Reads the accounts of others.",
    MANAGE_USERS="Makes, changes and closes accounts of lower roles.",
    MANAGE_GROUPS="Changes groups of users and who is in them.",
    MANAGE_AVATARS="Removes avatar files of others.",
    MANAGE_API_KEYS="Reads and revokes API keys of others.",
    MANAGE_CUSTOMERS="Reads and changes all customers.",
    READ_AUDIT_LOG="Reads the audit log.",
)

NamedPermission = Annotated[Permission, strawberry.argument(description="Which permission.")]


@strawberry.type(description="Whether somebody may do something.")
class PermissionGrant:
    name: Permission = strawberry.field(description="What it permits.")
    can_do: bool = strawberry.field(description="True when it is permitted.")
    least_role: Role = strawberry.field(description="The least role that has it.")


def grant(role: Role | None, permission: Permission) -> PermissionGrant:
    """Whether an account of this role has the permission."""
    return _said(permission, allows(role, permission))


def grants(role: Role | None) -> list[PermissionGrant]:
    """Every permission that an account of this role has."""
    return [grant(role, permission) for permission in Permission if allows(role, permission)]


def _said(permission: Permission, can_do: bool) -> PermissionGrant:
    return PermissionGrant(name=permission, can_do=can_do, least_role=LEAST_ROLE[permission])


@strawberry.type
class PermissionQuery:
    """What the viewer may do."""

    @strawberry.field(
        description="Every permission that this request has, by the role that its token names. "
        "Signed in.",
        metadata=declared(length=len(Permission)),
    )
    def permissions(self, info: Info) -> list[PermissionGrant]:
        actor = info.context.actor
        actor.member()
        return [_said(permission, True) for permission in Permission if actor.may(permission)]

    @strawberry.field(description="Whether this request has a permission. Signed in.")
    def permission(self, info: Info, name: NamedPermission) -> PermissionGrant:
        actor = info.context.actor
        actor.member()
        return _said(name, actor.may(name))

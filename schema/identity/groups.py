"""Groups of people as clients see them. Holds no rule."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from auth.actor import Actor
from core.ids import decode_id, decode_optional, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of, count_loader, paged_loader
from graph.context import Info
from graph.errors import Conflict, InvalidInput, NotFound
from graph.loading import Loader
from graph.relations import paged_relation, relation
from graph.unions import result
from models.identity.groups import GroupWishes, MemberWishes
from resolvers.identity import groups
from resolvers.identity.groups import GROUP, MEMBER, Reasoned, texts
from schema.identity.types import PublicUser

_REASON = "Why, at most 1,000 characters: it stands in the audit log."


@strawberry.type(description="A person in a group.")
class UserGroupMember(Node):
    created_at: datetime = strawberry.field(description="When they were put there.")
    email: str | None = strawberry.field(
        description="The person's e-mail address; null except for admins and the person."
    )
    group_id: strawberry.Private[UUID]
    user_id: strawberry.Private[UUID]
    owner_id: strawberry.Private[UUID]

    group: "UserGroup" = relation(loader="user_group", key="group_id", description="The group.")
    user: PublicUser = relation(loader="public_user", key="user_id", description="The person.")
    owner: PublicUser = relation(
        loader="public_user", key="owner_id", description="The admin who put them there."
    )

    @classmethod
    def of(cls, row: Any, actor: Actor) -> "UserGroupMember":
        """The member of a row."""
        return cls(
            id=strawberry.ID(encode_id(MEMBER, row.id)),
            created_at=row.created_at,
            email=row.email if groups.sees_address(actor, row.user_id) else None,
            group_id=row.group_id,
            user_id=row.user_id,
            owner_id=row.owner_id,
        )


@strawberry.type(description="A group of people. Everybody sees it; admins write it.")
class UserGroup(Node):
    group_name: str = strawberry.field(description="Its name, 1 to 100 characters, unique.")
    avatar: str | None = strawberry.field(
        description="The address of its picture, at most 500 characters."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    is_active: bool = strawberry.field(description="False when deleted; only admins see it then.")
    row_id: strawberry.Private[UUID]

    members: Connection[UserGroupMember] = paged_relation(
        loader="user_group_members",
        key="row_id",
        description="Who is in it, in the order in which they came.",
    )

    @classmethod
    def of(cls, row: Any, _: Actor) -> "UserGroup":
        """The group of a row."""
        return cls(
            id=strawberry.ID(encode_id(GROUP, row.id)),
            group_name=row.group_name,
            avatar=row.avatar,
            created_at=row.created_at,
            is_active=row.is_active,
            row_id=row.id,
        )


@strawberry.input(description="Which groups a list holds; all conditions hold together.")
class UserGroupFilter:
    group_name: list[str] | None = strawberry.field(
        default=None, description="Parts of the name in any case; one of them must be found."
    )
    avatar: list[str] | None = strawberry.field(
        default=None, description="Parts of the picture's address in any case; one must be found."
    )
    has_avatar: bool | None = strawberry.field(
        default=None, description="True: only those with a picture. False: only those without."
    )

    def wishes(self) -> GroupWishes:
        """What it asks for. Raises BadUserInput."""
        return GroupWishes(
            texts(self.group_name, "filter.groupName"),
            texts(self.avatar, "filter.avatar"),
            self.has_avatar,
        )


@strawberry.input(description="Which members a list holds; all conditions hold together.")
class UserGroupMemberFilter:
    user_id: strawberry.ID | None = strawberry.field(default=None, description="This person.")
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those whom this admin put there."
    )


@strawberry.input(description="A new group.")
class CreateUserGroupInput:
    group_name: str = strawberry.field(description="Its name, 1 to 100 characters, unique.")
    avatar: str | None = strawberry.field(
        default=None, description="The address of its picture, https, at most 500 characters."
    )
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="What changes of a group; what is left out stays.")
class UpdateUserGroupInput:
    user_group_id: strawberry.ID = strawberry.field(description="The group.")
    group_name: str | None = strawberry.field(default=None, description="Its new name.")
    avatar: str | None = strawberry.field(
        default=strawberry.UNSET, description="The address of its picture; null takes it away."
    )
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="The group to delete.")
class DeleteUserGroupInput:
    user_group_id: strawberry.ID = strawberry.field(description="The group.")
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="Whom to put into which group.")
class AddUserToGroupInput:
    user_group_id: strawberry.ID = strawberry.field(description="The group.")
    user_id: strawberry.ID = strawberry.field(description="The person.")
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="Whom to take out.")
class RemoveUserFromGroupInput:
    user_group_member_id: strawberry.ID = strawberry.field(description="The member.")
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.type(description="The group was made.")
class CreateUserGroupPayload:
    group_id: strawberry.Private[UUID]

    user_group: UserGroup = relation(loader="user_group", key="group_id", description="The group.")


@strawberry.type(description="The group was changed.")
class UpdateUserGroupPayload:
    group_id: strawberry.Private[UUID]

    user_group: UserGroup = relation(
        loader="user_group", key="group_id", description="The group as it is now."
    )


@strawberry.type(description="The group is deleted, now or before.")
class DeleteUserGroupPayload:
    user_group_id: strawberry.ID = strawberry.field(description="The group that is gone.")


@strawberry.type(description="The person is in the group, now or before.")
class AddUserToGroupPayload:
    member_id: strawberry.Private[UUID]

    user_group_member: UserGroupMember = relation(
        loader="user_group_member", key="member_id", description="The member, with the group."
    )


@strawberry.type(description="The person is in the group no more.")
class RemoveUserFromGroupPayload:
    user_group_member_id: strawberry.ID = strawberry.field(description="The member who is gone.")
    group_id: strawberry.Private[UUID]

    user_group: UserGroup | None = relation(
        loader="user_group", key="group_id", description="The group as it is now."
    )


CreateUserGroupResult = Annotated[
    CreateUserGroupPayload | Conflict | InvalidInput,
    result("CreateUserGroupResult", "making a group"),
]
UpdateUserGroupResult = Annotated[
    UpdateUserGroupPayload | NotFound | Conflict | InvalidInput,
    result("UpdateUserGroupResult", "changing a group"),
]
DeleteUserGroupResult = Annotated[
    DeleteUserGroupPayload | NotFound | InvalidInput,
    result("DeleteUserGroupResult", "deleting a group"),
]
AddUserToGroupResult = Annotated[
    AddUserToGroupPayload | NotFound | InvalidInput,
    result("AddUserToGroupResult", "putting a person into a group"),
]
RemoveUserFromGroupResult = Annotated[
    RemoveUserFromGroupPayload | NotFound | InvalidInput,
    result("RemoveUserFromGroupResult", "taking a person out of a group"),
]
GroupId = Annotated[strawberry.ID, strawberry.argument(description="The group's id.")]


@strawberry.type
class GroupQuery:
    """Reading groups."""

    @strawberry.field(description="The group of this id; null when there is none to see.")
    async def user_group(self, info: Info, id: GroupId) -> UserGroup | None:
        found: UserGroup | None = await info.context.load("user_group", decode_id(GROUP, id, "id"))
        return found

    @strawberry.field(description="Groups, newest first; ADMIN: deleted ones too.")
    async def user_groups(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            UserGroupFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[UserGroup]:
        database, actor = info.context.database, info.context.actor
        wishes = GroupWishes() if filter is None else filter.wishes()
        page = await groups.list_groups(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [UserGroup.of(row, actor) for row in page.rows]
        made: Connection[UserGroup] = connection_of(
            page, nodes, lambda _: groups.count_groups(database, actor, wishes)
        )
        return made

    @strawberry.field(description="Who is in a group, in the order in which they came.")
    async def user_group_members(
        self,
        info: Info,
        user_group_id: GroupId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            UserGroupMemberFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[UserGroupMember]:
        database, actor = info.context.database, info.context.actor
        asked = filter or UserGroupMemberFilter()
        wishes = MemberWishes(
            decode_id(GROUP, user_group_id, "userGroupId"),
            decode_optional("usr", asked.user_id, "filter.userId"),
            decode_optional("usr", asked.owner_id, "filter.ownerId"),
        )
        page = await groups.list_members(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [UserGroupMember.of(row, actor) for row in page.rows]
        made: Connection[UserGroupMember] = connection_of(
            page, nodes, lambda _: groups.count_members(database, actor, wishes)
        )
        return made


@strawberry.type
class GroupMutation:
    """Writing groups."""

    @strawberry.mutation(description="Makes a group. ADMIN.")
    async def create_user_group(
        self, info: Info, input: CreateUserGroupInput
    ) -> CreateUserGroupResult:
        actor = info.context.actor
        command = groups.CreateUserGroup.of(
            group_name=input.group_name, avatar=input.avatar, reason=input.reason
        )
        group_id = await info.context.write(
            lambda work: groups.create_user_group(work, actor, command)
        )
        return CreateUserGroupPayload(group_id=group_id)

    @strawberry.mutation(description="Renames a group or changes its picture. ADMIN.")
    async def update_user_group(
        self, info: Info, input: UpdateUserGroupInput
    ) -> UpdateUserGroupResult:
        actor = info.context.actor
        group_id = decode_id(GROUP, input.user_group_id, "input.userGroupId")
        keeps = input.avatar is strawberry.UNSET
        command = groups.UpdateUserGroup.of(
            group_name=input.group_name,
            avatar=None if keeps else input.avatar,
            changes_avatar=not keeps,
            reason=input.reason,
        )
        await info.context.write(
            lambda work: groups.update_user_group(work, actor, group_id, command)
        )
        return UpdateUserGroupPayload(group_id=group_id)

    @strawberry.mutation(description="Deletes a group, softly. ADMIN. Idempotent.")
    async def delete_user_group(
        self, info: Info, input: DeleteUserGroupInput
    ) -> DeleteUserGroupResult:
        actor = info.context.actor
        group_id = decode_id(GROUP, input.user_group_id, "input.userGroupId")
        why = Reasoned.of(reason=input.reason)
        await info.context.write(lambda work: groups.delete_user_group(work, actor, group_id, why))
        return DeleteUserGroupPayload(user_group_id=input.user_group_id)

    @strawberry.mutation(description="Puts a person into a group. ADMIN. Idempotent.")
    async def add_user_to_group(
        self, info: Info, input: AddUserToGroupInput
    ) -> AddUserToGroupResult:
        actor = info.context.actor
        group_id = decode_id(GROUP, input.user_group_id, "input.userGroupId")
        user_id = decode_id("usr", input.user_id, "input.userId")
        why = Reasoned.of(reason=input.reason)
        member_id = await info.context.write(
            lambda work: groups.add_user_to_group(work, actor, group_id, user_id, why)
        )
        return AddUserToGroupPayload(member_id=member_id)

    @strawberry.mutation(description="Takes a person out of a group. ADMIN. Idempotent.")
    async def remove_user_from_group(
        self, info: Info, input: RemoveUserFromGroupInput
    ) -> RemoveUserFromGroupResult:
        actor = info.context.actor
        member_id = decode_id(MEMBER, input.user_group_member_id, "input.userGroupMemberId")
        why = Reasoned.of(reason=input.reason)
        removed = await info.context.write(
            lambda work: groups.remove_user_from_group(work, actor, member_id, why)
        )
        return RemoveUserFromGroupPayload(
            user_group_member_id=input.user_group_member_id, group_id=removed.group_id
        )


HANDLERS: list[Any] = []
LOADERS = {
    "user_group": Loader(groups.groups_by_id, UserGroup.of),
    "user_group_member": Loader(groups.members_by_id, UserGroupMember.of),
    "user_group_members": paged_loader(
        groups.member_pages, UserGroupMember.of, "user_group_member_count"
    ),
    "user_group_member_count": count_loader(groups.member_counts),
}
NODES = {GROUP: "user_group", MEMBER: "user_group_member"}
TYPES = [UserGroup, UserGroupMember]

"""Groups of people: everybody reads them, admins write them (spec/02-identity.md#user)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, Permission
from core.commands import Command, Text, Trimmed, wish
from core.database import Database, UnitOfWork
from core.errors import Conflict, NotFound
from core.ids import encode_id, new_id
from core.pages import Page, PageRequest
from models.identity import groups as sql
from models.identity.accounts import account
from models.identity.groups import GroupWishes, MemberWishes
from resolvers.audit import record
from resolvers.identity.events import IdentityAction
from resolvers.identity.profile_fields import OptionalReason, Picture
from resolvers.pages import in_order, one_page, pages_of_parents

GROUP: Final = "grp"
MEMBER: Final = "gpm"

_GroupName = Annotated[Text, Field(min_length=1, max_length=100)]
_OptionalName = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]


class CreateUserGroup(Command):
    """What making a group takes."""

    group_name: _GroupName
    avatar: Picture = None
    reason: OptionalReason = None


class UpdateUserGroup(Command):
    """What changing a group takes; what is left out stays, `avatar` null takes it away."""

    group_name: _OptionalName = None
    avatar: Picture = None
    changes_avatar: bool = False
    reason: OptionalReason = None


class Reasoned(Command):
    """Why an admin does it."""

    reason: OptionalReason = None


def _no_group() -> NotFound:
    return NotFound("There is no such group.", path=["input", "userGroupId"])


def _taken() -> Conflict:
    return Conflict("A group has this name. Choose another.", path=["input", "groupName"])


async def create_user_group(work: UnitOfWork, actor: Actor, command: CreateUserGroup) -> UUID:
    """Makes a group and gives its id. Admins only. Raises Unauthenticated, Forbidden, Conflict for
    a name that is taken."""
    actor.require(Permission.MANAGE_GROUPS)
    new = sql.add_group(id=new_id(), group_name=command.group_name, avatar=command.avatar)
    made = await work.first(new)
    if made is None:
        raise _taken()
    await record(
        work,
        actor,
        IdentityAction.GROUP_CREATE,
        object_type="UserGroup",
        object_id=encode_id(GROUP, made.id),
        details={"groupName": command.group_name, "avatar": command.avatar},
        reason=command.reason,
    )
    group_id: UUID = made.id
    return group_id


async def _locked(work: UnitOfWork, actor: Actor, group_id: UUID) -> Any:
    actor.require(Permission.MANAGE_GROUPS)
    group = await work.first(sql.lock_group(group_id))
    if group is None:
        raise _no_group()
    return group


async def update_user_group(
    work: UnitOfWork, actor: Actor, group_id: UUID, command: UpdateUserGroup
) -> None:
    """Renames a group or changes its picture. Admins only. Raises Unauthenticated, Forbidden,
    NotFound, Conflict for a name that is taken. What changes nothing is not logged."""
    group = await _locked(work, actor, group_id)
    if not group.is_active:
        raise _no_group()
    wanted: dict[str, str | None] = {}
    if command.group_name is not None:
        wanted["group_name"] = command.group_name
    if command.changes_avatar:
        wanted["avatar"] = command.avatar
    changes = {name: value for name, value in wanted.items() if getattr(group, name) != value}
    if not changes:
        return
    if "group_name" in changes:
        holder = await work.first(sql.group_named(str(command.group_name)))
        if holder is not None and holder.id != group_id:
            raise _taken()
    await work.execute(sql.change_group(group_id, **changes))
    await record(
        work,
        actor,
        IdentityAction.GROUP_UPDATE,
        object_type="UserGroup",
        object_id=encode_id(GROUP, group_id),
        details={
            "before": {name: getattr(group, name) for name in changes},
            "after": dict(changes),
        },
        reason=command.reason,
    )


async def delete_user_group(
    work: UnitOfWork, actor: Actor, group_id: UUID, command: Reasoned
) -> None:
    """Deletes a group, softly: only admins see it and its members from now on, and its name is
    free. Admins only. Raises Unauthenticated, Forbidden, NotFound. Idempotent."""
    group = await _locked(work, actor, group_id)
    if not group.is_active:
        return
    await work.execute(sql.change_group(group_id, is_active=False, archived_at=await work.clock()))
    await record(
        work,
        actor,
        IdentityAction.GROUP_DELETE,
        object_type="UserGroup",
        object_id=encode_id(GROUP, group_id),
        details={"groupName": group.group_name},
        reason=command.reason,
    )


async def add_user_to_group(
    work: UnitOfWork, actor: Actor, group_id: UUID, user_id: UUID, command: Reasoned
) -> UUID:
    """Puts a person into a group and gives the id of the membership; that of before when they are
    in it. Admins only. Raises Unauthenticated, Forbidden, NotFound for a group that is deleted or a
    person whose account is closed."""
    owner_id = actor.require(Permission.MANAGE_GROUPS)
    group = await _locked(work, actor, group_id)
    if not group.is_active:
        raise _no_group()
    if await work.first(account(user_id)) is None:
        raise NotFound("There is no such person.", path=["input", "userId"])
    values = {"id": new_id(), "group_id": group_id, "user_id": user_id, "owner_id": owner_id}
    made = await work.first(sql.add_member(**values))
    if made is None:
        found: UUID = await work.scalar(sql.member_of(group_id, user_id))
        return found
    await record(
        work,
        actor,
        IdentityAction.GROUP_ADD_MEMBER,
        object_type="UserGroup",
        object_id=encode_id(GROUP, group_id),
        details={"user": encode_id("usr", user_id)},
        reason=command.reason,
    )
    return values["id"]


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """A person is in a group no more."""

    member_id: UUID
    group_id: UUID


async def remove_user_from_group(
    work: UnitOfWork, actor: Actor, member_id: UUID, command: Reasoned
) -> MemberRemoved:
    """Takes a person out of a group, softly. Admins only. Raises Unauthenticated, Forbidden,
    NotFound. Idempotent."""
    actor.require(Permission.MANAGE_GROUPS)
    member = await work.first(sql.lock_member(member_id))
    if member is None:
        raise NotFound("There is no such member.", path=["input", "userGroupMemberId"])
    if member.is_active:
        await work.execute(sql.remove_member(member_id, await work.clock()))
        await record(
            work,
            actor,
            IdentityAction.GROUP_REMOVE_MEMBER,
            object_type="UserGroup",
            object_id=encode_id(GROUP, member.group_id),
            details={"user": encode_id("usr", member.user_id)},
            reason=command.reason,
        )
    return MemberRemoved(member_id, member.group_id)


def sees_address(actor: Actor, user_id: UUID) -> bool:
    """True when the actor sees a member's e-mail address: admins, and the member. The seed showed
    it to everybody (coverage.csv, listUserGroupMembers)."""
    return actor.user_id == user_id or actor.may(Permission.READ_USERS)


async def groups_by_id(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[Any | None]:
    """The groups of these ids that the actor may see, in their order."""
    return in_order(await database.rows(sql.groups_by_id(actor, ids)), ids)


async def members_by_id(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[Any | None]:
    """The members of these ids that the actor may see, in their order."""
    return in_order(await database.rows(sql.members_by_id(actor, ids)), ids)


async def list_groups(
    database: Database, actor: Actor, wishes: GroupWishes, page: PageRequest
) -> Page[Any]:
    """One page of groups, newest first."""
    rows = await database.rows(sql.group_page(actor, wishes, page))
    return one_page(rows, page, sql.GROUP_ORDER, lambda row: (row.id,))


async def count_groups(database: Database, actor: Actor, wishes: GroupWishes) -> int:
    """How many groups the list holds."""
    return int(await database.scalar(sql.group_count(actor, wishes)))


async def list_members(
    database: Database, actor: Actor, wishes: MemberWishes, page: PageRequest
) -> Page[Any]:
    """One page of a group's members, in the order in which they came."""
    rows = await database.rows(sql.member_page(actor, wishes, page))
    return one_page(rows, page, sql.MEMBER_ORDER, lambda row: (row.id,))


async def count_members(database: Database, actor: Actor, wishes: MemberWishes) -> int:
    """How many members the list holds."""
    return int(await database.scalar(sql.member_count(actor, wishes)))


async def member_pages(
    database: Database, actor: Actor, keys: list[tuple[UUID, PageRequest]]
) -> Sequence[Page[Any]]:
    """Loader: a page of the members for each pair of group and page; one statement for all groups
    that want the same page."""
    return await pages_of_parents(
        database,
        keys,
        lambda ids, page: sql.member_pages(actor, ids, page),
        "group_id",
        sql.MEMBER_ORDER,
        lambda row: (row.id,),
    )


async def member_counts(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[int]:
    """Loader: how many members each group has."""
    counts = {row[0]: row[1] for row in await database.rows(sql.member_counts(actor, ids))}
    return [counts.get(id_, 0) for id_ in ids]


def texts(wished: list[str] | None, argument: str) -> tuple[str, ...] | None:
    """The texts that a list is searched for, None for none. Raises BadUserInput."""
    if wished is None:
        return None
    found = tuple(one for one in (wish(text, argument) for text in wished) if one is not None)
    return found or None

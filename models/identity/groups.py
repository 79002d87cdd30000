"""Groups of people and who is in them: the tables, who sees which row, the statements. Decides
nothing: resolvers/identity/groups.py does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Uuid,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, col

from auth.actor import Actor, Permission
from core.pages import PageRequest
from models.base import Moment, Query, Table, keyset_page, text_of
from models.identity.users import User, users_visible_to

GROUP_ORDER = "group:newest"
MEMBER_ORDER = "member:oldest"


class UserGroup(Table, table=True):
    """A group of people. Names are unique among those that are not deleted, whatever their case."""

    __tablename__ = "user_group"
    __table_args__ = (
        CheckConstraint("length(group_name) BETWEEN 1 AND 100", name="group_name_length"),
        Index(
            "uq_user_group_name",
            text("lower(group_name)"),
            unique=True,
            postgresql_where=text("is_active"),
        ),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    group_name: str = Field(sa_column=Column(text_of(100), nullable=False))
    avatar: str | None = Field(sa_column=Column(text_of(500)))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


class UserGroupMember(Table, table=True):
    """A person in a group, and who put them there (`owner_id`)."""

    __tablename__ = "user_group_member"
    __table_args__ = (
        Index(
            "uq_user_group_member_pair",
            "group_id",
            "user_id",
            unique=True,
            postgresql_where=text("is_active"),
        ),
        Index("ix_user_group_member_group", "group_id", "id"),
        Index("ix_user_group_member_user", "user_id"),
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    group_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_group.id"), nullable=False))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user_account.id"), nullable=False))
    created_at: datetime = Field(
        sa_column=Column(Moment, nullable=False, server_default=func.now())
    )
    is_active: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    archived_at: datetime | None = Field(sa_column=Column(Moment))


def groups_visible_to(actor: Actor) -> Query:
    """The groups that the viewer may see: those that are not deleted, admins all."""
    statement: Query = select(
        col(UserGroup.id),
        col(UserGroup.group_name),
        col(UserGroup.avatar),
        col(UserGroup.created_at),
        col(UserGroup.is_active),
    )
    seen = true() if actor.may(Permission.MANAGE_GROUPS) else col(UserGroup.is_active)
    return statement.where(seen)


def members_visible_to(actor: Actor) -> Query:
    """The members that the viewer may see: people whose account is open, in groups that are not
    deleted; admins all who have not been removed."""
    statement: Query = (
        select(
            col(UserGroupMember.id),
            col(UserGroupMember.group_id),
            col(UserGroupMember.user_id),
            col(UserGroupMember.owner_id),
            col(UserGroupMember.created_at),
            col(User.email),
        )
        .join(UserGroup, col(UserGroup.id) == col(UserGroupMember.group_id))
        .join(User, col(User.id) == col(UserGroupMember.user_id))
        .where(col(UserGroupMember.is_active), users_visible_to(actor))
    )
    if actor.may(Permission.MANAGE_GROUPS):
        return statement
    return statement.where(col(UserGroup.is_active))


@dataclass(frozen=True, slots=True)
class GroupWishes:
    """Which groups a list holds. Of several texts one must be found, in any case; None means any.
    `with_avatar` False: those without one."""

    names: tuple[str, ...] | None = None
    avatars: tuple[str, ...] | None = None
    with_avatar: bool | None = None


def _within(column: Any, texts: tuple[str, ...] | None) -> Any:
    if texts is None:
        return true()
    return or_(*[column.icontains(one, autoescape=True) for one in texts])


def _wished(actor: Actor, wishes: GroupWishes) -> Query:
    statement = groups_visible_to(actor).where(
        _within(col(UserGroup.group_name), wishes.names),
        _within(col(UserGroup.avatar), wishes.avatars),
    )
    if wishes.with_avatar is None:
        return statement
    empty = col(UserGroup.avatar).is_(None)
    return statement.where(~empty if wishes.with_avatar else empty)


def group_page(actor: Actor, wishes: GroupWishes, page: PageRequest) -> Query:
    """One page of groups, newest first."""
    columns = [col(UserGroup.id)]
    return keyset_page(_wished(actor, wishes), columns, page, GROUP_ORDER, descending=True)


def group_count(actor: Actor, wishes: GroupWishes) -> Query:
    """How many groups the list holds."""
    return select(func.count()).select_from(_wished(actor, wishes).subquery())


def groups_by_id(actor: Actor, ids: Sequence[UUID]) -> Query:
    """These groups, as far as the viewer may see them."""
    return groups_visible_to(actor).where(col(UserGroup.id).in_(ids))


def members_by_id(actor: Actor, ids: Sequence[UUID]) -> Query:
    """These members, as far as the viewer may see them."""
    return members_visible_to(actor).where(col(UserGroupMember.id).in_(ids))


@dataclass(frozen=True, slots=True)
class MemberWishes:
    """Which members a list holds; None means any."""

    group_id: UUID
    user_id: UUID | None = None
    owner_id: UUID | None = None


def _wished_members(actor: Actor, wishes: MemberWishes) -> Query:
    statement = members_visible_to(actor).where(col(UserGroupMember.group_id) == wishes.group_id)
    if wishes.user_id is not None:
        statement = statement.where(col(UserGroupMember.user_id) == wishes.user_id)
    if wishes.owner_id is not None:
        statement = statement.where(col(UserGroupMember.owner_id) == wishes.owner_id)
    return statement


def member_page(actor: Actor, wishes: MemberWishes, page: PageRequest) -> Query:
    """One page of a group's members, in the order in which they came."""
    columns = [col(UserGroupMember.id)]
    statement = _wished_members(actor, wishes)
    return keyset_page(statement, columns, page, MEMBER_ORDER, descending=False)


def member_count(actor: Actor, wishes: MemberWishes) -> Query:
    """How many members the list holds."""
    return select(func.count()).select_from(_wished_members(actor, wishes).subquery())


def member_pages(actor: Actor, group_ids: list[UUID], page: PageRequest) -> Query:
    """The same page of the members of many groups in one statement; every row carries its
    `group_id`."""
    parents = select(func.unnest(literal(group_ids, ARRAY(Uuid))).label("parent_id")).subquery()
    members = keyset_page(
        members_visible_to(actor).where(col(UserGroupMember.group_id) == parents.c.parent_id),
        [col(UserGroupMember.id)],
        page,
        MEMBER_ORDER,
        descending=False,
    ).lateral()
    return select(members).select_from(parents.join(members, literal(True)))


def member_counts(actor: Actor, group_ids: list[UUID]) -> Query:
    """How many members each group has."""
    seen = members_visible_to(actor).where(col(UserGroupMember.group_id).in_(group_ids)).subquery()
    return select(seen.c.group_id, func.count()).group_by(seen.c.group_id)


def add_group(**values: Any) -> Any:
    """A new group; gives its id, or nothing when the name is taken."""
    return insert(UserGroup).values(**values).on_conflict_do_nothing().returning(col(UserGroup.id))


def lock_group(group_id: UUID) -> Query:
    """A group, locked."""
    return (
        select(
            col(UserGroup.id),
            col(UserGroup.group_name),
            col(UserGroup.avatar),
            col(UserGroup.is_active),
        )
        .where(col(UserGroup.id) == group_id)
        .with_for_update()
    )


def group_named(name: str) -> Query:
    """The group of a name, whatever its case, unless it is deleted."""
    return select(col(UserGroup.id)).where(
        func.lower(col(UserGroup.group_name)) == func.lower(name), col(UserGroup.is_active)
    )


def change_group(group_id: UUID, **values: Any) -> Any:
    """Changes a group."""
    return update(UserGroup).where(col(UserGroup.id) == group_id).values(**values)


def add_member(**values: Any) -> Any:
    """A new member; gives its id, or nothing when the person is in the group."""
    return (
        insert(UserGroupMember)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(col(UserGroupMember.id))
    )


def member_of(group_id: UUID, user_id: UUID) -> Query:
    """The membership of a person in a group."""
    return select(col(UserGroupMember.id)).where(
        col(UserGroupMember.group_id) == group_id,
        col(UserGroupMember.user_id) == user_id,
        col(UserGroupMember.is_active),
    )


def lock_member(member_id: UUID) -> Query:
    """A membership, locked."""
    return (
        select(
            col(UserGroupMember.id),
            col(UserGroupMember.group_id),
            col(UserGroupMember.user_id),
            col(UserGroupMember.is_active),
        )
        .where(col(UserGroupMember.id) == member_id)
        .with_for_update()
    )


def remove_member(member_id: UUID, at: datetime) -> Any:
    """Takes a person out of a group, softly."""
    return (
        update(UserGroupMember)
        .where(col(UserGroupMember.id) == member_id)
        .values(is_active=False, archived_at=at)
    )

"""Reading people: what everybody may see of them, and what they and admins see. Writes nothing."""

from typing import Any
from uuid import UUID

from auth.actor import Actor
from core.database import Database
from models.user_statements import account, people_visible_to
from models.users import public_users
from resolvers.pages import in_order


async def public_users_by_id(database: Database, _: Actor, ids: list[UUID]) -> list[Any]:
    """What everybody may see of these people, in their order. Archived ones too: their name stands
    on what they sold and bid."""
    return in_order(await database.rows(public_users(ids)), ids)


async def people_by_id(database: Database, actor: Actor, ids: list[UUID]) -> list[Any]:
    """The accounts of these ids that the actor may see at all, in their order."""
    return in_order(await database.rows(people_visible_to(actor, ids)), ids)


async def users_by_id(database: Database, actor: Actor, ids: list[UUID]) -> list[Any]:
    """The accounts of these ids that the actor may see in full: their own, and admins all."""
    rows = await people_by_id(database, actor, ids)
    return [row if row is not None and sees_fully(actor, row.id) else None for row in rows]


def sees_fully(actor: Actor, user_id: UUID) -> bool:
    """True when the actor sees more of this person than everybody does
    (spec/02-identity.md#user)."""
    return actor.is_admin or actor.user_id == user_id


async def current_user(database: Database, actor: Actor) -> Any | None:
    """The actor's own account, None for an anonymous caller."""
    if actor.user_id is None:
        return None
    return await database.first(account(actor.user_id))

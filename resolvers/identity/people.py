"""Reading people: what everybody may see of them, and what they and admins see. Writes nothing."""

from typing import Annotated, Any
from uuid import UUID

from auth.actor import Actor, Permission
from core.commands import IdOf
from core.database import Columns, Database
from core.errors import BadUserInput
from core.pages import Page, PageRequest
from models.identity import people as sql
from models.identity.accounts import account, people_visible_to
from models.identity.people import UserSort, UserWishes
from models.identity.users import public_users
from resolvers.pages import in_order, one_page

SHORTEST_KEYWORD = 3
UserId = Annotated[UUID, IdOf("usr")]


async def public_users_by_id(
    database: Database, _: Actor, ids: list[UUID], columns: Columns = None
) -> list[Any]:
    """What everybody may see of these people, in their order. Archived ones too: their name stands
    on what they sold and bid."""
    return in_order(await database.rows(public_users(ids, columns)), ids)


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
    return actor.may(Permission.READ_USERS) or actor.user_id == user_id


async def current_user(database: Database, actor: Actor) -> Any | None:
    """The actor's own account, None for an anonymous caller."""
    if actor.user_id is None:
        return None
    return await database.first(account(actor.user_id))


async def public_user(database: Database, user_id: UUID) -> Any | None:
    """What everybody may see of a person with an active account, None without one."""
    return await database.first(sql.active_person(user_id))


async def list_users(
    database: Database, actor: Actor, wishes: UserWishes, sort: UserSort, page: PageRequest
) -> Page[Any]:
    """A page of accounts in an order. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.READ_USERS)
    rows = await database.rows(sql.user_page(actor, wishes, sort, page))
    return one_page(rows, page, f"users:{sort}", lambda row: sql.sort_key(sort, row))


async def count_users(database: Database, actor: Actor, wishes: UserWishes) -> int:
    """How many accounts the list holds. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.READ_USERS)
    return int(await database.scalar(sql.user_count(actor, wishes)))


def require_keyword(keyword: str | None) -> str:
    """The keyword of a search, of three characters at least: fewer would not use the index and find
    half of all people. Raises BadUserInput."""
    if keyword is None or len(keyword) < SHORTEST_KEYWORD:
        raise BadUserInput(f"keyword: at least {SHORTEST_KEYWORD} characters.", "keyword")
    return keyword

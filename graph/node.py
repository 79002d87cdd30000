"""`node` and `nodes`: any object by its id, under the same visibility as every other path."""

import asyncio
from typing import Annotated, Any

import strawberry

from auth.api_keys import ApiKeyScope
from core.commands import ReadBy
from core.errors import BadUserInput
from core.ids import split_id
from core.pages import MAX_PAGE
from graph.context import Context
from graph.entity import Node
from graph.queries import QueryField, query


def _few(ids: Any, argument: str) -> Any:
    if len(ids) > MAX_PAGE:
        raise BadUserInput(f"{argument}: at most {MAX_PAGE}.", argument)
    return ids


async def _node(context: Context, id: str, argument: str) -> Node | None:
    parts = split_id(id)
    if parts is None:
        raise BadUserInput(f"{argument}: not an id. Use the id field of an object.", argument)
    loader = context.services.nodes.get(parts[0])
    if loader is None:
        raise BadUserInput(f"{argument}: no type has ids that start so.", argument)
    if context.actor.key_id is not None and parts[0] in context.services.hidden:
        return None
    found: Node | None = await context.load(loader, parts[1])
    return found


@query(
    description="The object with this id; null when there is none or you may not see it.",
    scope=ApiKeyScope.READ,
)
async def one(context: Context, id: Annotated[strawberry.ID, "The object's id."]) -> Node | None:
    """The object of an id."""
    return await _node(context, id, "id")


@query(
    description="Several objects by their ids, in the same order, null for some.",
    scope=ApiKeyScope.READ,
)
async def several(
    context: Context,
    ids: Annotated[list[strawberry.ID], ReadBy(_few), "The objects' ids, at most 100."],
) -> list[Node | None]:
    """The objects of many ids."""
    return list(await asyncio.gather(*[_node(context, id, "ids") for id in ids]))


one.name, several.name = "node", "nodes"
FIELDS: tuple[QueryField, ...] = (one, several)

"""`node` and `nodes`: any object by its id, under the same visibility as every other path."""

import asyncio
from typing import Annotated

import strawberry

from core.errors import BadUserInput
from core.ids import split_id
from core.pages import MAX_PAGE
from graph.context import Info
from graph.nodes import Node
from serving.key_scopes import HIDDEN_NODES


async def _node(info: Info, id: str, argument: str) -> Node | None:
    parts = split_id(id)
    if parts is None:
        raise BadUserInput(f"{argument}: not an id. Use the id field of an object.", argument)
    if info.context.actor.key_id is not None and parts[0] in HIDDEN_NODES:
        return None
    loader = info.context.services.nodes.get(parts[0])
    if loader is None:
        raise BadUserInput(f"{argument}: no type has ids that start so.", argument)
    found: Node | None = await info.context.load(loader, parts[1])
    return found


@strawberry.type
class Query:
    @strawberry.field(
        description="The object with this id; null when there is none or you may not see it."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The object's id.")],
    ) -> Node | None:
        return await _node(info, id, "id")

    @strawberry.field(description="Several objects by their ids, in the same order, null for some.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="The objects' ids, at most 100.")
        ],
    ) -> list[Node | None]:
        if len(ids) > MAX_PAGE:
            raise BadUserInput(f"ids: at most {MAX_PAGE}.", "ids")
        return list(await asyncio.gather(*[_node(info, id, "ids") for id in ids]))

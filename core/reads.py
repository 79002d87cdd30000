"""Reading outside any transaction. Knows no domain; writes nothing."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from core.lending import Connections
from core.wording import Worded

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    ConnectionError,
)


class Reader:
    """The reads of one process: each is one statement on a connection of its own, outside any
    transaction."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def rows(self, worded: Worded, arguments: Sequence[Any]) -> list[Any]:
        """All rows of one reading statement. A connection that was lost meanwhile is replaced and
        the read repeated once."""
        try:
            return await self._sent(worded, arguments)
        except LOST:
            return await self._sent(worded, arguments)

    async def _sent(self, worded: Worded, arguments: Sequence[Any]) -> list[Any]:
        connections = self._connections
        connection = await connections.lend()
        try:
            found: list[Any] = await connection.fetch(
                worded.text, *arguments, record_class=worded.row
            )
        except asyncpg.PostgresError:
            connections.give_back(connection)
            raise
        except BaseException:
            connections.discard(connection)
            raise
        connections.give_back(connection)
        return found

"""A pulse for clients that want to see whether streams reach them (seed 004, streamTest)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Final

import strawberry

from core.errors import BadUserInput
from graph.context import Info

_SHORTEST: Final = 1
_LONGEST: Final = 60


@strawberry.type(description="A sign of life.")
class Heartbeat:
    number: int = strawberry.field(description="1 for the first one of this subscription.")
    sent_at: datetime = strawberry.field(description="The server's time.")


@strawberry.type
class HeartbeatSubscription:
    """Signs of life."""

    @strawberry.subscription(
        description="The server's time, at once and then every so many seconds, until you leave or "
        "your token ends. Signed in."
    )
    async def heartbeat(
        self,
        info: Info,
        every_seconds: Annotated[
            int, strawberry.argument(description="How long between two, 1 to 60 seconds.")
        ] = 5,
    ) -> AsyncIterator[Heartbeat]:
        context = info.context
        context.actor.member()
        if not _SHORTEST <= every_seconds <= _LONGEST:
            raise BadUserInput(f"everySeconds: {_SHORTEST} to {_LONGEST}.", "everySeconds")
        number = 0
        while True:
            number += 1
            yield Heartbeat(number=number, sent_at=datetime.now(UTC))
            await asyncio.sleep(every_seconds)
            # Over server-sent events nobody else looks whether the token was revoked meanwhile.
            context.services.authenticator.check(context.actor)

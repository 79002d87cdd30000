"""Subscriptions to a topic of the event log, declared once: `watching(Event, opened, …)`. From it
come the cursor, the resume, live events, coalescing, and the end on lost rights. Knows none by
name."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import MISSING, dataclass
from inspect import signature
from typing import Any, Generic, TypeVar, get_type_hints

import strawberry
from strawberry.types.field import StrawberryField

from auth.who import ANYBODY, Who
from core.errors import BadUserInput
from core.pages import decode_cursor, encode_cursor
from graph.context import Context, Info
from graph.inputs import Item, item_of, values_of
from graph.roots import ROOT, RootField, Scope, Unsaid, signature_of
from subscriptions.hub import StoredEvent

SubjectT = TypeVar("SubjectT")


@dataclass(frozen=True, slots=True)
class Watched(Generic[SubjectT]):
    """What a subscriber watches: the topic of the log, what the events are about, the kinds of
    events after which nothing comes, whether it is over already, and the kinds of which only the
    newest matters to a slow reader."""

    topic: str
    subject: SubjectT
    last: frozenset[str] = frozenset()
    over: bool = False
    coalesced: frozenset[str] = frozenset()


_AFTER = Item("after", str | None, "Only what came after this event's cursor.", None, None)


class Watching(RootField, Generic[SubjectT]):
    """A subscription whose events are those of a topic, once and in order, each with a cursor."""

    kind = "Subscription"

    def __init__(
        self,
        event: type,
        opened: Callable[..., Awaitable[Watched[SubjectT]]],
        shown: Callable[[Context, SubjectT, StoredEvent, str], Awaitable[Any]],
        *,
        description: str,
        who: Who,
        scope: Scope,
    ) -> None:
        super().__init__(description=description, who=who, scope=scope)
        self._event = event
        self._opened = opened
        self._shown = shown
        hints = get_type_hints(opened, include_extras=True)
        where = f"{opened.__module__}.{opened.__name__}"
        _, *names = signature(opened).parameters
        self._items = [item_of(name, hints[name], MISSING, where) for name in names]

    def field(self) -> StrawberryField:
        """The field as Strawberry takes it."""

        async def watch(info: Info, **given: Any) -> AsyncIterator[Any]:
            async with aclosing(self.events(info.context, given)) as events:
                async for event in events:
                    yield event

        items = [*self._items, _AFTER]
        watch.__signature__ = signature_of(items, AsyncIterator[self._event])  # type: ignore[attr-defined, name-defined]  # inspect reads it
        made: Any = strawberry.subscription(
            resolver=watch, description=self.description, metadata={ROOT: self}
        )
        declared: StrawberryField = made
        return declared

    async def events(self, context: Context, given: dict[str, Any]) -> AsyncGenerator[Any, None]:
        """The events as they are shown; `given` are the arguments by their Python names. Raises
        RequestError."""
        self.who.require(context.actor)
        after = given.pop("after", None)
        by_name = {item.graphql_name: given[item.name] for item in self._items}
        watched = await self._opened(context, **values_of(self._items, by_name))
        number = None if after is None else _number(watched.topic, after)
        if number is None and watched.over:
            return
        events = context.services.hub.events(
            watched.topic,
            after=number,
            coalesced=watched.coalesced,
            check=lambda: context.services.authenticator.check(context.actor),
        )
        async with aclosing(events):
            async for event in events:
                cursor = encode_cursor(watched.topic, (event.number,))
                yield await self._shown(context, watched.subject, event, cursor)
                if event.kind in watched.last:
                    return


def _number(topic: str, cursor: str) -> int:
    key = decode_cursor(topic, cursor, "after")
    if len(key) != 1 or not isinstance(key[0], int) or not 0 <= key[0] < 2**63:
        raise BadUserInput("after: not a cursor of this subscription.", "after")
    return key[0]


def watching(
    event: type,
    opened: Callable[..., Awaitable[Watched[SubjectT]]],
    shown: Callable[[Context, SubjectT, StoredEvent, str], Awaitable[Any]],
    *,
    description: str,
    who: Who = ANYBODY,
    scope: Scope = Unsaid.SCOPE,
) -> Watching[SubjectT]:
    """Declares a subscription. `opened(context, **arguments)` finds what is watched, as far as the
    viewer may see it, and raises NotFoundError for what they may not; `shown(context, subject,
    event, cursor)` makes the object of an event."""
    return Watching(event, opened, shown, description=description, who=who, scope=scope)

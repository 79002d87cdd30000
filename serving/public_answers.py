"""Answers that are the same for everybody: their ETag and Cache-Control, and the few that this
process keeps for a moment. Which they are is in serving/cache_hints.py; runs nothing itself."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic
from typing import Any

from starlette.types import Receive, Scope, Send

from execution.cache import Recent
from graph.definitions import core_schema
from serving.cache_hints import seconds_of
from serving.known import Known

Key = tuple[str, str, bytes]

_ANSWERS = 2_000
_BYTES = 32 << 20
_STALE_TIMES = 5
# The middleware for other origins adds Origin.
_VARY = b"Accept, Authorization, Cookie"


def is_anonymous(headers: Mapping[str, str]) -> bool:
    """True when nothing in the request says who asks."""
    return "authorization" not in headers and "cookie" not in headers


def public_seconds(schema: Any, known: Known | None, name: str | None) -> int | None:
    """How long the answer to an operation may be kept, worked out once; None for not at all."""
    if known is None:
        return None
    if name not in known.seconds:
        chosen = known.operations(name)
        known.seconds[name] = (
            seconds_of(core_schema(schema), chosen[0], known.fragments)
            if len(chosen) == 1
            else None
        )
    return known.seconds[name]


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """One answer without anything of its caller: `body` ends with `extensions.cost`, whose
    `remaining` is left out; `caching` are the headers that tell caches what they may do."""

    body: bytes
    content_type: bytes
    caching: tuple[tuple[bytes, bytes], ...]
    etag: str
    until: float

    @classmethod
    def of(cls, body: bytes, media_type: str, seconds: int, kept: float) -> "PublicAnswer":
        """The answer of this body, good for `kept` seconds in this process."""
        # The same body in another form is another representation (RFC 9110, 8.8.3).
        mark = blake2b(body, digest_size=16, person=media_type[-16:].encode()).hexdigest()
        control = b"public, no-cache"
        if seconds:
            stale = seconds * _STALE_TIMES
            control = b"public, max-age=%d, stale-while-revalidate=%d" % (seconds, stale)
        etag = f'"{mark}"'
        caching = (b"cache-control", control), (b"etag", etag.encode()), (b"vary", _VARY)
        until = monotonic() + min(seconds, kept)
        return cls(body, f"{media_type}; charset=utf-8".encode(), caching, etag, until)

    def reply(
        self, method: str, if_none_match: str | None, remaining: Callable[[], int]
    ) -> "Reply":
        """The answer to a caller who has so many points remaining. Of a GET caches on the way may
        keep it, so it says nothing of them, and who has it already is told so (RFC 9110, 13.1.2).
        """
        return self._to_get(if_none_match) if method == "GET" else self._to_post(remaining())

    def _to_get(self, if_none_match: str | None) -> "Reply":
        if if_none_match is not None and _matches(if_none_match, self.etag):
            return Reply(304, [*self.caching], b"")
        return Reply(200, [*self._described(len(self.body)), *self.caching], self.body)

    def _to_post(self, remaining: int) -> "Reply":
        body = b'%b,"remaining":%d}}}' % (self.body[:-3], remaining)
        headers = [*self._described(len(body)), (b"cache-control", b"no-store")]
        return Reply(200, headers, body)

    def _described(self, length: int) -> list[tuple[bytes, bytes]]:
        return [(b"content-type", self.content_type), (b"content-length", b"%d" % length)]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class PublicAnswers:
    """The public answers that this process keeps, each at most `seconds`, and none over a write of
    its own: `drop` them after every commit. Bounded in number and in bytes."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.generation = 0
        self._kept: Recent[tuple[PublicAnswer, int]] = Recent(_ANSWERS, _BYTES)
        self._made: dict[Key, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key) -> PublicAnswer | None:
        """The answer to the same request, if it still may be given."""
        found = self._kept.get(key)
        if found is None or found[1] != self.generation or found[0].until <= monotonic():
            return None
        return found[0]

    async def awaited(self, key: Key) -> PublicAnswer | None:
        """The answer that is being made for another request, if it may be given when it is there:
        when one ends that many ask for, it is made once."""
        made = self._made.get(key)
        if made is None:
            return None
        await made.wait()
        return self.find(key)

    @contextmanager
    def making(self, key: Key | None) -> Iterator[None]:
        """Lets others wait for an answer, if there was one to the same request before: the answer
        to an unknown request may be no public one."""
        if key is None or key in self._made or self._kept.get(key) is None:
            yield
            return
        made = self._made[key] = asyncio.Event()
        try:
            yield
        finally:
            del self._made[key]
            made.set()

    def keep(self, key: Key, answer: PublicAnswer, generation: int) -> None:
        """Keeps an answer, unless something was written since `generation` was read: it may not
        show that."""
        if generation == self.generation and answer.until > monotonic():
            self._kept.put(key, (answer, generation), len(answer.body) + len(key[2]) + 500)

    def drop(self) -> None:
        """Gives none of the answers any more: this process has written."""
        self.generation += 1


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison: a proxy that compresses makes our ETag a weak one."""
    if if_none_match == etag:
        return True
    named = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in named or etag in named

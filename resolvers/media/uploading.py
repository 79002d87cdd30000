"""Taking an upload: who may, how many at once, what is stored. The file is stored first and its row
after it: a file without a row harms nobody, a row without a file would."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from auth.actor import Actor
from core.buckets import Buckets, Rate
from core.database import Database, UnitOfWork
from core.errors import Forbidden, RateLimited
from core.ids import new_id
from core.settings import Limits
from gateways.storage import Storage
from models.media import assets as sql
from resolvers.media.errors import NoFile, TooLarge
from resolvers.media.pictures import Picture, examine

MAX_BYTES = 10_485_760
ORIGINAL = "original"

_A_MINUTE = 60  # and as many that are refused: those take time as well
_AT_ONCE_AN_ACCOUNT = 4
_AT_ONCE = 32  # each may hold two copies of 10 MiB while it waits
_DECODED_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A stored picture: its id, and what it is. `size` is in bytes, as served."""

    id: UUID
    mime_type: str
    size: int
    width: int
    height: int


class Uploads:
    """The uploads of one process. Its limits keep a few accounts from filling memory and disk."""

    def __init__(self, database: Database, storage: Storage, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._storage = storage
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._tries = Buckets(Rate(_A_MINUTE, 1))
        self._running: Counter[UUID] = Counter()

    @asynccontextmanager
    async def admitted(self, actor: Actor) -> AsyncIterator[None]:
        """Inside, the actor may send a file. Raises Unauthenticated, Forbidden for an account that
        is not active, and RateLimited for too many at once or in a minute, refused ones too."""
        owner_id = actor.member()
        busy = self._running[owner_id] >= _AT_ONCE_AN_ACCOUNT
        if busy or self._running.total() >= _AT_ONCE:
            raise RateLimited("Too many uploads at once. Wait for the others to end.", 5)
        seconds = self._tries.take(owner_id, 1)
        if seconds:
            raise RateLimited(f"At most {_A_MINUTE} uploads a minute.", seconds)
        self._running[owner_id] += 1
        try:
            await self._database.run(lambda work: _require_may_upload(work, owner_id))
            yield
        finally:
            self._running[owner_id] -= 1
            self._running += Counter()  # forgets accounts at zero

    async def store(self, actor: Actor, content: bytes, declared: str | None) -> Uploaded:
        """Checks a file and stores it as the actor's picture, attached to nothing. Raises NoFile,
        TooLarge, InvalidMime (spec/03-auctions.md#catalogue)."""
        asset_id, picture = await self.keep(actor, content, declared)
        await self._database.run(lambda work: _record(work, actor.member(), asset_id, picture))
        return Uploaded(
            id=asset_id,
            mime_type=picture.mime_type,
            size=len(picture.content),
            width=picture.width,
            height=picture.height,
        )

    async def keep(
        self, actor: Actor, content: bytes, declared: str | None
    ) -> tuple[UUID, Picture]:
        """Checks a file and stores its bytes under a new id; its row is the caller's to write. An
        account's files are decoded one after the other, so that it never has all places. Raises
        NoFile, TooLarge, InvalidMime (spec/03-auctions.md#catalogue)."""
        if not content:
            raise NoFile("The file is empty.")
        if len(content) > MAX_BYTES:
            raise TooLarge(f"A file has at most {MAX_BYTES} bytes.")
        owner_id = actor.member()
        turn = self._turns.get(owner_id)
        if turn is None:
            turn = self._turns[owner_id] = asyncio.Lock()
        async with turn, self._decoding:
            picture = await asyncio.to_thread(examine, content, declared, self._limits)
        asset_id = new_id()
        variants = {size.value: thumbnail for size, thumbnail in picture.thumbnails.items()}
        await self._storage.put(asset_id, {ORIGINAL: picture.content, **variants})
        return asset_id, picture


async def _require_may_upload(work: UnitOfWork, owner_id: UUID) -> None:
    since = await work.clock() - timedelta(minutes=1)
    uploader = await work.first(sql.uploader(owner_id, since))
    if uploader is None or not uploader.is_active:
        raise Forbidden("This account is not active.")
    if uploader.uploads >= _A_MINUTE:
        raise RateLimited(f"At most {_A_MINUTE} uploads a minute.", 60)


async def _record(work: UnitOfWork, owner_id: UUID, asset_id: UUID, picture: Picture) -> None:
    values = {
        "id": asset_id,
        "owner_id": owner_id,
        "mime_type": picture.mime_type,
        "size": len(picture.content),
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.sha256,
    }
    await work.execute(sql.add_asset(values))

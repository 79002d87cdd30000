"""What is kept only for a time: second chances, events, idempotency keys, orphaned uploads, old
sign-in data, and signing keys that are due for rotation; and the daily verification of the audit
log."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from core.database import Database, UnitOfWork
from core.settings import Settings
from gateways.storage import Storage
from models.events import events_older_than
from models.idempotency import keys_older_than
from resolvers.auctions.second_chances import close_expired_second_chances
from resolvers.audit.log import verify_daily
from resolvers.customers.deletion import keep_customers
from resolvers.identity.housekeeping import keep_identity
from resolvers.media.assets import remove_orphans
from resolvers.media.avatars import remove_deleted_avatars

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 600.0
_BATCH = 5_000
_KEYS_KEPT = timedelta(hours=48)  # the specification asks for 24 at least


async def forget_old(database: Database, settings: Settings) -> int:
    """Removes events older than `settings.event_days` and idempotency keys older than 48 hours, in
    batches, so that no lock is held for long. Gives how many rows went."""

    async def events(work: UnitOfWork) -> int:
        limit = await work.clock() - timedelta(days=settings.event_days)
        return await work.execute(events_older_than(limit, _BATCH))

    async def keys(work: UnitOfWork) -> int:
        return await work.execute(keys_older_than(await work.clock() - _KEYS_KEPT))

    removed = await database.run(keys)
    while (batch := await database.run(events)) > 0:
        removed += batch
    return removed


async def keep_house(database: Database, settings: Settings) -> None:
    """Does all of it every ten minutes, for ever. A part that fails is put off and keeps no other
    part from being done: keys must rotate while the storage of pictures is away."""
    storage = Storage(settings)

    async def orphans() -> object:
        now = await database.run(lambda work: work.clock())
        return await remove_orphans(database, storage, now)

    parts: dict[str, Callable[[], Awaitable[object]]] = {
        "old data": lambda: forget_old(database, settings),
        "second chances": lambda: database.run(close_expired_second_chances),
        "identity": lambda: keep_identity(database, settings),
        "orphaned uploads": orphans,
        "deleted avatars": lambda: remove_deleted_avatars(database, storage),
        "customers": lambda: keep_customers(database),
        "audit log": lambda: verify_daily(database),
    }
    while True:
        for name, part in parts.items():
            try:
                await part()
            except Exception as error:
                # The kind only: an error's text may hold what a row does.
                log.warning("housekeeping was put off", part=name, error=type(error).__name__)
        await asyncio.sleep(_EVERY_SECONDS)

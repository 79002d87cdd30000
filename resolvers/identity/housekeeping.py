"""What identity keeps only for a time, and the keys' rotation. The worker calls it."""

from datetime import timedelta
from typing import Final

from core.database import Database, UnitOfWork
from core.settings import Settings
from models.session_statements import drop_old_sessions
from models.user_statements import attempts_older_than
from resolvers.signing_keys import rotate_signing_key

_ATTEMPTS_KEPT: Final = timedelta(days=1)
# Longer than any access token of an ended session could still be shown to somebody.
_SESSIONS_KEPT: Final = timedelta(days=1)
_BATCH: Final = 1_000


async def keep_identity(database: Database, settings: Settings) -> int:
    """Rotates the signing key when it is due, removes old attempts and sessions that ended a day
    ago, in batches. Gives how many rows went. Idempotent; several workers at once do no harm."""
    await rotate_signing_key(database, settings)

    async def attempts(work: UnitOfWork) -> int:
        return (await work.execute(attempts_older_than(_ATTEMPTS_KEPT))).rowcount

    async def sessions(work: UnitOfWork) -> int:
        tokens, ended = drop_old_sessions(_SESSIONS_KEPT, _BATCH)
        await work.execute(tokens)
        return (await work.execute(ended)).rowcount

    removed = await database.run(attempts)
    while (batch := await database.run(sessions)) > 0:
        removed += batch
    return removed

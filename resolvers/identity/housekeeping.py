"""What identity keeps only for a time, and the keys' rotation. The worker calls it."""

from datetime import timedelta
from typing import Final

from core.database import Database, UnitOfWork
from core.settings import Settings
from models.identity.attempts import attempts_older_than
from models.identity.codes import codes_older_than
from models.identity.oidc import drop_old_oidc_logins
from models.identity.second_factor import challenges_older_than, enrollments_older_than
from models.identity.session_statements import drop_old_sessions
from resolvers.identity.archiving import purge_closed
from resolvers.identity.signing_keys import rotate_signing_key

_ATTEMPTS_KEPT: Final = timedelta(days=1)
_CHALLENGES_KEPT: Final = timedelta(hours=1)
# Longer than any access token of an ended session could still be shown to somebody.
_SESSIONS_KEPT: Final = timedelta(days=1)
_BATCH: Final = 1_000
_PURGED_AT_ONCE: Final = 100


async def _challenges(work: UnitOfWork) -> int:
    old = (challenges_older_than(_CHALLENGES_KEPT), enrollments_older_than(_CHALLENGES_KEPT))
    return sum([await work.execute(statement) for statement in old])


async def keep_identity(database: Database, settings: Settings) -> int:
    """Rotates the signing key when it is due, removes old attempts and sessions that ended a day
    ago, and what was personal of accounts closed 30 days ago, in batches. Gives how many rows went.
    Idempotent; several workers at once do no harm."""
    await rotate_signing_key(database, settings)

    async def attempts(work: UnitOfWork) -> int:
        return await work.execute(attempts_older_than(_ATTEMPTS_KEPT))

    async def sessions(work: UnitOfWork) -> int:
        tokens, ended = drop_old_sessions(_SESSIONS_KEPT, _BATCH)
        await work.execute(tokens)
        return await work.execute(ended)

    removed = await database.run(attempts)
    await database.run(lambda work: work.execute(codes_older_than(_ATTEMPTS_KEPT)))
    await database.run(lambda work: work.execute(drop_old_oidc_logins(_SESSIONS_KEPT)))
    removed += await database.run(_challenges)
    while (batch := await database.run(sessions)) > 0:
        removed += batch
    return removed + await purge_closed(database, _PURGED_AT_ONCE)

"""Noting in the audit log that signing in was refused after too many failures
(spec/10-admin-compliance.md#audit-log). Counts and refuses nothing: attempts.py does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from auth.actor import Actor
from core.database import Database, UnitOfWork
from core.ids import encode_id, new_id
from models.identity.attempts import add_attempts, attempts, lock_subjects
from resolvers.audit import record
from resolvers.identity.attempts import WINDOW, Attempt, Counter, LockedOut, attempt
from resolvers.identity.events import IdentityAction

_NOTED: Final = "lock-out noted"


@asynccontextmanager
async def signing_in(
    database: Database, actor: Actor, user_id: UUID | None, account: Counter, network: Counter
) -> AsyncIterator[Attempt]:
    """One try of signing in, as `attempt` counts it. Its refusal after a lock-out is noted, the
    first in 15 minutes for an account, whether or not there is one. Raises RateLimited."""
    try:
        async with attempt(database, account, network) as made:
            yield made
    except LockedOut:
        about = Counter(_NOTED, account.subject, 1)
        address = Actor(address=actor.address)
        await database.run(lambda work: _note(work, address, user_id, about))
        raise


async def _note(work: UnitOfWork, actor: Actor, user_id: UUID | None, about: Counter) -> None:
    await work.execute(lock_subjects(about.counted))
    # An attacker must not fill the log by going on.
    if len(await work.rows(attempts(about.counted, since=WINDOW))) >= about.limit:
        return
    await work.execute(add_attempts([new_id()], about.counted))
    await record(
        work,
        actor,
        IdentityAction.LOGIN_LOCKED_OUT,
        object_type="User",
        object_id=None if user_id is None else encode_id("usr", user_id),
    )

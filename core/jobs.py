"""Putting work into the queue from inside a transaction: the job exists exactly if the transaction
is committed. What jobs do stands in worker/."""

from datetime import timedelta
from typing import Any

import orjson
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from core.database import UnitOfWork


async def enqueue(
    work: UnitOfWork, job: str, arguments: dict[str, Any], *, after: timedelta | None = None
) -> None:
    """Adds a job that the worker runs once the transaction is committed, `after` later when given.
    It runs at least once, also when a worker is killed, so jobs are idempotent
    (docs/decisions/0004-queue.md)."""
    queries = Queries(AsyncpgDriver(work.connection))
    await queries.enqueue(job, orjson.dumps(arguments), execute_after=after)

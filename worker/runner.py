"""Runs everything that happens later, in one process."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import asyncpg
import orjson
from pgqueuer import PgQueuer
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job

from core.database import Database
from core.settings import Settings
from core.tasks import supervised
from worker.closing import close_on_time
from worker.housekeeping import keep_house
from worker.mail import JOBS as MAIL_JOBS
from worker.sms import JOBS as SMS_JOBS

JOBS = {**MAIL_JOBS, **SMS_JOBS}


def _patient(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    # A failing job is tried for about a day, then held for an operator to see and retry.
    return DatabaseRetryEntrypointExecutor(
        parameters=parameters, max_attempts=24, max_delay=timedelta(hours=2)
    )


class Worker:
    """All background work of one process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._tasks: list[asyncio.Task[None]] = []
        self._queue: PgQueuer | None = None

    async def start(self) -> None:
        """Starts the work."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "closing": lambda: close_on_time(self._database),
            "housekeeping": lambda: keep_house(self._database, self._settings),
            "queue": self._run_queue,
        }
        self._tasks = [supervised(f"worker-{name}", part) for name, part in parts.items()]

    async def stop(self) -> None:
        """Stops; a job in hand is taken up again by the next worker."""
        if self._queue is not None:
            self._queue.shutdown.set()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _run_queue(self) -> None:
        connection = await asyncpg.connect(self._database.driver_url, timeout=5)
        try:
            queue = self._queue = PgQueuer.from_asyncpg_connection(connection)
            for name, job in JOBS.items():
                self._register(queue, name, job)
            await queue.run(dequeue_timeout=timedelta(seconds=2), shutdown_on_listener_failure=True)
        finally:
            with suppress(Exception):
                await connection.close(timeout=2)

    def _register(
        self,
        queue: PgQueuer,
        name: str,
        job: Callable[[Database, Settings, dict[str, object]], Awaitable[None]],
    ) -> None:
        @queue.entrypoint(name, executor_factory=_patient, on_failure="hold", accepts_context=False)
        async def run(found: Job) -> None:
            await job(self._database, self._settings, orjson.loads(found.payload or b"{}"))

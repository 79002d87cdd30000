"""What the worker does every ten minutes: one part that fails keeps no other from being done."""

import asyncio
from contextlib import suppress

from sqlalchemy import text
from structlog.testing import capture_logs

from tests.clients.client import Souk
from worker.housekeeping import keep_house


async def test_a_part_that_fails_keeps_no_other_from_being_done(souk: Souk) -> None:
    await souk.database.run(
        lambda work: work.execute(text("ALTER TABLE idempotency_key RENAME TO away"))
    )
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE signing_key SET signs_until = now(), verifies_until = now()")
        )
    )
    verified = text("SELECT count(*) FROM audit_check WHERE finished_at IS NOT NULL")
    with capture_logs() as logged:
        task = asyncio.create_task(keep_house(souk.database, souk.settings))
        try:
            async with asyncio.timeout(20):
                while not await souk.database.scalar(verified):  # noqa: ASYNC110  a row tells, no event
                    await asyncio.sleep(0.05)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    put_off = [entry["part"] for entry in logged if entry["event"] == "housekeeping was put off"]
    assert put_off == ["old data"]
    live = text("SELECT count(*) FROM signing_key WHERE signs_until > now()")
    assert await souk.database.scalar(live) == 1, "the key was rotated all the same"

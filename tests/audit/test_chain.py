"""Nobody changes the audit log, and whoever does is seen
(spec/10-admin-compliance.md#audit-log)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from auth.actor import Role
from resolvers.audit import blank_details
from resolvers.audit.log import MOST_VERIFIED, verify_daily
from resolvers.identity.events import IdentityAction
from tests.audit.entries import VERIFY, entries, first_broken, write
from tests.clients.client import Client, Souk
from worker.housekeeping import keep_house


@pytest.fixture
async def admin(souk: Souk) -> Client:
    """Who reads the log; five entries are in it."""
    admin = await souk.member("Ada Admin", Role.ADMIN)
    for number in range(1, 6):
        await write(
            souk,
            admin,
            IdentityAction.USER_UPDATE,
            object_id=f"usr_{number}",
            details={"before": {"city": "Ulm"}, "after": {"city": f"Bonn {number}"}},
            reason="Moved",
        )
    return admin


@pytest.fixture
async def owner(souk: Souk, admin: Client) -> AsyncIterator[asyncpg.Connection]:
    """Whoever owns the database: the most that anybody with its password can do."""
    connection = await asyncpg.connect(souk.settings.database_url)
    yield connection
    await connection.close()


REFUSED = [
    "UPDATE audit_entry SET action = 'user.delete' WHERE sequence = 3",
    "UPDATE audit_entry SET hash = 'x' WHERE false",
    "DELETE FROM audit_entry WHERE sequence = 3",
    "TRUNCATE audit_entry",
    "TRUNCATE audit_entry, audit_detail CASCADE",
    "TRUNCATE user_account CASCADE",
    "DELETE FROM audit_detail",
    "UPDATE audit_detail SET content = '{}'",
    "UPDATE audit_detail SET address = NULL",
    "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE sequence = 1 "
    "ON CONFLICT (id) DO UPDATE SET action = 'user.delete'",
    "MERGE INTO audit_entry e USING (SELECT 3 AS n) AS s ON e.sequence = s.n "
    "WHEN MATCHED THEN DELETE",
]


async def test_the_database_refuses_to_change_an_entry(
    souk: Souk, admin: Client, owner: asyncpg.Connection
) -> None:
    before = await entries(admin)
    # Not while replaying replication either, which switches ordinary triggers off.
    for mode in ("origin", "replica"):
        await owner.execute(f"SET session_replication_role = {mode}")
        for statement in REFUSED:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="audit log"):
                await owner.execute(statement)
    assert await entries(admin) == before


async def test_a_role_that_owns_the_tables_may_only_read_and_add(
    souk: Souk, admin: Client, owner: asyncpg.Connection
) -> None:
    for statement in (
        "CREATE ROLE app_of_audit_test NOSUPERUSER",
        "ALTER TABLE audit_entry OWNER TO app_of_audit_test",
        "ALTER TABLE audit_entry DISABLE TRIGGER USER",
        "SET ROLE app_of_audit_test",
    ):
        await owner.execute(statement)
    try:
        assert await owner.fetchval("SELECT count(*) FROM audit_entry") == 5
        for statement in REFUSED[:4]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await owner.execute(statement)
    finally:
        # Roles belong to the server, which other tests share.
        await owner.execute("RESET ROLE")
        await owner.execute("REASSIGN OWNED BY app_of_audit_test TO CURRENT_USER")
        await owner.execute("DROP OWNED BY app_of_audit_test")
        await owner.execute("DROP ROLE app_of_audit_test")


TAMPERED = {
    "action": "'user.delete'",
    "actor_kind": "'AGENT'",
    "performed_by": "(SELECT id FROM user_account WHERE fullname = 'Bob Benson')",
    "object_type": "'Customer'",
    "object_id": "NULL",
    "occurred_at": "occurred_at - interval '1 microsecond'",
    "details_digest": "repeat('0', 64)",
    "address_digest": "repeat('0', 64)",
    "hash": "repeat('0', 64)",
    "previous_hash": "repeat('1', 64)",
    "id": "(SELECT d.id FROM audit_detail d LEFT JOIN audit_entry e USING (id) WHERE e.id IS NULL)",
}
TWIN = """INSERT INTO audit_detail SELECT gen_random_uuid(), salt, content, address, request_id,
  erased_at FROM audit_detail JOIN audit_entry USING (id) WHERE sequence = 3"""
SIDES = {
    "content": "'{\"details\":{}}'",
    "address": "'192.0.2.8'",
    "salt": "repeat('0', 32)",
    "request_id": "'another'",
}


async def _untriggered(owner: asyncpg.Connection, *statements: str) -> None:
    for table in ("audit_entry", "audit_detail"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await owner.execute(statement)


async def test_whoever_switches_the_triggers_off_and_changes_an_entry_is_seen(
    admin: Client, bob: Client, owner: asyncpg.Connection
) -> None:
    await _untriggered(owner, TWIN)
    assert await first_broken(admin) is None
    columns = await owner.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_entry'"
    )
    # Its number is what it is looked for by: see the test of removed entries.
    assert {row[0] for row in columns} == {*TAMPERED, "sequence"}
    for column, value in TAMPERED.items():
        kept = await owner.fetchval(f"SELECT {column} FROM audit_entry WHERE sequence = 3")  # noqa: S608  the constants above
        await owner.execute(f"UPDATE audit_entry SET {column} = {value} WHERE sequence = 3")  # noqa: S608  the same
        assert await first_broken(admin) == 3, column
        assert await first_broken(admin, to=2) is None
        # A changed hash breaks the link to the next as well; all else is confined to its entry.
        assert await first_broken(admin, **{"from": 4}) == (4 if column == "hash" else None)
        await owner.execute(f"UPDATE audit_entry SET {column} = $1 WHERE sequence = 3", kept)  # noqa: S608  the same
        assert await first_broken(admin) is None


async def test_a_changed_clear_side_is_seen(admin: Client, owner: asyncpg.Connection) -> None:
    await _untriggered(owner)
    entry = await owner.fetchval("SELECT id FROM audit_entry WHERE sequence = 4")
    for column, value in SIDES.items():
        kept = await owner.fetchval(f"SELECT {column} FROM audit_detail WHERE id = $1", entry)  # noqa: S608  the constants above
        await owner.execute(f"UPDATE audit_detail SET {column} = {value} WHERE id = $1", entry)  # noqa: S608  the same
        assert await first_broken(admin) == 4, column
        await owner.execute(f"UPDATE audit_detail SET {column} = $2 WHERE id = $1", entry, kept)  # noqa: S608  the same
        assert await first_broken(admin) is None


async def test_a_removed_entry_is_seen_in_the_middle_and_at_the_named_end(
    admin: Client, owner: asyncpg.Connection
) -> None:
    await _untriggered(owner, "DELETE FROM audit_entry WHERE sequence = 2")
    assert await first_broken(admin) == 2
    assert await first_broken(admin, **{"from": 3}) == 2
    assert await first_broken(admin, **{"from": 4}) is None
    await _untriggered(owner, "DELETE FROM audit_entry WHERE sequence = 5")
    assert await first_broken(admin, **{"from": 4}) is None
    assert await first_broken(admin, **{"from": 4, "to": 5}) == 5


async def test_the_chain_verifies_after_an_erasure_and_the_clear_text_is_gone(
    souk: Souk, admin: Client, owner: asyncpg.Connection
) -> None:
    before = await entries(admin)
    await souk.database.run(lambda work: blank_details(work, "usr_3"))
    await souk.database.run(lambda work: blank_details(work, "usr_3"))  # harmless again
    after = await entries(admin)
    erased = {"details": None, "reason": None, "ipAddress": None, "requestId": None}
    assert after[2] == before[2] | erased
    assert after[:2] + after[3:] == before[:2] + before[3:]
    assert await first_broken(admin) is None
    row = await owner.fetchrow(
        "SELECT d.* FROM audit_detail d JOIN audit_entry e USING (id) WHERE sequence = 3"
    )
    assert row is not None
    # Without the salt nobody can guess the address by its digest.
    assert (row["salt"], row["content"], row["address"]) == (None, None, None)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("UPDATE audit_detail SET erased_at = now() WHERE erased_at IS NOT NULL")


async def test_a_range_is_checked_and_bounded(souk: Souk, admin: Client) -> None:
    for wrong in ({"from": 0}, {"from": 4, "to": 3}, {"to": 0}, {"to": MOST_VERIFIED + 1}):
        refused = await admin.refused(VERIFY, **wrong)
        assert refused["code"] == "BAD_USER_INPUT"
    assert await first_broken(admin, **{"from": 5, "to": 5}) is None
    assert await first_broken(admin, **{"from": 6}) is None


async def test_an_empty_log_is_sound(souk: Souk) -> None:
    admin = await souk.member("Ada Admin", Role.ADMIN)
    assert await first_broken(admin) is None


@pytest.fixture
def logged() -> Any:
    """Log events of level info and above; tests otherwise hear warnings only."""
    kept = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20))
    with capture_logs() as events:
        yield events
    structlog.configure(wrapper_class=kept)


async def _tomorrow(souk: Souk) -> None:
    await souk.database.run(
        lambda work: work.execute(
            text("UPDATE audit_check SET day = day - 1, started_at = started_at - interval '1 day'")
        )
    )


async def test_each_day_the_log_is_verified_once_and_its_head_logged(
    souk: Souk, admin: Client, logged: list[Any]
) -> None:
    for _ in range(3):
        await verify_daily(souk.database)
    head = (await entries(admin))[0]["hash"]
    said = [event for event in logged if event["event"] == "audit log verified"]
    assert said == [
        {"event": "audit log verified", "log_level": "info", "entries": 5, "head": head}
    ]
    await _tomorrow(souk)
    await verify_daily(souk.database)
    rows = await souk.database.rows(text("SELECT * FROM audit_check ORDER BY day"))
    assert [(row.head_sequence, row.head_hash, row.first_broken) for row in rows] == [
        (5, head, None),
        (5, head, None),
    ]


async def test_a_verification_that_was_cut_short_is_taken_up_by_another(
    souk: Souk, admin: Client
) -> None:
    await verify_daily(souk.database)

    async def cut_short(ago: str) -> None:
        await souk.database.run(
            lambda work: work.execute(
                text(
                    "UPDATE audit_check SET finished_at = NULL, head_hash = NULL, "
                    "started_at = now() - CAST(CAST(:ago AS text) AS interval)"
                ).bindparams(ago=ago)
            )
        )
        await verify_daily(souk.database)

    finished = text("SELECT finished_at IS NOT NULL FROM audit_check")
    await cut_short("59 minutes")
    assert not await souk.database.scalar(finished)
    await cut_short("61 minutes")
    assert await souk.database.scalar(finished)


@pytest.mark.parametrize("sequence", [2, 5])
async def test_the_daily_verification_raises_the_alarm_for_a_break_and_for_a_lost_end(
    souk: Souk, admin: Client, owner: asyncpg.Connection, logged: list[Any], sequence: int
) -> None:
    await verify_daily(souk.database)
    await _untriggered(owner)
    await owner.execute("DELETE FROM audit_entry WHERE sequence = $1", sequence)
    await _tomorrow(souk)
    await verify_daily(souk.database)
    alarms = [event for event in logged if event["log_level"] == "error"]
    assert [alarm["first_broken"] for alarm in alarms] == [sequence]
    # A broken day is no measure for the next: the alarm goes on.
    await _tomorrow(souk)
    await verify_daily(souk.database)
    assert [e["first_broken"] for e in logged if e["log_level"] == "error"] == [sequence] * 2


async def test_a_whole_chain_made_anew_is_seen_by_its_old_head(
    souk: Souk, admin: Client, owner: asyncpg.Connection, logged: list[Any]
) -> None:
    await verify_daily(souk.database)
    await _untriggered(owner, "DELETE FROM audit_entry")
    for table in ("audit_entry", "audit_detail"):
        await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for _ in range(6):
        await write(souk, admin, IdentityAction.USER_UPDATE)
    assert await first_broken(admin) is None
    await _tomorrow(souk)
    await verify_daily(souk.database)
    assert [e["first_broken"] for e in logged if e["log_level"] == "error"] == [5]


async def test_the_worker_keeps_the_daily_verification(souk: Souk, admin: Client) -> None:
    task = asyncio.create_task(keep_house(souk.database, souk.settings))
    finished = text("SELECT head_sequence FROM audit_check WHERE finished_at IS NOT NULL")
    try:
        async with asyncio.timeout(20):
            while await souk.database.scalar(finished) is None:  # noqa: ASYNC110  a row tells, no event
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert await souk.database.scalar(finished) == 5

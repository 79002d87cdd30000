"""Reading and verifying the audit log (spec/10-admin-compliance.md#audit-log). Writes no entry:
resolvers/audit/recording.py does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import structlog

from auth.actor import Actor, Permission
from core.commands import Filter, IdOf, Marker, SearchText
from core.database import Columns, Database
from core.errors import BadUserInput
from core.pages import ListRequest, Page
from models.audit import log as sql
from models.audit.log import (
    EntryRow,
    begin_check,
    chain_head,
    finish_check,
    last_sound_check,
    links_from,
)
from resolvers.audit.chain import GENESIS, is_sound
from resolvers.pages import in_order, read_count, read_page

log = structlog.get_logger(__name__)

MOST_VERIFIED: Final = 100_000
"""So many entries are verified by one query at most; the daily verification has no bound."""

# Hashing holds up whatever else the process does: a few milliseconds at a time.
_BATCH: Final = 250
_STALE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Walked:
    first_broken: int | None
    last_hash: str


class AuditPeriod(Filter):
    """A stretch of time; open where an end is left out."""

    from_: Annotated[datetime | None, "From this moment on."] = None
    to: Annotated[datetime | None, "Before this moment."] = None


class AuditLogFilter(Filter):
    """Which entries a list holds; all conditions hold together."""

    performed_by: Annotated[UUID | None, IdOf("usr"), "Only what this person did."] = None
    object_id: Annotated[SearchText, Marker.ANY_ID, "Only what was done to this object."] = None
    action_object: Annotated[SearchText, "A part of the object's type, whatever its case."] = None
    action_type: Annotated[SearchText, "A part of the action's name, whatever its case."] = None
    occurred_at: Annotated[AuditPeriod | None, "Only what was done in this time."] = None

    def asked(self) -> dict[str, Any]:
        """The conditions that are asked for, the two ends of a time by themselves."""
        asked = super().asked()
        period = asked.pop("occurred_at", AuditPeriod())
        ends = {"since": period.from_, "until": period.to}
        return asked | {name: moment for name, moment in ends.items() if moment is not None}


async def entries_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[EntryRow | None]:
    """Loader: the entries of these ids, none of them for anybody who may not read the log."""
    if not actor.may(Permission.READ_AUDIT_LOG):
        return [None] * len(ids)
    return in_order(await database.rows(sql.entries_by_ids(ids, columns)), ids)


async def list_entries(
    database: Database, actor: Actor, request: ListRequest[AuditLogFilter, None]
) -> Page[EntryRow]:
    """A page of entries, the newest first. Raises Unauthenticated, Forbidden, BadUserInput."""
    actor.require(Permission.READ_AUDIT_LOG)
    return await read_page(database, actor, sql.ENTRIES, request)


async def count_entries(
    database: Database, actor: Actor, request: ListRequest[AuditLogFilter, None]
) -> int:
    """How many entries the list holds. Raises Unauthenticated, Forbidden."""
    actor.require(Permission.READ_AUDIT_LOG)
    return await read_count(database, actor, sql.ENTRIES, request)


async def verify(
    database: Database, actor: Actor, first: int | None, last: int | None
) -> int | None:
    """The sequence of the first entry between `first` and `last`, both included, that is missing,
    was changed, or does not follow the one before; None when all are sound. Left out, they are 1
    and the newest. Raises Unauthenticated, Forbidden, and BadUserInput for a range that is none or
    too long for one query."""
    actor.require(Permission.READ_AUDIT_LOG)
    begin = 1 if first is None else first
    if begin < 1:
        raise BadUserInput("from: the first entry has number 1.", "from")
    head = await database.first(chain_head())
    end = last if last is not None else 0 if head is None else head.sequence
    if last is not None and end < begin:
        raise BadUserInput("to: must not be less than from.", "to")
    if end - begin >= MOST_VERIFIED:
        raise BadUserInput(f"to: at most {MOST_VERIFIED} entries at once: ask in parts.", "to")
    return (await _walk(database, begin, end)).first_broken


async def verify_daily(database: Database) -> None:
    """Verifies the whole log once each day (UTC), whichever process comes first. Writes the last
    entry's hash to the log stream, outside the database, and raises the alarm there, as an error,
    when the chain is broken or ends before where it ended the last time."""
    day = await database.run(lambda work: work.scalar(begin_check(_STALE)))
    if day is None:
        return
    head = await database.first(chain_head())
    end = 0 if head is None else int(head.sequence)
    walked = await _walk(database, 1, end)
    broken = walked.first_broken or await _cut_off_at(database, end)
    await database.run(
        lambda work: work.execute(
            finish_check(day, head_sequence=end, head_hash=walked.last_hash, first_broken=broken)
        )
    )
    if broken is None:
        log.info("audit log verified", entries=end, head=walked.last_hash)
    else:
        log.error("THE AUDIT LOG IS BROKEN", first_broken=broken, entries=end)


async def _walk(database: Database, first: int, last: int) -> _Walked:
    previous = GENESIS
    if first > 1:
        [*before] = await database.rows(links_from(first - 1, first - 1, 1))
        if not before:
            return _Walked(first - 1, GENESIS)
        previous = before[0].hash
    expected = first
    while expected <= last:
        rows = await database.rows(links_from(expected, last, _BATCH))
        if not rows:
            return _Walked(expected, previous)
        for row in rows:
            if not is_sound(row, expected, previous):
                return _Walked(expected, previous)
            previous = row.hash
            expected += 1
    return _Walked(None, previous)


async def _cut_off_at(database: Database, end: int) -> int | None:
    """Where entries are missing that the last verification still saw, or were all made anew."""
    seen = await database.first(last_sound_check())
    if seen is None or seen.head_sequence == 0:
        return None
    if seen.head_sequence > end:
        return end + 1
    [*found] = await database.rows(links_from(seen.head_sequence, seen.head_sequence, 1))
    return None if found and found[0].hash == seen.head_hash else int(seen.head_sequence)

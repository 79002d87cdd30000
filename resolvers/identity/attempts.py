"""Counting tries of credentials, so that guessing stops: per account and per network address,
whatever way the tries come (aliases, batches, many processes). Knows no password."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil
from typing import Any, Final
from uuid import UUID

from core.database import Database, UnitOfWork
from core.errors import RateLimited
from core.ids import new_id
from models.identity.attempts import (
    Subject,
    add_attempts,
    attempts,
    drop_attempts,
    lock_subjects,
    settle_attempts,
)

WINDOW: Final = timedelta(minutes=15)
# The figures of spec/02-identity.md#user, login; second factors keep to them too.
FAILURES_AN_ACCOUNT: Final = 5
FAILURES_A_NETWORK: Final = 50
_WAITS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2)


@dataclass(frozen=True, slots=True)
class Counter:
    """Who is counted, and how many failures in 15 minutes are too many."""

    kind: str
    subject: str
    limit: int

    @property
    def counted(self) -> Subject:
        """What the attempts are stored by."""
        return self.kind, self.subject


class LockedOut(RateLimited):
    """So many attempts failed that no other one is made now."""


@dataclass(slots=True)
class Attempt:
    """One try under way; it counts as failed unless `succeeded` is set."""

    ids: list[UUID]
    succeeded: bool = False


@lru_cache(4_096)
def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 customer has whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:60]
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def by_network(kind: str, address: str) -> Counter:
    """The counter of a kind of tries for the network of an address."""
    return Counter(kind, network_of(address), FAILURES_A_NETWORK)


async def _begin(work: UnitOfWork, counters: Sequence[Counter]) -> list[UUID] | None:
    subjects = list(dict.fromkeys(counter.counted for counter in counters))
    await work.execute(lock_subjects(*subjects))
    seen: dict[Subject, list[Any]] = {subject: [] for subject in subjects}
    for row in await work.rows(attempts(*subjects, since=WINDOW)):
        seen[row.kind, row.subject].append(row)
    undecided = False
    for counter in counters:
        own = seen[counter.counted]
        failed = [row.age for row in own if not row.pending]
        if len(failed) >= counter.limit:
            # Free again when so many have left the window that fewer than the limit remain.
            left = WINDOW - failed[len(failed) - counter.limit]
            raise LockedOut(
                "Too many failed attempts. Wait before you try again.",
                max(1, ceil(left.total_seconds())),
            )
        undecided = undecided or len(own) >= counter.limit
    if undecided:
        return None
    ids = [new_id() for _ in subjects]
    await work.execute(add_attempts(ids, *subjects, pending=True))
    return ids


@asynccontextmanager
async def attempt(database: Database, *counters: Counter) -> AsyncIterator[Attempt]:
    """One try of a credential: counted before it is made, so that tries at the same time cannot
    exceed the limit; when others under way could fill it, this one waits for their outcome. Raises
    RateLimited with the seconds to wait. Uncounted again when the body sets `succeeded`
    (spec/02-identity.md#user, login)."""
    ids = None
    for seconds in (*_WAITS, None):
        ids = await database.run(lambda work: _begin(work, counters))
        if ids is not None:
            break
        if seconds is None:
            raise RateLimited("Too many attempts at once. Try again in a moment.", 2)
        await asyncio.sleep(seconds)
    made = Attempt(ids or [])
    try:
        yield made
    except RateLimited:
        made.succeeded = True  # nothing was tried: the server had no time for it
        raise
    finally:
        end = drop_attempts if made.succeeded else settle_attempts
        await database.run(lambda work: work.execute(end(made.ids)))

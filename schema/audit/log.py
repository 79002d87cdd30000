"""The audit log as admins see it: reading and verifying. Holds no rule; nothing here writes,
because entries come of what is done elsewhere."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import strawberry
from strawberry.scalars import JSON

from auth.actor import ApiKeyScope, Permission
from auth.who import may
from graph.columns import derived, stored
from graph.context import Context
from graph.cost import declared
from graph.entity import Node, entity
from graph.enums import described
from graph.lists import listing
from graph.queries import by_id, query
from graph.relations import relation
from models.audit import ActorKind
from models.audit.log import EntryRow
from resolvers.audit import log as cases

if TYPE_CHECKING:
    from schema.identity.types import User

# Verifying reads many rows for one figure.
_VERIFYING: Final = declared(points=100)
_READERS: Final = may(Permission.READ_AUDIT_LOG)

described(
    ActorKind,
    "Who did something.",
    USER="A person, signed in.",
    API_KEY="A program, with a person's key.",
    AGENT="An agent, for a person.",
    SYSTEM="Souk itself, for nobody signed in.",
    WEBHOOK="A call from outside.",
)


def _content(name: str, description: str) -> Any:
    def of(entry: Any) -> Any:
        content = entry.row["content"]
        return None if content is None else orjson.loads(content).get(name)

    return derived(of, "content", description=description)


@entity(
    "aud",
    rows=cases.entries_by_ids,
    row=EntryRow,
    description="One thing that was done: who, what, when. Never changed and never removed; an "
    "erasure blanks details, reason, ipAddress and requestId, and the chain still verifies.",
)
class AuditLogEntry(Node):
    actor_kind: ActorKind = stored(
        "actor_kind", words=ActorKind, description="Who did it, in kind."
    )
    action_type: str = stored(
        "action",
        description="What was done, from a fixed list of names such as `user.set_role`.",
    )
    action_object: str = stored(
        "object_type", description="The type of what it was done to, such as `User`."
    )
    object_id: strawberry.ID | None = stored("object_id", description="What it was done to.")
    details: JSON | None = _content(
        "details",
        "The changed fields before and after, at most 16 KiB; never a secret. Null once erased.",
    )
    reason: str | None = _content("reason", "Why, in the words of whoever did it.")
    ip_address: str | None = stored("address", description="From which network address.")
    request_id: str | None = stored(
        "request_id", description="The request's X-Request-Id, which its log lines have too."
    )
    occurred_at: datetime = stored("occurred_at", description="When, by the database's clock.")
    sequence: int = stored("sequence", description="Its number, from 1, without gaps.")
    hash: str = stored(
        "hash",
        description="SHA-256 of previousHash and of everything in the entry, in hexadecimal.",
    )
    previous_hash: str = stored(
        "previous_hash", description="The hash of the entry before; 64 zeros in the first."
    )
    performed_by: Annotated["User", strawberry.lazy("schema.identity.types")] | None = relation(
        loader="user", column="performed_by", description="Who did it; null for SYSTEM."
    )


audit_log = listing(
    AuditLogEntry,
    cases.list_entries,
    cases.count_entries,
    filter=cases.AuditLogFilter,
    filter_description="Which entries.",
    who=_READERS,
    scope=ApiKeyScope.READ,
    description="What was done, newest first. ADMIN.",
)
audit_log_entry = by_id(
    AuditLogEntry,
    who=_READERS,
    scope=ApiKeyScope.READ,
    description="The entry of this id; null when there is none. ADMIN.",
    argument="The entry's id.",
)


@query(
    who=_READERS,
    scope=ApiKeyScope.READ,
    description="Verifies the chain: the sequence of the first entry that is missing, was changed "
    "or does not follow the one before; null when all are sound. At most 100,000 entries at once. "
    "ADMIN.",
    metadata=_VERIFYING,
)
async def verify_audit_log(
    context: Context,
    from_: Annotated[int | None, "The first sequence; 1 when left out."] = None,
    to: Annotated[int | None, "The last sequence; the newest when left out."] = None,
) -> int | None:
    """The first entry that is not sound."""
    return await cases.verify(context.database, context.actor, from_, to)

"""The audit log as admins see it: reading and verifying. Holds no rule; nothing here writes,
because entries come of what is done elsewhere."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry
from strawberry.scalars import JSON

from auth.actor import Actor, Permission
from core.commands import wish
from core.ids import decode_id, decode_optional, encode_id
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, Node, connection_of
from graph.context import Info
from graph.cost import declared
from graph.enums import described
from graph.loading import Loader
from graph.relations import relation
from models.audit import ActorKind, AuditWishes
from resolvers.audit import reading
from schema.identity.types import User

# Verifying reads many rows for one figure.
_VERIFYING = declared(points=100)

described(
    ActorKind,
    "Who did something.",
    USER="A person, signed in.",
    API_KEY="A program, with a person's key.",
    AGENT="An agent, for a person.",
    SYSTEM="Souk itself, for nobody signed in.",
    WEBHOOK="A call from outside.",
)


@strawberry.type(
    description="One thing that was done: who, what, when. Never changed and never removed; an "
    "erasure blanks details, reason, ipAddress and requestId, and the chain still verifies."
)
class AuditLogEntry(Node):
    actor_kind: ActorKind = strawberry.field(description="Who did it, in kind.")
    action_type: str = strawberry.field(
        description="What was done, from a fixed list of names such as `user.set_role`."
    )
    action_object: str = strawberry.field(
        description="The type of what it was done to, such as `User`."
    )
    object_id: strawberry.ID | None = strawberry.field(description="What it was done to.")
    details: JSON | None = strawberry.field(
        description="The changed fields before and after, at most 16 KiB; never a secret. Null "
        "once erased."
    )
    reason: str | None = strawberry.field(description="Why, in the words of whoever did it.")
    ip_address: str | None = strawberry.field(description="From which network address.")
    request_id: str | None = strawberry.field(
        description="The request's X-Request-Id, which its log lines have too."
    )
    occurred_at: datetime = strawberry.field(description="When, by the database's clock.")
    sequence: int = strawberry.field(description="Its number, from 1, without gaps.")
    hash: str = strawberry.field(
        description="SHA-256 of previousHash and of everything in the entry, in hexadecimal."
    )
    previous_hash: str = strawberry.field(
        description="The hash of the entry before; 64 zeros in the first."
    )
    performer_id: strawberry.Private[UUID | None]

    performed_by: User | None = relation(
        loader="user", key="performer_id", description="Who did it; null for SYSTEM."
    )

    @classmethod
    def of(cls, row: Any, _: Actor) -> "AuditLogEntry":
        """The entry of a row with its clear side."""
        content = {} if row.content is None else orjson.loads(row.content)
        return cls(
            id=strawberry.ID(encode_id("aud", row.id)),
            actor_kind=ActorKind(row.actor_kind),
            action_type=row.action,
            action_object=row.object_type,
            object_id=None if row.object_id is None else strawberry.ID(row.object_id),
            details=content.get("details"),
            reason=content.get("reason"),
            ip_address=row.address,
            request_id=row.request_id,
            occurred_at=row.occurred_at,
            sequence=row.sequence,
            hash=row.hash,
            previous_hash=row.previous_hash,
            performer_id=row.performed_by,
        )


@strawberry.input(description="A stretch of time; open where an end is left out.")
class AuditPeriod:
    from_: datetime | None = strawberry.field(
        name="from", default=None, description="From this moment on."
    )
    to: datetime | None = strawberry.field(default=None, description="Before this moment.")


@strawberry.input(description="Which entries a list holds; all conditions hold together.")
class AuditLogFilter:
    performed_by: strawberry.ID | None = strawberry.field(
        default=None, description="Only what this person did."
    )
    object_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only what was done to this object."
    )
    action_object: str | None = strawberry.field(
        default=None, description="A part of the object's type, whatever its case."
    )
    action_type: str | None = strawberry.field(
        default=None, description="A part of the action's name, whatever its case."
    )
    occurred_at: AuditPeriod | None = strawberry.field(
        default=None, description="Only what was done in this time."
    )


def _wishes(filter: AuditLogFilter | None) -> AuditWishes:
    if filter is None:
        return AuditWishes()
    period = filter.occurred_at or AuditPeriod()
    return AuditWishes(
        performed_by=decode_optional("usr", filter.performed_by, "filter.performedBy"),
        object_id=wish(filter.object_id, "filter.objectId"),
        action_object=wish(filter.action_object, "filter.actionObject"),
        action_type=wish(filter.action_type, "filter.actionType"),
        since=period.from_,
        until=period.to,
    )


@strawberry.type
class Query:
    """Reading the audit log; admins only."""

    @strawberry.field(description="What was done, newest first. ADMIN.")
    async def audit_log(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            AuditLogFilter | None, strawberry.argument(description="Which entries.")
        ] = None,
    ) -> Connection[AuditLogEntry]:
        database, actor = info.context.database, info.context.actor
        actor.require(Permission.READ_AUDIT_LOG)
        wishes = _wishes(filter)
        page = await reading.list_entries(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [AuditLogEntry.of(row, actor) for row in page.rows]
        made: Connection[AuditLogEntry] = connection_of(
            page, nodes, lambda _: reading.count_entries(database, actor, wishes)
        )
        return made

    @strawberry.field(description="The entry of this id; null when there is none. ADMIN.")
    async def audit_log_entry(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The entry's id.")],
    ) -> AuditLogEntry | None:
        info.context.actor.require(Permission.READ_AUDIT_LOG)
        found: AuditLogEntry | None = await info.context.load("audit", decode_id("aud", id, "id"))
        return found

    @strawberry.field(
        description="Verifies the chain: the sequence of the first entry that is missing, was "
        "changed or does not follow the one before; null when all are sound. At most 100,000 "
        "entries at once. ADMIN.",
        metadata=_VERIFYING,
    )
    async def verify_audit_log(
        self,
        info: Info,
        from_: Annotated[
            int | None,
            strawberry.argument(name="from", description="The first sequence; 1 when left out."),
        ] = None,
        to: Annotated[
            int | None,
            strawberry.argument(description="The last sequence; the newest when left out."),
        ] = None,
    ) -> int | None:
        return await reading.verify(info.context.database, info.context.actor, from_, to)


LOADERS = {"audit": Loader(reading.entries_by_ids, AuditLogEntry.of)}
NODES = {"aud": "audit"}
TYPES = [AuditLogEntry]

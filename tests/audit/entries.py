"""Documents on the audit log, and entries to read, made as use cases make them."""

from typing import Any

from auth.actor import Actor
from resolvers.audit import AuditAction, record
from tests.clients.client import Client, Souk

FIELDS = """id actorKind actionType actionObject objectId details reason ipAddress requestId
  occurredAt sequence hash previousHash performedBy { id fullname }"""
LOG = f"""query($filter: AuditLogFilter, $first: Int, $after: String) {{
  auditLog(filter: $filter, first: $first, after: $after) {{
    totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {FIELDS} }} }} }}"""
ENTRY = f"query($id: ID!) {{ auditLogEntry(id: $id) {{ {FIELDS} }} }}"
VERIFY = "query($from: Int, $to: Int) { verifyAuditLog(from: $from, to: $to) }"


def actor_of(client: Client) -> Actor:
    """The actor behind a client, as resolvers know it."""
    assert client.account is not None
    return Actor(client.account.id, client.account.id, address="192.0.2.7")


async def write(souk: Souk, client: Client | None, action: AuditAction, **values: Any) -> None:
    """One entry, in a transaction of its own."""
    actor = Actor() if client is None else actor_of(client)
    values = {"object_type": "User", "object_id": None, **values}
    await souk.database.run(lambda work: record(work, actor, action, **values))


async def entries(reader: Client, **variables: Any) -> list[dict[str, Any]]:
    """The entries that a reader is shown, newest first."""
    found: list[dict[str, Any]] = (await reader.run(LOG, **variables))["auditLog"]["nodes"]
    return found


async def first_broken(reader: Client, **range: int) -> int | None:
    """What verifying finds."""
    found: int | None = (await reader.run(VERIFY, **range))["verifyAuditLog"]
    return found

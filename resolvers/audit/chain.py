"""The arithmetic of the audit log's hash chain (spec/10-admin-compliance.md#audit-log). Stores and
reads nothing; docs/decisions/0018-audit-log.md says how to check a chain without Souk."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from auth.secrets import tag

GENESIS: Final = "0" * 64
"""What stands for the hash before the first entry."""


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: the same for the same content."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=_plain, option=options).decode()


def _plain(value: Any) -> str:
    # The database driver has a class of its own for ids.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"the audit log cannot hold a {type(value).__name__}")


def details_digest(salt: str, content: str, request_id: str | None) -> str:
    """The salted digest of what happened: details with the reason, and the request's id."""
    return tag(bytes.fromhex(salt), "details", content, request_id or "")


def address_digest(salt: str, address: str | None) -> str:
    """The salted digest of the network address."""
    return tag(bytes.fromhex(salt), "address", address or "")


def link_hash(
    previous: str,
    *,
    id: UUID,
    sequence: int,
    occurred_at: datetime,
    actor_kind: str,
    performed_by: UUID | None,
    action: str,
    object_type: str,
    object_id: str | None,
    details_digest: str,
    address_digest: str,
) -> str:
    """SHA-256, in hexadecimal, of the hash before and the canonical JSON of everything that stands
    in the entry's row."""
    content = canonical(
        {
            "id": id,
            "sequence": sequence,
            "time": occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": {"kind": str(actor_kind), "id": performed_by},
            "action": str(action),
            "object": {"type": object_type, "id": object_id},
            "detailsDigest": details_digest,
            "ipDigest": address_digest,
        }
    )
    return hashlib.sha256((previous + content).encode()).hexdigest()


def is_sound(row: Any, sequence: int, previous: str) -> bool:
    """True when the entry of a row is the one of this number, follows the hash before, says what
    its hash was made of, and its clear side, unless erased, is what its digests were made of."""
    if row.sequence != sequence or row.previous_hash != previous:
        return False
    made = link_hash(
        previous,
        id=row.id,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        actor_kind=row.actor_kind,
        performed_by=row.performed_by,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        details_digest=row.details_digest,
        address_digest=row.address_digest,
    )
    if made != row.hash:
        return False
    if row.erased_at is not None:
        return True
    details = details_digest(row.salt, row.content, row.request_id)
    address = address_digest(row.salt, row.address)
    return bool(details == row.details_digest and address == row.address_digest)

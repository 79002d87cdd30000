"""Writing the audit log (spec/10-admin-compliance.md#audit-log): one entry for each thing done, in
the transaction that does it. Reads, shows and verifies nothing: resolvers/audit/log.py does."""

import re
import secrets
from enum import StrEnum
from typing import Any, Final

import structlog

from auth.actor import Actor
from core.database import UnitOfWork
from core.ids import encode_id, new_id
from models.audit import MAX_CONTENT, ActorKind
from models.audit.log import (
    add_detail,
    add_entry,
    blank_details_of,
    chain_head,
    lock_chain,
)
from resolvers.audit.chain import (
    GENESIS,
    address_digest,
    canonical,
    details_digest,
    link_hash,
)

__all__ = ["AuditAction", "blank_details", "record", "require_different_actions"]


class AuditAction(StrEnum):
    """What was done, by its name in the log, `object.verb`
    (spec/10-admin-compliance.md#audit-log). Each domain declares its own: a subclass with the names
    of what it records."""


def require_different_actions() -> None:
    """Raises ValueError when two domains call something by the same name."""
    found: dict[str, str] = {}
    for actions in AuditAction.__subclasses__():
        for action in actions:
            where = f"{actions.__module__}.{actions.__name__}"
            if found.setdefault(action.value, where) != where:
                raise ValueError(f"{where}: {found[action.value]} has {action.value} already")


_SHORT: Final = 200
_SECRET: Final = re.compile(
    r"password|secret|token|(^|_)(hash|otp|pin|cvc|iban)($|_)|card_?number|private_?(key|pem)",
    re.IGNORECASE,
)


async def record(
    work: UnitOfWork,
    actor: Actor,
    action: AuditAction,
    *,
    object_type: str,
    object_id: str | None,
    details: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Adds an entry to the chain in the use case's own transaction: no entry, no effect.
    `object_id` is the public id, `details` are the changed fields before and after, as JSON can
    hold them, at most 16 KiB; longer texts in them are shortened. An anonymous actor stands for
    Souk itself; of one with an API key, the details name the key.

    Call it last: entries are numbered without gaps, so every other one waits from here until this
    transaction ends. Raises ValueError, which is a bug, for details that name a secret."""
    details = dict(details or {})
    if actor.key_id is not None:
        details["apiKey"] = encode_id("key", actor.key_id)
    content = _content(details, reason)
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    salt, address = secrets.token_hex(16), actor.address[:60] or None
    await work.execute(lock_chain())
    # A statement of its own, so that it sees what the holder of the lock before has committed.
    head = await work.first(chain_head())
    previous = GENESIS if head is None else head.hash
    link: dict[str, Any] = {
        "id": new_id(),
        "sequence": 1 if head is None else head.sequence + 1,
        "occurred_at": await work.clock(),
        "actor_kind": kind_of(actor),
        "performed_by": actor.user_id,
        "action": action.value,
        "object_type": object_type,
        "object_id": object_id,
        "details_digest": details_digest(salt, content, request_id),
        "address_digest": address_digest(salt, address),
    }
    await work.execute(
        add_detail(
            id=link["id"], salt=salt, content=content, address=address, request_id=request_id
        )
    )
    await work.execute(add_entry(**link, previous_hash=previous, hash=link_hash(previous, **link)))


async def blank_details(work: UnitOfWork, object_id: str) -> None:
    """Blanks what the log says in clear about an object whose data must go: details, reason,
    address. That something was done, when and by whom, stays, and the chain still verifies."""
    await work.execute(blank_details_of(object_id))


def kind_of(actor: Actor) -> ActorKind:
    """Who acts: a person by a session, a key of theirs, or Souk itself."""
    if actor.user_id is None:
        return ActorKind.SYSTEM
    return ActorKind.USER if actor.key_id is None else ActorKind.API_KEY


def _content(details: dict[str, Any], reason: str | None) -> str:
    _refuse_secrets(details)
    content = canonical({"details": details, "reason": reason})
    if len(content.encode()) > MAX_CONTENT:
        content = canonical({"details": _shortened(details), "reason": reason})
    if len(content.encode()) > MAX_CONTENT:
        fields = sorted(details)[:50]
        content = canonical({"details": {"tooLongFor": fields}, "reason": (reason or "")[:_SHORT]})
    return content


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(found) for key, found in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(found) for found in value]
    if isinstance(value, str) and len(value) > _SHORT:
        return value[:_SHORT] + "…"
    return value


def _refuse_secrets(value: Any) -> None:
    if isinstance(value, dict):
        for key, found in value.items():
            if _SECRET.search(str(key)):
                raise ValueError(f"the audit log must not hold {key}")
            _refuse_secrets(found)
    elif isinstance(value, list | tuple):
        for found in value:
            _refuse_secrets(found)

"""What identity writes to people: which mails and short messages there are, and queueing them.
Sends nothing and has no words: worker/mail.py and worker/sms.py send, resolvers/words has them. A
new mail is a member of Mail and `[mail.NAME]` with `subject`, `text`, `after` and, for a link,
`button` in every file of resolvers/identity/words."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from auth.secrets import Seal, Secrets
from core.database import UnitOfWork
from core.jobs import enqueue


class Mail(StrEnum):
    """The mails there are; resolvers/words has the words of each in every language. NONE is a job
    that sends nothing: where nobody is to be written to, the answer must take as long as where
    somebody is. None of them holds a text that a stranger chose, such as a name: whoever registers
    another's address must not write to them through us."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    ADDRESS_TAKEN = "ADDRESS_TAKEN"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  the name of a mail
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105  the name of a mail
    TWO_FACTOR = "TWO_FACTOR"
    DELETE_CUSTOMER = "DELETE_CUSTOMER"
    NONE = "NONE"


class ShortMessage(StrEnum):
    """The messages to phones there are. NONE as with mails."""

    VERIFY_MOBILE = "VERIFY_MOBILE"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  the name of a message
    TWO_FACTOR = "TWO_FACTOR"
    NONE = "NONE"


async def post(
    work: UnitOfWork,
    secrets: Secrets,
    mail: Mail,
    to: str,
    *,
    language: str | None = None,
    until: datetime | None = None,
    **values: Any,
) -> None:
    """Queues a mail in the transaction that causes it, in the language of a BCP 47 tag. Address and
    values travel sealed, because a code may lie nowhere in the clear. What could not be sent
    `until` then is not sent any more. A mail shows the values `code`, with its `index` and
    `minutes`, and `link`, the path of a one-time link on this server, or on another web `origin`
    that its sender has checked."""
    await _queue(work, secrets, "send_mail", mail, to, language, until, values)


async def text_to(
    work: UnitOfWork,
    secrets: Secrets,
    message: ShortMessage,
    to: str,
    *,
    language: str | None = None,
    until: datetime | None = None,
    **values: Any,
) -> None:
    """Queues a message to a phone number (E.164), as `post` does a mail."""
    await _queue(work, secrets, "send_sms", message, to, language, until, values)


async def _queue(
    work: UnitOfWork,
    secrets: Secrets,
    job: str,
    kind: StrEnum,
    to: str,
    language: str | None,
    until: datetime | None,
    values: dict[str, Any],
) -> None:
    content = {"kind": kind, "to": to, "language": language, "until": until, "values": values}
    await enqueue(work, job, {"sealed": secrets.seal.close(orjson.dumps(content).decode())})


def opened(secret: str, arguments: dict[str, object]) -> dict[str, Any]:
    """What was queued: `kind`, `to`, `language`, `until`, `values`. Raises auth.secrets.SealBroken,
    a ValueError, when the server's secret was changed meanwhile."""
    content: dict[str, Any] = orjson.loads(Seal(secret).open(str(arguments["sealed"])))
    # Servers of 0.1 that still run while the new ones start queue a mail with `mail` only.
    return {"kind": content.get("mail"), "language": None, "until": None, **content}

"""What identity writes to people: which mails there are. Sends nothing: worker/mail.py does."""

from enum import StrEnum
from typing import Any

import orjson

from auth.secrets import Seal, Secrets
from core.database import UnitOfWork
from core.jobs import enqueue


class Mail(StrEnum):
    """The mails there are. NONE is a job that sends nothing: where nobody is to be written to, the
    answer must take as long as where somebody is."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    ADDRESS_TAKEN = "ADDRESS_TAKEN"
    NONE = "NONE"


async def post(work: UnitOfWork, secrets: Secrets, mail: Mail, to: str, **values: Any) -> None:
    """Queues a mail in the transaction that causes it. Address and values travel sealed, because a
    code may lie nowhere in the clear."""
    content = orjson.dumps({"mail": mail, "to": to, "values": values}).decode()
    await enqueue(work, "send_mail", {"sealed": secrets.seal.close(content)})


def opened(secret: str, arguments: dict[str, object]) -> dict[str, Any]:
    """What `post` queued: `mail`, `to`, `values`. Raises auth.secrets.SealBroken, a ValueError,
    when the server's secret was changed meanwhile."""
    content: dict[str, Any] = orjson.loads(Seal(secret).open(str(arguments["sealed"])))
    return content

"""Running the queued mails and short messages of a test's server and reading them."""

import re
from typing import Any

import orjson
from sqlalchemy import text

from gateways.mail import Message, Outbox
from gateways.sms import Sms, SmsOutbox
from tests.clients.client import Souk
from worker import mail, sms

_JOBS = text("SELECT payload FROM pgqueuer WHERE entrypoint = :job ORDER BY id")


async def jobs(souk: Souk, job: str) -> list[dict[str, Any]]:
    """What is queued for a job, oldest first."""
    rows = await souk.database.rows(_JOBS.bindparams(job=job))
    return [orjson.loads(row.payload) for row in rows]


async def mails(souk: Souk) -> list[Message]:
    """Every mail queued so far, as the worker would hand it over, oldest first."""
    outbox = Outbox()
    secret = souk.settings.secret.get_secret_value()
    for arguments in await jobs(souk, "send_mail"):
        await mail.deliver(outbox, secret, souk.url, arguments)
    return outbox.messages


async def texts(souk: Souk) -> list[Sms]:
    """Every short message queued so far, as the worker would hand it over, oldest first."""
    outbox = SmsOutbox()
    secret = souk.settings.secret.get_secret_value()
    for arguments in await jobs(souk, "send_sms"):
        await sms.deliver(outbox, secret, souk.url, arguments)
    return outbox.messages


def code_in(message: Message | Sms) -> str:
    """The six digits of a mail or short message."""
    found = re.search(r"(?<![\w/-])\d{6}(?![\w-])", message.text)
    assert found, message.text
    return found[0]


def link_in(message: Message | Sms) -> str:
    """The address of the link of a mail or short message."""
    found = re.search(r"http://\S+", message.text)
    assert found, message.text
    return found[0]


async def newest_mail(souk: Souk, email: str) -> Message:
    """The newest mail to an address."""
    return [mail for mail in await mails(souk) if mail.to == email][-1]


async def newest_text(souk: Souk, phone: str) -> Sms:
    """The newest short message to a phone."""
    return [sms for sms in await texts(souk) if sms.to == phone][-1]


async def newest_code(souk: Souk, email: str) -> str:
    """The code of the newest mail to an address."""
    return code_in(await newest_mail(souk, email))


async def newest_sms_code(souk: Souk, phone: str) -> str:
    """The code of the newest short message to a phone."""
    return code_in(await newest_text(souk, phone))

"""Running the queued mails of a test's server and reading them."""

import re

import orjson
from sqlalchemy import text

from gateways.mail import Message, Outbox
from tests.clients.client import Souk
from worker.mail import deliver


async def mails(souk: Souk) -> list[Message]:
    """Every mail queued so far, as the worker would hand it over, oldest first."""
    rows = await souk.database.rows(
        text("SELECT payload FROM pgqueuer WHERE entrypoint = 'send_mail' ORDER BY id")
    )
    outbox = Outbox()
    secret = souk.settings.secret.get_secret_value()
    for row in rows:
        await deliver(outbox, secret, orjson.loads(row.payload))
    return outbox.messages


async def newest_code(souk: Souk, email: str) -> str:
    """The code of the newest mail to an address."""
    written = [mail for mail in await mails(souk) if mail.to == email]
    found = re.search(r"is (\d{6})\.", written[-1].text)
    assert found, written[-1].text
    return found[1]

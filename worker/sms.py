"""The job `send_sms`: opens what was queued, puts it into words in the person's language, hands it
to the gateway of short messages. Must not log a code."""

from typing import Any

import structlog

from core.database import Database
from core.settings import Settings
from gateways.refusals import Refused
from gateways.sms import Sms, SmsGateway, sms_gateway
from resolvers.identity.mails import ShortMessage
from resolvers.identity.words import words_in
from worker.mail import key_of, unsealed

log = structlog.get_logger(__name__)


def written(content: dict[str, Any], base_url: str) -> Sms | None:
    """The short message of a job's content; None for the job that sends nothing. `base_url` is
    where its link leads."""
    kind = ShortMessage(content["kind"])
    if kind is ShortMessage.NONE:
        return None
    values = dict(content["values"])
    url = f"{base_url}{values.pop('link', '')}"
    return Sms(content["to"], words_in(content["language"]).say(f"sms.{kind}", url=url, **values))


async def deliver(
    gateway: SmsGateway, secret: str, base_url: str, arguments: dict[str, object]
) -> None:
    """Sends the short message of a job. A refusal for good is logged and not tried again; anything
    else that the gateway raises is raised, so that it is."""
    content = unsealed(secret, arguments)
    message = None if content is None else written(content, base_url)
    if message is None:
        return
    key = key_of(arguments)
    try:
        await gateway.send(message, key)
    except Refused as refused:
        log.error("a short message was refused for good", key=key, reason=str(refused))


async def send_sms(_: Database, settings: Settings, arguments: dict[str, object]) -> None:
    """Runs the job with the configured gateway."""
    secret = settings.secret.get_secret_value()
    await deliver(sms_gateway(settings), secret, settings.base_url, arguments)


JOBS = {"send_sms": send_sms}

"""The job `send_mail`: opens what was queued, puts it into words, hands it to the mail gateway.
Must not log a code."""

import hashlib
from typing import Any, Final

import structlog

from core.database import Database
from core.settings import Settings
from gateways.mail import MailGateway, Message, mail_gateway
from resolvers.identity.mails import Mail, opened

log = structlog.get_logger(__name__)

_WORDS: Final[dict[Mail, tuple[str, str]]] = {
    Mail.VERIFY_EMAIL: (
        "Your Souk code",
        "Your code number {index} is {code}. It is valid for one day.\n"
        "If you did not register at Souk, ignore this mail.\n",
    ),
    Mail.ADDRESS_TAKEN: (
        "You already have a Souk account",
        "Somebody, perhaps you, wanted to register at Souk with this address, which has an account "
        "already. Log in with it. If the address is not verified yet, ask for a new code.\n"
        "If it was not you, nothing needs to be done.\n",
    ),
}


def written(content: dict[str, Any]) -> Message | None:
    """The mail of a job's content; None for the job that sends nothing."""
    mail = Mail(content["mail"])
    if mail is Mail.NONE:
        return None
    subject, text = _WORDS[mail]
    return Message(content["to"], subject, text.format(**content["values"]))


async def deliver(gateway: MailGateway, secret: str, arguments: dict[str, object]) -> None:
    """Sends the mail of a job. Raises what the gateway raises, so that the job is tried again."""
    try:
        content = opened(secret, arguments)
    except ValueError:
        log.error("a queued mail cannot be opened and is dropped: was SOUK_SECRET changed?")
        return
    message = written(content)
    if message is not None:
        key = hashlib.sha256(str(arguments["sealed"]).encode()).hexdigest()
        await gateway.send(message, key)


async def send_mail(_: Database, settings: Settings, arguments: dict[str, object]) -> None:
    """Runs the job with the configured gateway."""
    await deliver(mail_gateway(settings), settings.secret.get_secret_value(), arguments)


JOBS = {"send_mail": send_mail}

"""The job `send_mail`: opens what was queued, puts it into words in the person's language, hands it
to the mail gateway. Must not log a code."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core.database import Database
from core.settings import Settings
from gateways.mail import MailGateway, Message, mail_gateway
from gateways.refusals import Refused
from resolvers.identity.mails import Mail, opened
from resolvers.identity.words import words_in

log = structlog.get_logger(__name__)

_DAY_MINUTES: Final = 24 * 60
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def written(content: dict[str, Any], base_url: str) -> Message | None:
    """The mail of a job's content, in text and HTML; None for the job that sends nothing.
    `base_url` is where its links lead."""
    mail = Mail(content["kind"])
    if mail is Mail.NONE:
        return None
    words = words_in(content["language"])
    values = content["values"]
    said = {
        part: words.say(f"mail.{mail}.{part}") if words.has(f"mail.{mail}.{part}") else None
        for part in ("subject", "text", "button", "after")
    }
    minutes = values.get("minutes", _DAY_MINUTES)
    day = minutes >= _DAY_MINUTES
    shown = {
        **said,
        "words": words,
        "code": values.get("code"),
        "index": values.get("index"),
        "valid": words.say("mail.day") if day else words.say("mail.minutes", minutes=minutes),
        "url": f"{values.get('origin', base_url)}{values['link']}" if "link" in values else None,
    }
    text, html = (_TEMPLATES.get_template(f"mail.{kind}").render(shown) for kind in ("txt", "html"))
    return Message(content["to"], str(said["subject"]), text, html, words.tag)


def unsealed(secret: str, arguments: dict[str, object]) -> dict[str, Any] | None:
    """What a job of mails or short messages holds; None, logged, for what cannot be opened any more
    or what came too late to be of use."""
    try:
        content = opened(secret, arguments)
    except ValueError:
        log.error("a queued message cannot be opened and is dropped: was SOUK_SECRET changed?")
        return None
    until = content["until"]
    if until is not None and datetime.fromisoformat(until) <= datetime.now(UTC):
        log.warning("a message came too late to be sent and is dropped", kind=content["kind"])
        return None
    return content


def key_of(arguments: dict[str, object]) -> str:
    """What names the message of a job: the same however often the job runs."""
    return hashlib.sha256(str(arguments["sealed"]).encode()).hexdigest()


async def deliver(
    gateway: MailGateway, secret: str, base_url: str, arguments: dict[str, object]
) -> None:
    """Sends the mail of a job. A refusal for good is logged and not tried again; anything else that
    the gateway raises is raised, so that it is."""
    content = unsealed(secret, arguments)
    message = None if content is None else written(content, base_url)
    if message is None:
        return
    key = key_of(arguments)
    try:
        await gateway.send(message, key)
    except Refused as refused:
        log.error("a mail was refused for good", key=key, reason=str(refused))


async def send_mail(_: Database, settings: Settings, arguments: dict[str, object]) -> None:
    """Runs the job with the configured gateway."""
    secret = settings.secret.get_secret_value()
    await deliver(mail_gateway(settings), secret, settings.base_url, arguments)


JOBS = {"send_mail": send_mail}

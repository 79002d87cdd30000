"""Sending mail: the interface and the implementations that need no mail server. Knows no domain and
no template."""

from dataclasses import dataclass, field
from typing import Protocol

import structlog

from core.settings import Environment, Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person, in plain text."""

    to: str
    subject: str
    text: str


class MailGateway(Protocol):
    """Takes a mail for delivery. `key` names the mail: the same key again is the same mail, because
    a job may run twice."""

    async def send(self, message: Message, key: str) -> None:
        """Hands the mail over. Raises OSError when that failed and may be tried again."""


class LogMail:
    """Writes to the log that a mail was sent; with its text only in development, because mails hold
    codes."""

    def __init__(self, *, with_text: bool) -> None:
        self._with_text = with_text

    async def send(self, message: Message, key: str) -> None:
        """Logs the mail."""
        shown = {"to": message.to, "text": message.text} if self._with_text else {}
        log.info("mail", subject=message.subject, key=key, **shown)


@dataclass
class Outbox:
    """Keeps mails in memory, for tests to read."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message, key: str) -> None:
        """Keeps the mail."""
        self.messages.append(message)


OUTBOX = Outbox()


def mail_gateway(settings: Settings) -> MailGateway:
    """The gateway of this configuration."""
    if settings.env is Environment.TEST:
        return OUTBOX
    return LogMail(with_text=settings.development)

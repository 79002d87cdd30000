"""Sending mail: the interface, SMTP, and the implementations that need no mail server. Knows no
domain and no template."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, parseaddr
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import structlog

from core.settings import Environment, Settings, is_loopback
from gateways.refusals import Refused

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS: Final = 15.0
_STARTTLS: Final = {"required": True, "off": False, "optional": None}


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person, in plain text and HTML, in the language of a BCP 47 tag."""

    to: str
    subject: str
    text: str
    html: str = ""
    language: str = "en"


class MailGateway(Protocol):
    """Takes a mail for delivery. `key` names the mail: the same key again is the same mail, because
    a job may run twice."""

    async def send(self, message: Message, key: str) -> None:
        """Hands the mail over. Raises Refused when it will never be taken, OSError when that failed
        and may be tried again."""


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


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and how to speak with it (RFC 6409, RFC 8314). `starttls` None takes TLS where
    the server offers it."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    starttls: bool | None

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """The server of `smtp://user:password@host:587` or `smtps://…` (TLS from the first byte).
        `smtp://` without TLS is refused unless the server is on this machine or the URL ends in
        `?starttls=optional` or `?starttls=off`. Raises ValueError for what is no such URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("must be smtp://host:port or smtps://host:port")
        wish = parse_qs(parts.query).get("starttls", [None])[-1]
        if wish is not None and wish not in _STARTTLS:
            raise ValueError("starttls must be required, optional or off")
        tls = parts.scheme == "smtps"
        if wish is None:
            wish = "optional" if is_loopback(parts.hostname) else "required"
        return cls(
            parts.hostname,
            parts.port or (465 if tls else 587),
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            tls,
            False if tls else _STARTTLS[wish],
        )


class SmtpMail:
    """Hands mails to a mail server, each over a connection of its own."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    async def send(self, message: Message, key: str) -> None:
        """Hands the mail over within 15 s a step. A server that refuses it with 5xx (RFC 5321,
        4.2.1) has Refused it; that it refuses us, as by a wrong password, may pass."""
        server = self._server
        try:
            await aiosmtplib.send(
                composed(message, self._sender, key),
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.tls,
                start_tls=server.starttls,
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _as_ours(refused.recipients[0], "the recipient") from None
        except aiosmtplib.SMTPDataError as refused:
            raise _as_ours(refused, "the mail") from None
        except aiosmtplib.SMTPNotSupported:
            if not message.to.isascii():
                raise Refused("the server takes no such address") from None
            raise OSError("the server cannot do what is needed") from None
        except aiosmtplib.SMTPResponseException as error:
            # What a server says may hold the address: only its number is for the log.
            raise OSError(f"the server refused us with {error.code}") from None
        except aiosmtplib.SMTPException as error:
            # Also a server without the STARTTLS that is required.
            raise OSError(f"the server was of no use: {type(error).__name__}") from None


def _as_ours(refused: aiosmtplib.SMTPResponseException, what: str) -> Exception:
    kind: type[Exception] = Refused if refused.code >= 500 else OSError
    return kind(f"the server refused {what} with {refused.code}")


def composed(message: Message, sender: str, key: str) -> EmailMessage:
    """The mail as it travels: text and HTML, an id made of its key, so that a mail sent twice is
    one mail to its reader. Raises Refused for an address or subject that would add a header."""
    _, address = parseaddr(sender)
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        recipients = mail["To"].addresses
    except (ValueError, IndexError):
        raise Refused("the address or the subject cannot be a header") from None
    if len(recipients) != 1 or recipients[0].addr_spec != message.to:
        raise Refused("the address is not one address")
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{key}@{address.rpartition('@')[2]}>"
    # No out-of-office answers, please (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    # After the parts: a header of the content would go into the first of them.
    mail["Content-Language"] = message.language
    return mail


OUTBOX = Outbox()


def mail_gateway(settings: Settings) -> MailGateway:
    """The gateway of this configuration."""
    if settings.smtp_url is not None:
        server = SmtpServer.of(settings.smtp_url.get_secret_value())
        return SmtpMail(server, settings.mail_from)
    if settings.env is Environment.TEST:
        return OUTBOX
    return LogMail(with_text=settings.development)

"""Sending short messages to phones: the interface, a webhook that any provider's adapter can take,
and the implementations that need no provider. Knows no domain and no words."""

from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx
import structlog

from core.settings import Environment, Settings
from gateways.refusals import Refused

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS: Final = 10.0
# These pass: a token that is being changed, too much at once, a request that came too late.
_PASSING: Final = frozenset({401, 403, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class Sms:
    """One message to one phone; `to` is its number (E.164)."""

    to: str
    text: str


class SmsGateway(Protocol):
    """Takes a message for delivery. `key` names it: the same key again is the same message, because
    a job may run twice."""

    async def send(self, message: Sms, key: str) -> None:
        """Hands the message over. Raises Refused when it will never be taken, OSError when that
        failed and may be tried again."""


class LogSms:
    """Writes to the log that a message was sent; with its text only in development, because
    messages hold codes."""

    def __init__(self, *, with_text: bool) -> None:
        self._with_text = with_text

    async def send(self, message: Sms, key: str) -> None:
        """Logs the message."""
        shown = {"to": message.to, "text": message.text} if self._with_text else {}
        log.info("short message", key=key, **shown)


@dataclass
class SmsOutbox:
    """Keeps messages in memory, for tests to read."""

    messages: list[Sms] = field(default_factory=list)

    async def send(self, message: Sms, key: str) -> None:
        """Keeps the message."""
        self.messages.append(message)


class WebhookSms:
    """Posts `{"to", "text"}` as JSON to one address, with a bearer token and an `Idempotency-Key`.
    Follows no redirect: the address is configured, never a client's."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._token = token

    async def send(self, message: Sms, key: str) -> None:
        """Posts the message, within 10 s a step. An answer of 4xx has Refused it, except those that
        may pass."""
        headers = {"Idempotency-Key": key}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = {"to": message.to, "text": message.text}
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise OSError(f"the SMS provider cannot be reached: {type(error).__name__}") from None
        if answer.is_success:
            return
        said = f"the SMS provider answered {answer.status_code}"
        if answer.is_client_error and answer.status_code not in _PASSING:
            raise Refused(said)
        raise OSError(said)


SMS_OUTBOX = SmsOutbox()


def sms_gateway(settings: Settings) -> SmsGateway:
    """The gateway of this configuration."""
    if settings.sms_url is not None:
        token = settings.sms_token
        return WebhookSms(settings.sms_url, None if token is None else token.get_secret_value())
    if settings.env is Environment.TEST:
        return SMS_OUTBOX
    return LogSms(with_text=settings.development)

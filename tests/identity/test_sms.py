"""Short messages: over the webhook of a provider, in the person's language, never in a log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from core.settings import Environment, Settings
from core.telemetry import configure_logging
from gateways.refusals import Refused
from gateways.sms import Sms, SmsOutbox, WebhookSms, sms_gateway
from resolvers.identity.mails import ShortMessage
from resolvers.identity.words import languages
from tests.clients.client import Souk, running_souk
from tests.identity.code_documents import (
    COMPLETE_MOBILE,
    PHONE,
    START_MOBILE,
    execute,
    with_phone,
)
from tests.identity.documents import result
from tests.identity.mailbox import code_in, jobs
from worker import sms as sms_job

ADA = "ada@example.com"
HELLO = Sms(PHONE, "Good day")


@dataclass
class Provider:
    """What a provider took, and what it answers."""

    url: str = ""
    status: int = 202
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """Takes a message, or not."""
        self.headers.append(dict(request.headers))
        if self.status < 300:
            self.taken.append(json.loads(await request.body()))
        return Response(status_code=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider on this machine."""
    found = Provider()
    app = Starlette(routes=[Route("/{rest:path}", found.take, methods=["POST", "GET"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    found.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/messages"
    yield found
    server.should_exit = True
    await task


async def test_a_message_leaves_by_the_webhook_with_a_code_that_works(settings: Settings) -> None:
    async with provider() as there:
        sends = {"worker": True, "sms_url": there.url, "sms_token": SecretStr("token")}
        async with running_souk(settings.model_copy(update=sends)) as souk:
            await with_phone(souk)
            await execute(souk, "UPDATE user_account SET preferred_language = 'de-AT'")
            await result(souk.anonymous, START_MOBILE, email=ADA)
            for _ in range(150):
                if there.taken:
                    break
                await asyncio.sleep(0.1)
            [message] = there.taken
            assert message["to"] == PHONE
            assert message["text"].startswith("Souk: Code Nummer ")
            assert there.headers[0]["authorization"] == "Bearer token"
            assert len(there.headers[0]["idempotency-key"]) == 64
            code = code_in(Sms(**message))
            proven = await result(souk.anonymous, COMPLETE_MOBILE, email=ADA, secretCode=code)
            assert proven["__typename"] == "MobileVerified"


async def test_what_a_provider_refuses_for_good_is_not_tried_again_and_the_rest_is(
    souk: Souk,
) -> None:
    await with_phone(souk)
    await result(souk.anonymous, START_MOBILE, email=ADA)
    [job] = await jobs(souk, "send_sms")
    secret = souk.settings.secret.get_secret_value()
    async with provider() as there:
        gateway = WebhookSms(there.url, None)
        for status in (401, 408, 429, 307, 500, 503):
            there.status = status
            with pytest.raises(OSError, match=str(status)):
                await sms_job.deliver(gateway, secret, souk.url, job)
        there.status = 422
        with pytest.raises(Refused):
            await gateway.send(HELLO, "key")
        await sms_job.deliver(gateway, secret, souk.url, job)
        assert there.taken == []
        assert "authorization" not in there.headers[0]
        assert len({headers["idempotency-key"] for headers in there.headers}) == 2
    with pytest.raises(OSError, match="cannot be reached"):
        await gateway.send(HELLO, "key")


def test_every_message_can_be_written_in_every_language_and_is_short() -> None:
    values = {"code": "123456", "index": 42, "minutes": 5, "link": "/reset-password/" + "A" * 43}
    for language in languages():
        for kind in set(ShortMessage) - {ShortMessage.NONE}:
            content = {"kind": kind, "to": PHONE, "language": language, "values": values}
            sms = sms_job.written(content, "https://souk.example")
            assert sms is not None
            assert code_in(sms) == "123456"
            assert "42" in sms.text
            assert len(sms.text) <= 300
    nothing = {"kind": "NONE", "to": "", "language": None, "values": values}
    assert sms_job.written(nothing, "https://souk.example") is None


@pytest.mark.parametrize("env", [Environment.DEVELOPMENT, Environment.PRODUCTION])
async def test_without_a_provider_messages_go_to_the_log_and_codes_only_in_development(
    settings: Settings, env: Environment
) -> None:
    assert isinstance(sms_gateway(settings), SmsOutbox)
    there = settings.model_copy(update={"env": env})
    configure_logging(there)
    with capture_logs() as logged:
        await sms_gateway(there).send(Sms(PHONE, "It is 123456."), "key")
    configure_logging(settings)
    [line] = logged
    assert line["event"] == "short message"
    secret = ("123456", PHONE)
    assert all((found in str(line)) is (env is Environment.DEVELOPMENT) for found in secret)

"""Mail that really leaves: over SMTP to a server of the test, in HTML and text, in the person's
language."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from auth.secrets import Secrets
from core.database import UnitOfWork
from core.settings import Environment, Settings
from core.telemetry import configure_logging
from gateways.mail import Message, Outbox, SmtpMail, SmtpServer, composed, mail_gateway
from gateways.refusals import Refused
from resolvers.identity.mails import Mail, post
from resolvers.identity.words import languages
from tests.clients.client import Souk, running_souk
from tests.identity.code_documents import registered
from tests.identity.documents import COMPLETE, PASSWORD, REGISTER, result
from tests.identity.mailbox import code_in, jobs, link_in
from worker import mail as mail_job

SENDER = "Souk <no-reply@souk.example>"
HELLO = Message("ada@example.com", "Hello", "Good day.\n", "<p>Good day.</p>", "en")


@dataclass
class Postbox:
    """What a mail server took, and what it answers to whom."""

    mails: list[Envelope] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, _s: Any, _n: Any, envelope: Envelope, to: str, _o: Any) -> str:
        """Takes a recipient, or not."""
        if (answer := self.answers.get(to)) is not None:
            return answer
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        """Takes a mail, or not."""
        if (answer := self.answers.get("DATA")) is not None:
            return answer
        self.mails.append(envelope)
        return "250 OK"

    def read(self, index: int = -1) -> EmailMessage:
        """A mail as its reader gets it."""
        content = self.mails[index].content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, policy=default)
        assert isinstance(found, EmailMessage)
        return found


@pytest.fixture
def postbox() -> Postbox:
    """An empty postbox."""
    return Postbox()


@pytest.fixture
def smtp_url(postbox: Postbox) -> Iterator[str]:
    """The URL of a mail server on this machine that puts mails into the postbox."""
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def free_port() -> int:
    """A port that nobody listens on: this server does not choose one itself."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def gateway(url: str) -> SmtpMail:
    """The gateway of a URL."""
    return SmtpMail(SmtpServer.of(url), SENDER)


def part(mail: EmailMessage, kind: str) -> str:
    """The text or HTML of a mail."""
    found = mail.get_body((kind,))
    assert isinstance(found, EmailMessage)
    content: str = found.get_content()
    return content


async def arrived(postbox: Postbox, count: int = 1) -> None:
    """Waits until so many mails have come."""
    for _ in range(150):
        if len(postbox.mails) >= count:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"only {len(postbox.mails)} mails came")


async def test_a_mail_leaves_in_html_and_text_in_the_persons_language_with_a_code_that_works(
    settings: Settings, postbox: Postbox, smtp_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    there = settings.model_copy(
        update={"worker": True, "smtp_url": SecretStr(smtp_url), "mail_from": SENDER}
    )
    email = "ada@example.com"
    async with running_souk(there) as souk:
        person = {"password": PASSWORD, "fullname": "<b>Ada</b> https://spam.example"}
        await result(souk.anonymous, REGISTER, email=email, preferredLanguage="tr-TR", **person)
        await arrived(postbox)
        assert postbox.mails[0].rcpt_tos == [email]
        assert postbox.mails[0].mail_from == "no-reply@souk.example"
        mail = postbox.read()
        assert mail["subject"] == "Souk kodunuz"
        assert (mail["to"], mail["from"]) == (email, SENDER)
        assert mail["content-language"] == "tr"
        assert mail["auto-submitted"] == "auto-generated"
        assert mail["message-id"].endswith("@souk.example>")
        assert mail.get_content_type() == "multipart/alternative"
        plain, html = part(mail, "plain"), part(mail, "html")
        message = Message(email, "", plain.replace(there.base_url, souk.url))
        code = code_in(message)
        assert code in html
        assert '<html lang="tr" dir="ltr">' in html
        assert "Adresi doğrula" in html
        assert "spam.example" not in plain + html, "no words of strangers in our mails"
        link = link_in(message)
        assert link.rpartition("/")[2] in html
        assert (await souk.http.get(link)).status_code == 200
        proven = await result(souk.anonymous, COMPLETE, email=email, secretCode=code)
        assert proven["__typename"] == "EmailVerified"
    assert code not in caplog.text


async def test_every_mail_can_be_written_in_every_language(souk: Souk) -> None:
    values = {"code": "123456", "index": 42, "minutes": 10, "link": "/verify-email/token"}
    for language in languages():
        for kind in set(Mail) - {Mail.NONE}:
            content = {"kind": kind, "to": "a@example.com", "language": language, "values": values}
            mail = mail_job.written(content, "https://souk.example")
            assert mail is not None
            for body in (mail.text, mail.html):
                assert "123456" in body
                assert "https://souk.example/verify-email/token" in body
                assert "{" not in body
            assert "10" in mail.text
            assert mail.language == language
            assert composed(mail, SENDER, "key")["subject"] == mail.subject


@pytest.mark.parametrize(
    "mail",
    [
        Message("a@example.com\r\nBcc: b@example.com", "Hello", "x"),
        Message("a@example.com, b@example.com", "Hello", "x"),
        Message("a@example.com", "Hello\r\nBcc: b@example.com", "x"),
        Message("", "Hello", "x"),
    ],
)
async def test_nothing_in_a_mail_adds_a_header_or_a_recipient(
    mail: Message, postbox: Postbox, smtp_url: str
) -> None:
    with pytest.raises(Refused):
        await gateway(smtp_url).send(mail, "key")
    assert postbox.mails == []


async def test_a_refusal_for_good_is_not_tried_again_and_another_is(
    souk: Souk, postbox: Postbox, smtp_url: str
) -> None:
    there = gateway(smtp_url)
    for where in ("ada@example.com", "DATA"):
        postbox.answers = {where: "550 no such user ada@example.com"}
        with pytest.raises(Refused) as refused:
            await there.send(HELLO, "key")
        assert "ada" not in str(refused.value)
        postbox.answers = {where: "451 try later"}
        with pytest.raises(OSError, match="451"):
            await there.send(HELLO, "key")
    postbox.answers = {"ada@example.com": "550 no such user"}
    await registered(souk)
    [job] = await jobs(souk, "send_mail")
    secret = souk.settings.secret.get_secret_value()
    await mail_job.deliver(there, secret, souk.url, job)
    postbox.answers = {}
    for _ in range(2):
        await mail_job.deliver(there, secret, souk.url, job)
    ids = [postbox.read(index)["message-id"] for index in range(2)]
    assert ids[0] == ids[1], "a job that runs twice sends one mail twice"


async def test_a_server_that_is_away_is_an_error_that_may_pass() -> None:
    with pytest.raises(OSError, match="of no use"):
        await gateway("smtp://127.0.0.1:1").send(HELLO, "key")


async def test_without_tls_nothing_leaves_where_tls_is_required(
    postbox: Postbox, smtp_url: str
) -> None:
    with pytest.raises(OSError, match="of no use"):
        await gateway(f"{smtp_url}?starttls=required").send(HELLO, "key")
    assert postbox.mails == []
    await gateway(f"{smtp_url}?starttls=off").send(HELLO, "key")
    assert len(postbox.mails) == 1


def test_tls_is_required_unless_the_server_is_at_home_or_the_url_says_otherwise() -> None:
    for url, starttls in (
        ("smtp://mail.example", True),
        ("smtp://mail.example?starttls=optional", None),
        ("smtp://mail.example?starttls=off", False),
        ("smtp://localhost", None),
        ("smtp://127.0.0.1?starttls=required", True),
        ("smtps://mail.example", False),
    ):
        server = SmtpServer.of(url)
        assert server.starttls is starttls, url
        assert server.tls is url.startswith("smtps")
    server = SmtpServer.of("smtps://user%40example.com:p%2Fw@mail.example")
    assert (server.username, server.password) == ("user@example.com", "p/w")
    assert (server.host, server.port) == ("mail.example", 465)
    for url in ("http://mail.example", "smtp://", "smtp://mail.example?starttls=perhaps"):
        with pytest.raises(ValueError, match="must be"):
            SmtpServer.of(url)


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_mails_travel_by_tls_with_a_password_and_the_certificate_is_checked(
    tmp_path: Path, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[bytes, bytes]] = []

    def authenticate(_s: Any, _n: Any, _e: Any, _m: Any, given: Any) -> AuthResult:
        shown.append((given.login, given.password))
        return AuthResult(success=given.password == b"p/w", handled=False)

    controller = Controller(
        postbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=certificate(tmp_path),
        authenticator=authenticate,
        auth_required=True,
        require_starttls=True,
    )
    controller.start()
    try:
        url = f"smtp://ada:p%2Fw@127.0.0.1:{controller.port}?starttls=required"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await gateway(url).send(HELLO, "key")
        assert (shown, postbox.mails) == ([], []), "no password for a server that proves nothing"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        await gateway(url).send(HELLO, "key")
        assert shown == [(b"ada", b"p/w")]
        assert postbox.read()["subject"] == "Hello"
        with pytest.raises(OSError, match="535"):
            await gateway(url.replace("p%2Fw", "wrong")).send(HELLO, "key")
    finally:
        controller.stop()


async def test_a_code_that_came_too_late_is_not_sent(souk: Souk) -> None:
    secret = souk.settings.secret.get_secret_value()
    secrets, now = Secrets(secret), datetime.now(UTC)
    outbox = Outbox()
    code: dict[str, Any] = {"code": "1", "index": 1}

    async def late_and_timely(work: UnitOfWork) -> None:
        for minutes in (-1, 1):
            until = now + timedelta(minutes=minutes)
            await post(work, secrets, Mail.TWO_FACTOR, "a@example.com", until=until, **code)

    await souk.database.run(late_and_timely)
    for job in await jobs(souk, "send_mail"):
        await mail_job.deliver(outbox, secret, souk.url, job)
    assert len(outbox.messages) == 1
    await mail_job.deliver(outbox, "another secret of the server, 32 long", souk.url, job)
    assert len(outbox.messages) == 1, "what cannot be opened is dropped"


@pytest.mark.parametrize("env", [Environment.DEVELOPMENT, Environment.PRODUCTION])
async def test_without_a_server_mails_go_to_the_log_and_codes_only_in_development(
    settings: Settings, env: Environment
) -> None:
    assert isinstance(mail_gateway(settings), Outbox)
    there = settings.model_copy(update={"env": env})
    configure_logging(there)
    with capture_logs() as logged:
        await mail_gateway(there).send(
            Message("ada@example.com", "Your code", "It is 123456."), "key"
        )
    configure_logging(settings)
    [line] = logged
    assert line["subject"] == "Your code"
    secret = ("123456", "ada@example.com")
    assert all((found in str(line)) is (env is Environment.DEVELOPMENT) for found in secret)


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_url": "http://mail.example"},
        {"mail_from": "Souk <no-reply@souk.example>\r\nBcc: a@example.com"},
        {"mail_from": "Souk"},
        {"sms_url": "http://sms.example"},
        {"sms_url": "ftp://127.0.0.1"},
    ],
)
def test_settings_that_cannot_send_are_refused_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(env=Environment.TEST, **wrong)  # type: ignore[arg-type]  # pydantic reads strings


def test_in_production_mails_say_who_they_are_from() -> None:
    production: dict[str, Any] = {
        "env": Environment.PRODUCTION,
        "secret": "x" * 32,
        "admin_password": "a long password",
        "public_url": "https://souk.example",
        "smtp_url": "smtp://mail.example",
    }
    with pytest.raises(ValidationError, match="SOUK_MAIL_FROM"):
        Settings(**production)
    assert Settings(**production, mail_from=SENDER).mail_from == SENDER

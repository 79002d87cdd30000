"""Where a link may lead: to pages that people use Souk by, and nowhere else
(spec/02-identity.md#customers-seed-002)."""

import re

import pytest
from sqlalchemy import text

from core.settings import Settings
from tests.clients.client import Client, Souk
from tests.customers.people import REQUEST, asked, customer_of, earlier, result
from tests.identity.mailbox import mails

SHOP = "https://shop.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that has a public address and two pages elsewhere."""
    return settings.model_copy(
        update={
            "public_url": "https://Souk.Example",
            "allowed_origins": [SHOP, "http://localhost:3000/", "https://[2001:db8::1]:8443", "*"],
        }
    )


async def test_the_link_leads_to_an_allowed_origin_in_its_one_form(
    souk: Souk, alice: Client
) -> None:
    await customer_of(alice)
    for origin, expected in (
        (None, "https://souk.example"),
        ("https://souk.example", "https://souk.example"),
        (SHOP, SHOP),
        (f" {SHOP}/ ", SHOP),
        ("HTTPS://Shop.Example:443", SHOP),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ):
        await asked(souk, alice, origin=origin)
        mail = (await mails(souk))[-1]
        [link] = set(re.findall(r"https?://\S+", mail.text))
        assert link.startswith(f"{expected}/customers/"), origin
        await earlier(souk, minutes=2)


REFUSED_ORIGINS = [
    "https://evil.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example.evil.example",
    "https://evil.example/https://shop.example",
    "https://shop.example@evil.example",
    "https://evil@shop.example",
    "https://shop.example/path",
    "https://shop.example//",
    "https://shop.example?",
    "https://shop.example?x=1",
    "https://shop.example#",
    "https://shop.example#@evil.example",
    "https://shop.example\\@evil.example",
    "https://shop.example.",
    "https://shop.example:99999",
    "https://shop.example:443:1",
    "https://sh\u043ep.example",
    "//shop.example",
    "shop.example",
    "null",
    "*",
    "javascript:alert(1)",
    "javascript://shop.example/%0aalert(1)",
    "data:text/html,x",
    "ftp://shop.example",
    "https://",
    "http://localhost:8000",
    "https://shop.example\r\nBcc: evil@example.org",
    "x" * 201,
]


async def test_no_other_origin_is_written_into_a_mail(souk: Souk, alice: Client) -> None:
    await customer_of(alice)
    for origin in REFUSED_ORIGINS:
        answer = await result(alice, REQUEST, origin=origin)
        assert answer["__typename"] == "InvalidInput", origin
        assert answer["path"] == ["input", "origin"], origin
    assert await mails(souk) == []
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 0

"""The page of the mailed link: looking deletes nobody, the button does
(spec/02-identity.md#customers-seed-002)."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import text

from tests.clients.client import Client, Souk
from tests.customers.people import MINE, REQUEST, customer_of, result
from tests.identity.mailbox import link_in, mails


@pytest.fixture
async def path(souk: Souk, alice: Client) -> str:
    """Where the link of Alice's mail leads on this server."""
    await customer_of(alice)
    await result(alice, REQUEST)
    [mail] = await mails(souk)
    return re.sub(r"^http://[^/]+", "", link_in(mail))


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, name: str) -> list[dict[str, Any]]:
        """The attributes of each element of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


async def test_whoever_looks_deletes_nobody(souk: Souk, alice: Client, path: str) -> None:
    before = (await alice.run(MINE))["myCustomer"]
    for _ in range(3):
        shown = await souk.http.get(path)
        assert shown.status_code == 200
        assert (await souk.http.head(path)).status_code == 200
        assert (await souk.http.options(path)).status_code == 405
        assert (await souk.http.request("DELETE", path)).status_code == 405
        assert (await souk.http.request("PUT", path)).status_code == 405
    # Nor do the ways in which scanners try buttons by address.
    await souk.http.get(
        path + "?confirm=1&_method=POST", headers={"X-HTTP-Method-Override": "POST"}
    )
    assert (await alice.run(MINE))["myCustomer"] == before
    assert await souk.database.scalar(text("SELECT count(*) FROM customer_deletion")) == 1
    assert before["firstName"] not in shown.text  # the address may have been seen by others


async def test_the_page_needs_no_script_and_no_eyes(souk: Souk, path: str) -> None:
    shown = await souk.http.get(path)
    page = _Page(shown.text)
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("title")) == len(page.of("main")) == len(page.of("h1")) == 1
    assert page.of("script") == page.of("img") == page.of("link") == []
    assert page.of("form") == [{"method": "post"}]
    assert page.of("button") == [{"type": "submit"}]
    assert "Delete my data for good" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.headers["cache-control"] == "no-store"
    # Any stricter and browsers would post the form with `Origin: null`, which is refused.
    assert shown.headers["referrer-policy"] == "same-origin"


async def test_the_button_deletes_once(souk: Souk, alice: Client, path: str) -> None:
    origin = {"Origin": str(souk.http.base_url).rstrip("/")}
    done = await souk.http.post(path, headers=origin)
    assert done.status_code == 200
    assert "Your customer data is deleted" in done.text
    assert (await alice.run(MINE))["myCustomer"] is None
    for method in ("GET", "HEAD", "POST"):
        again = await souk.http.request(method, path, headers=origin)
        assert again.status_code == 404
        assert method == "HEAD" or "This link is not valid" in again.text


async def test_a_page_of_another_site_cannot_press_the_button(
    souk: Souk, alice: Client, path: str
) -> None:
    for origin in ("https://evil.example", "null"):
        refused = await souk.http.post(path, headers={"Origin": origin})
        assert refused.status_code == 403
    assert (await alice.run(MINE))["myCustomer"] is not None


async def test_unknown_and_expired_links_show_one_page(
    souk: Souk, alice: Client, path: str
) -> None:
    late = text("UPDATE customer_deletion SET expires_at = now() - interval '1 second'")
    await souk.database.run(lambda work: work.execute(late))
    expired = await souk.http.get(path)
    unknown = await souk.http.get("/customers/" + "x" * 43 + "/delete/confirm")
    strange = await souk.http.get("/customers/%00%ff<script>/delete/confirm")
    posted = await souk.http.post(path)
    assert [a.status_code for a in (expired, unknown, strange, posted)] == [404] * 4
    assert expired.text == unknown.text == strange.text == posted.text
    assert "<script" not in strange.text
    assert (await alice.run(MINE))["myCustomer"] is not None


async def test_the_page_is_in_the_browsers_language(souk: Souk, path: str) -> None:
    for asked, language, button in (
        ("de-CH,en;q=0.5", "de", "Meine Daten endgültig löschen"),
        ("fr", "fr", "Supprimer mes données définitivement"),
        ("es", "es", "Eliminar mis datos para siempre"),
        ("tr", "tr", "Bilgilerimi kalıcı olarak sil"),
        ("zz", "en", "Delete my data for good"),
    ):
        shown = await souk.http.get(path, headers={"Accept-Language": asked})
        assert _Page(shown.text).of("html")[0]["lang"] == language
        assert button in shown.text

"""The explorer as a browser meets it, and its absence where it is not shown."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graphql import build_schema as graphql_schema
from graphql import parse, validate

import explorer
from core.settings import Environment, Settings
from schema import build_schema as our_schema
from tests.clients.client import Souk, running_souk

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
async def shown(development: Settings) -> AsyncIterator[Souk]:
    """A development server."""
    async with running_souk(development) as server:
        yield server


@pytest.mark.parametrize("path", ["/graphql", "/explorer"])
async def test_a_browser_gets_the_page_with_its_policy(shown: Souk, path: str) -> None:
    page = await shown.http.get(path, headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == explorer.CONTENT_SECURITY_POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.text == explorer.INDEX.read_text(encoding="utf-8")


async def test_everything_that_the_page_names_is_served_and_kept_until_it_changes(
    shown: Souk,
) -> None:
    for name, path in explorer.ASSETS.items():
        url = f"/explorer/assets/{name}"
        asset = await shown.http.get(url)
        assert asset.status_code == 200, name
        assert asset.content == path.read_bytes()
        assert asset.headers["content-type"] == explorer.media_type(name)
        assert asset.headers["x-content-type-options"] == "nosniff"
        known = {"If-None-Match": asset.headers["etag"]}
        again = await shown.http.get(url, headers=known)
        assert (again.status_code, again.content) == (304, b"")


async def test_every_worked_example_is_valid() -> None:
    schema = graphql_schema(our_schema().as_str())
    documents = [
        document
        for name in ("examples.js", "people.js")
        for document in re.findall(r"query: `(.*?)`,", explorer.ASSETS[name].read_text(), re.S)
    ]
    assert len(documents) == 9
    for document in documents:
        assert validate(schema, parse(document)) == [], document[:60]


@pytest.mark.parametrize(
    "name", ["../__init__.py", "%2e%2e/__init__.py", "package.json", "", "..%2f..%2fapp.py"]
)
async def test_no_other_file_is_served(shown: Souk, name: str) -> None:
    answer = await shown.http.get(f"/explorer/assets/{name}")
    assert answer.status_code == 404
    assert "import" not in answer.text


async def test_home_leads_to_the_explorer_and_the_tab_has_a_picture(shown: Souk) -> None:
    home = await shown.http.get("/", headers=BROWSER)
    assert (home.status_code, home.headers["location"]) == (307, "/graphql")
    icon = await shown.http.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"


async def test_a_page_without_its_files_says_how_to_get_them(
    shown: Souk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(explorer.ASSETS, "graphiql.min.js", tmp_path / "gone.js")
    page = await shown.http.get("/graphql", headers=BROWSER)
    assert page.status_code == 503
    assert "make setup" in page.text


async def test_a_query_of_a_browser_is_still_answered(shown: Souk) -> None:
    headers = {**BROWSER, "GraphQL-Preflight": "1"}
    answer = await shown.http.get("/graphql?query={__typename}", headers=headers)
    assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("path", ["/", "/explorer", "/explorer/assets/explorer.js", "/favicon.ico"])
async def test_outside_development_there_is_no_explorer(souk: Souk, path: str) -> None:
    assert souk.settings.env is Environment.TEST
    assert (await souk.http.get(path, headers=BROWSER)).status_code == 404
    assert "<html" not in (await souk.http.get("/graphql", headers=BROWSER)).text


async def test_the_settings_can_show_it_elsewhere(settings: Settings) -> None:
    async with running_souk(settings.model_copy(update={"explorer": True})) as souk:
        assert (await souk.http.get("/explorer", headers=BROWSER)).status_code == 200

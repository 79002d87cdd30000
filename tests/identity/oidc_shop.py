"""A server with a provider to log in with, as a person, a browser and a client go through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import text

from core.settings import OidcProvider, Settings
from tests.clients.client import Client, Souk, running_souk
from tests.identity.documents import LOGIN_FIELDS, result
from tests.identity.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

PAGE = "https://shop.example/after-login?from=souk"
APP = "com.example.shop:/oidc"
EMAIL = "ada@shop.example"
ADA = {"sub": "ada-at-home", "email": EMAIL, "email_verified": True, "name": "Ada Lovelace"}

START = """mutation Start($input: StartOidcLoginInput!) { startOidcLogin(input: $input) {
  __typename ... on OidcLoginStarted { authorizationUrl handle expiresAt }
  ... on UserError { code message path } ... on OidcLoginFailed { reason } } }"""
COMPLETE = f"""mutation Complete($input: CompleteOidcLoginInput!) {{
  completeOidcLogin(input: $input) {{
  {LOGIN_FIELDS} ... on OidcLoginFailed {{ reason }} ... on TwoFactorNeeded {{ challenge }} }} }}"""
IDENTITIES = """{ linkedIdentities { totalCount nodes {
  id provider email createdAt lastUsedAt } } }"""
UNLINK = """mutation Unlink($input: UnlinkIdentityInput!) { unlinkIdentity(input: $input) {
  __typename ... on UnlinkIdentityPayload { identityId }
  ... on UserError { code message path } } }"""


@dataclass
class Shop:
    """A server, and the provider that its people log in with."""

    souk: Souk
    provider: Provider

    async def start(self, **input: Any) -> dict[str, Any]:
        """A log in started by a client."""
        return await result(self.souk.anonymous, START, **{"provider": "shop", **input})

    async def at_provider(self, url: str) -> str:
        """Where the provider sends the person's browser: the path and query of our callback."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(url)
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}" == self.souk.settings.base_url
        return f"{parts.path}?{parts.query}"

    async def returned(self, started: dict[str, Any]) -> dict[str, str]:
        """What the client finds in the address that it comes back to."""
        back = await self.souk.http.get(await self.at_provider(started["authorizationUrl"]))
        assert back.status_code == 303, back.text
        query = parse_qs(urlsplit(back.headers["location"]).query)
        return {name: values[0] for name, values in query.items() if name != "from"}

    async def complete(self, started: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """What completing answers after the browser was at the provider."""
        input = {**await self.returned(started), "provider": "shop", "handle": started["handle"]}
        return await result(self.souk.anonymous, COMPLETE, **{**input, **changes})

    async def log_in(self, **person: Any) -> dict[str, Any]:
        """What a whole log in answers."""
        self.provider.person = {**ADA, **person}
        return await self.complete(await self.start())

    def client(self, payload: dict[str, Any]) -> Client:
        """The client of whom a payload signed in."""
        return Bearer(self.souk.url, self.souk.http, token=payload["accessToken"])

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        found = await self.souk.database.scalar(
            text("SELECT count(*) FROM " + table)  # noqa: S608  a test's own words
        )
        return int(found)

    async def do(self, statement: str, **values: Any) -> None:
        """Changes what is stored."""
        bound = text(statement).bindparams(**values)
        await self.souk.database.run(lambda work: work.execute(bound))


@dataclass
class Bearer(Client):
    """A client with a token of its own."""

    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that this person's requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Shop]:
    """A server of these settings whose people log in with a provider of its own."""
    async with running_provider([f"{settings.base_url}/oidc/shop/callback"]) as provider:
        configured = OidcProvider(
            name="shop",
            label="Shop account",
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
        )
        changed = settings.model_copy(
            update={"oidc_providers": [configured], "oidc_redirect_uris": [PAGE, APP]}
        )
        async with running_souk(changed) as souk:
            provider.person = dict(ADA)
            yield Shop(souk, provider)

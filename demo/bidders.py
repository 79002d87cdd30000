"""The people of a replay: makes their accounts and signs their tokens beside the running server, in
its database. Everything else of a replay goes through the public API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from auth.actor import Role
from auth.secrets import SealBroken
from core.database import DATABASE_ERRORS, Database, UnitOfWork
from core.embedded import running_url
from core.settings import Settings
from demo.api import ReplayFailed, Token
from demo.people import DEMO_DOMAIN, address_of, name_of
from models.auctions.importing import insert_missing
from models.catalogue import Category, Subcategory, SubcategoryGroup
from resolvers.auctions.importing import open_sessions
from resolvers.identity.accounts import import_accounts
from resolvers.identity.authentication import Authenticator
from resolvers.identity.sessions import Device

__all__ = ["CATEGORY", "SUBCATEGORY", "Bidders", "bidders_of", "url_of"]

CATEGORY: Final = UUID("019fc000-0000-7000-8000-0000000000c2")
SUBCATEGORY: Final = UUID("019fc000-0000-7000-8000-0000000000d2")
"""Where replayed auctions stand, so that nobody takes them for others."""

# A hyphen keeps it apart from every bidder (demo/people.py).
_SELLER: Final = (f"replay-seller@{DEMO_DOMAIN}", "Replay")
_DEVICE: Final = Device("souk replay", "127.0.0.1")
_EARLY: Final = timedelta(minutes=2)


def url_of(settings: Settings) -> str:
    """The URL of the running server's database: the configured one, else the embedded one, which is
    neither started nor stopped. Raises ReplayFailed when none runs."""
    url = settings.database_url or running_url(settings.data_dir / "postgres")
    if url is None:
        raise ReplayFailed(
            f"No database runs under {settings.data_dir}: start the server with `make run`, or set "
            "SOUK_DATA_DIR or DATABASE_URL as it has them."
        )
    return url


class Bidders:
    """The seller and the bidders of a replay, each with a session."""

    def __init__(
        self, authenticator: Authenticator, sessions: dict[str, tuple[UUID, UUID]], seller: str
    ) -> None:
        self._authenticator = authenticator
        self._sessions = sessions
        self._seller = seller
        self._tokens: dict[str, tuple[str, datetime]] = {}

    @property
    def seller(self) -> Token:
        """The seller's token."""
        return lambda: self._token(self._seller)

    def token(self, bidder: str) -> Token:
        """A bidder's token."""
        return lambda: self._token(address_of(bidder))

    async def _token(self, address: str) -> str:
        known = self._tokens.get(address)
        if known is None or known[1] < datetime.now(UTC) + _EARLY:
            user_id, session_id = self._sessions[address]
            made = await self._authenticator.access_token(user_id, session_id, Role.USER)
            known = self._tokens[address] = (made.value, made.expires_at)
        return known[0]


@asynccontextmanager
async def bidders_of(url: str, settings: Settings, names: Sequence[str]) -> AsyncIterator[Bidders]:
    """Accounts of these bidders and of the seller, where there are none, with a new session each,
    and the shelf for their auctions. Raises ReplayFailed when the database cannot be used."""
    database = Database(url, pool=2)
    authenticator = Authenticator(database, settings)
    people = [_SELLER, *((address_of(name), name_of(name)) for name in names)]

    async def prepare(work: UnitOfWork) -> dict[str, tuple[UUID, UUID]]:
        await work.execute_each(insert_missing(Category), [{"id": CATEGORY, "title": "Replays"}])
        shelf = {"id": SUBCATEGORY, "category_id": CATEGORY, "name": "Replayed auctions"}
        group = {"group_name": SubcategoryGroup.MORE}
        await work.execute_each(insert_missing(Subcategory), [{**shelf, **group}])
        ids = await import_accounts(work, [(address, name, None) for address, name in people])
        sessions = await open_sessions(work, ids, _DEVICE)
        pairs = zip(people, ids, strict=True)
        return {address: (user_id, sessions[user_id]) for (address, _), user_id in pairs}

    try:
        try:
            sessions = await database.run(prepare)
            await authenticator.look()
            await authenticator.keys.signing()
        except SealBroken:
            raise ReplayFailed("SOUK_SECRET is not that of the running server.") from None
        except DATABASE_ERRORS as error:
            reason = type(error).__name__
            raise ReplayFailed(f"The server's database cannot be used ({reason}).") from error
        yield Bidders(authenticator, sessions, _SELLER[0])
    finally:
        authenticator.passwords.close()
        await database.close()

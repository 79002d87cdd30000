"""What a field may reach while an operation runs: the services of the process, the actor, and the
loaders of this operation. Holds no database session."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar, overload
from uuid import uuid4

from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from auth.actor import ANONYMOUS, Actor
from core.database import Columns, Database, UnitOfWork
from core.flow import Flow, Parts
from core.settings import Settings
from graph.loading import Loader, loader_of
from resolvers.identity.authentication import Authenticator
from resolvers.identity.oidc import OidcLogins
from serving.cookies import Cookies
from subscriptions.hub import Hub

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What one process has: made once by app.create_app, the same for every request."""

    settings: Settings
    database: Database
    hub: Hub
    authenticator: Authenticator
    loaders: dict[str, Loader] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    oidc: OidcLogins = field(default_factory=OidcLogins)
    parts: Parts = field(default_factory=Parts)


class Context:
    """One operation's surroundings; on a websocket, one socket's. `keep` is False there, because a
    socket outlives many events and must never show what it loaded for an earlier one."""

    def __init__(
        self,
        services: Services,
        actor: Actor = ANONYMOUS,
        *,
        request_id: str | None = None,
        keep: bool = True,
    ) -> None:
        self.services = services
        self.actor = actor
        self.request_id = request_id or uuid4().hex
        self.token: str | None = None
        self.connection_params: dict[str, object] | None = None
        self.client: dict[str, str] = {}
        self.cookies = Cookies()
        self.streams = not keep
        self.writing: set[asyncio.Task[Any]] = set()
        self._keep = keep
        self._known: dict[tuple[Loader, Columns], dict[Any, Any]] = {}
        self._loaders: dict[Loader, DataLoader[Any, Any]] = {}

    def note_writing(self) -> None:
        """Notes that the running task is a mutation, until it ends: nobody may stop it."""
        task = asyncio.current_task()
        if task is not None:
            self.writing.add(task)
            task.add_done_callback(self.writing.discard)

    @property
    def database(self) -> Database:
        """The process's database."""
        return self.services.database

    async def write(self, use_case: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Runs a use case in a transaction of its own; what is loaded afterwards is loaded anew."""
        try:
            return await self.database.run(use_case)
        finally:
            self.forget()

    def forget(self) -> None:
        """Drops what was loaded: after a write, the next field must see what is stored now."""
        self._known = {}
        self._loaders = {}

    @property
    def flow(self) -> Flow:
        """The surroundings of a use case of more than one transaction."""
        services = self.services
        user_agent = self.client.get("user_agent", "")
        return Flow(services.database, services.settings, services.parts, user_agent)

    def loader(self, what: "Loader | type | str") -> Loader:
        """The loader of an entity."""
        if isinstance(what, Loader):
            return what
        return self.services.loaders[what] if isinstance(what, str) else loader_of(what)

    @overload
    def load(self, what: type[T], key: Any) -> Awaitable[T | None]: ...
    @overload
    def load(self, what: Loader | str, key: Any) -> Awaitable[Any]: ...
    def load(self, what: Any, key: Any) -> Awaitable[Any]:
        """The entity of this key as far as the viewer may see it, else None, or what a loader gives
        for it; all keys asked for in one turn of the event loop are loaded by one statement."""
        loader = self.loader(what)
        batch = self._loaders.get(loader)
        if batch is None:
            batch = DataLoader(partial(self._load_each, loader), cache=False)
            self._loaders[loader] = batch
        return batch.load(key)

    async def _load_each(self, loader: Loader, keys: list[Any]) -> list[Any]:
        distinct = list(dict.fromkeys(keys))
        found = dict(zip(distinct, await self.load_all(loader, distinct), strict=True))
        return [found[key] for key in keys]

    async def load_all(self, what: Any, keys: list[Any], columns: Columns = None) -> list[Any]:
        """What a loader gives for each of these distinct keys, in their order, by one statement for
        those that this operation has not loaded yet. With `columns` the objects may know no more
        than what is made of these."""
        loader = self.loader(what)
        columns = columns if loader.by_columns else None
        known: dict[Any, Any] = self._known.setdefault((loader, columns), {}) if self._keep else {}
        missing = [key for key in keys if key not in known] if known else keys
        if not missing:
            return [known[key] for key in keys]
        more = (columns,) if loader.by_columns else ()
        rows = await loader.load(self.database, self.actor, missing, *more)
        shape, actor = loader.shape, self.actor
        loaded = [None if row is None else shape(row, actor) for row in rows]
        known.update(zip(missing, loaded, strict=True))
        return loaded if missing is keys else [known[key] for key in keys]


Info: TypeAlias = StrawberryInfo[Context, None]

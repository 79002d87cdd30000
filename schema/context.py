"""What a field may reach while an operation runs: the services of the process, the actor, and the
loaders of this operation. Holds no database session."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from auth.actor import ANONYMOUS, Actor
from core.database import Columns, Database, UnitOfWork
from core.settings import Settings
from resolvers.authentication import Authenticator
from resolvers.identity.oidc import OidcLogins
from schema.cookies import Cookies
from subscriptions.hub import Hub

T = TypeVar("T")

LoadRows: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Loader:
    """How a relation is loaded: `load(database, actor, keys)` gives one row (or None) for each key,
    in the order of the keys, in one statement; `shape` makes the GraphQL object of a row. With
    `by_columns`, `load` takes the columns that are asked for as a fourth argument."""

    load: LoadRows
    shape: Callable[[Any, Actor], Any]
    by_columns: bool = False


@dataclass(frozen=True, slots=True)
class Services:
    """What one process has: made once by app.create_app, the same for every request."""

    settings: Settings
    database: Database
    hub: Hub
    authenticator: Authenticator
    loaders: dict[str, Loader] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    oidc: OidcLogins = field(default_factory=OidcLogins)


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
        self._known: dict[tuple[str, Columns], dict[Any, Any]] = {}
        self._loaders: dict[str, DataLoader[Any, Any]] = {}

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

    def load(self, name: str, key: Any) -> Awaitable[Any]:
        """What the declared loader `name` gives for `key`; all keys asked for in one turn of the
        event loop are loaded by one statement."""
        loader = self._loaders.get(name)
        if loader is None:
            loader = DataLoader(partial(self._load_each, name), cache=False)
            self._loaders[name] = loader
        return loader.load(key)

    async def _load_each(self, name: str, keys: list[Any]) -> list[Any]:
        distinct = list(dict.fromkeys(keys))
        found = dict(zip(distinct, await self.load_all(name, distinct), strict=True))
        return [found[key] for key in keys]

    async def load_all(self, name: str, keys: list[Any], columns: Columns = None) -> list[Any]:
        """What the declared loader `name` gives for each of these distinct keys, in their order, by
        one statement for those that this operation has not loaded yet. With `columns` the objects
        may know no more than what is made of these."""
        declared = self.services.loaders[name]
        columns = columns if declared.by_columns else None
        known: dict[Any, Any] = self._known.setdefault((name, columns), {}) if self._keep else {}
        missing = [key for key in keys if key not in known] if known else keys
        if not missing:
            return [known[key] for key in keys]
        more = (columns,) if declared.by_columns else ()
        rows = await declared.load(self.database, self.actor, missing, *more)
        shape, actor = declared.shape, self.actor
        loaded = [None if row is None else shape(row, actor) for row in rows]
        known.update(zip(missing, loaded, strict=True))
        return loaded if missing is keys else [known[key] for key in keys]


Info: TypeAlias = StrawberryInfo[Context, None]

"""The application: routes, lifespan, middleware; nothing else. Every rule lives in a room below."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route, WebSocketRoute

import rest
from core.database import Database
from core.flow import Parts
from core.settings import Settings
from core.telemetry import configure_logging
from graph.context import Services
from graph.domain import Domain
from resolvers.identity.authentication import Authenticator
from resolvers.identity.oidc import OidcLogins
from rest.explorer import page as explorer_page
from rest.middleware import http_error, middleware
from schema import all_loaders, all_nodes, build_schema, hidden_prefixes
from serving.limits import Limiter
from serving.server import GraphQLServer
from subscriptions.doorbell import Doorbell
from subscriptions.hub import Hub
from subscriptions.relay import Relay
from worker.runner import Worker


class Part(Protocol):
    """What runs as long as the server does."""

    async def start(self) -> None:
        """Starts it."""

    async def stop(self) -> None:
        """Stops it."""


def create_app(
    settings: Settings | None = None, database_url: str | None = None, *more: Domain
) -> Starlette:
    """The ASGI application. `database_url` is that of the embedded database, where one runs;
    otherwise `DATABASE_URL` must be configured. `more` are domains beside those of the schema.
    Starts nothing before its lifespan does."""
    settings = settings or Settings()
    configure_logging(settings)
    url = database_url or settings.database_url
    if url is None:
        raise ValueError("DATABASE_URL is not set; `make run` starts an embedded database")
    database = Database(url, read_url=settings.database_read_url, pool=settings.database_pool)
    doorbell = Doorbell(settings.doorbell_url)
    hub = Hub(database, doorbell, queue_limit=settings.limits.queued_events)
    relay = Relay(doorbell)
    database.on_commit = relay.announce
    authenticator, oidc = Authenticator(database, settings), OidcLogins(settings)
    services = Services(
        settings=settings,
        database=database,
        hub=hub,
        authenticator=authenticator,
        loaders=all_loaders(),
        nodes=all_nodes(*more),
        hidden=hidden_prefixes(*more),
        oidc=oidc,
        parts=Parts(authenticator, oidc),
    )
    parts: list[Part] = [doorbell, relay, hub, services.authenticator]
    if settings.worker:
        parts.append(Worker(database, settings))
    limiter = Limiter(settings.limits, introspection=not settings.production)
    schema = build_schema(
        *more, extensions=(limiter.extension,), suggestions=not settings.production
    )
    graphql = GraphQLServer(schema, services, limiter, page=explorer_page(settings))
    database.on_write = graphql.answers.drop
    routes: list[BaseRoute] = [
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        *rest.routes(services),
    ]
    app = Starlette(
        routes=routes,
        lifespan=_lifespan(parts, database),
        middleware=middleware(settings),
        exception_handlers={HTTPException: http_error},
    )
    # A redirect would repeat whatever Host the caller made up.
    app.router.redirect_slashes = False
    app.state.services = services
    return app


def _lifespan(
    parts: Sequence[Part], database: Database
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for part in parts:
            await part.start()
        try:
            yield
        finally:
            for part in reversed(parts):
                await part.stop()
            await database.close()

    return lifespan

"""`/healthz`: the process is alive. `/readyz`: it can serve. `/metrics`: figures for operators."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core import migrations
from graph.context import Services


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""

    async def alive(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def ready(_: Request) -> Response:
        database = await services.database.alive()
        migrated = database and await migrations.is_current(services.database)
        checks = {"database": database, "migrations": migrated}
        return JSONResponse(checks, status_code=200 if all(checks.values()) else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", metrics),
    ]

"""The explorer's page and its files (explorer/), for browsers in development; holds no rule."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import explorer
from core.settings import Settings
from graph.context import Services

_PAGE_HEADERS = {
    "Content-Security-Policy": explorer.CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FILE_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_NOT_SET_UP = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Souk explorer</title></head><body>
<h1>The explorer is not set up</h1>
<p>Some of its files are missing: run <code>make setup</code> and load the page again.</p>
<p>The API works without them: send a POST request with a GraphQL document to
<code>/graphql</code>.</p>
</body></html>
"""


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module; none where the explorer is not shown."""
    shown = page(services.settings)
    if shown is None:
        return []
    return [
        Route("/", _home),
        Route("/explorer", _page),
        Route("/explorer/assets/{name:path}", _asset),
        Route("/favicon.ico", _favicon),
    ]


def page(settings: Settings) -> ASGIApp | None:
    """The explorer's page, for a browser that opens `/graphql`; None where it is not shown: outside
    development, unless `SOUK_EXPLORER` says otherwise."""
    shown = settings.development if settings.explorer is None else settings.explorer
    return _serve_page if shown else None


async def _serve_page(scope: Scope, receive: Receive, send: Send) -> None:
    await _page(Request(scope, receive))(scope, receive, send)


def _page(request: Request) -> Response:
    if explorer.missing_assets():
        return HTMLResponse(_NOT_SET_UP, status_code=503, headers=_PAGE_HEADERS)
    return _file(request, explorer.INDEX, "text/html; charset=utf-8", _PAGE_HEADERS)


def _home(_: Request) -> Response:
    return RedirectResponse("/graphql")


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    path = explorer.ASSETS.get(name)
    if path is None or not path.is_file():
        raise HTTPException(404)
    return _file(request, path, explorer.media_type(name), _FILE_HEADERS)


def _favicon(request: Request) -> Response:
    name = "favicon.svg"
    return _file(request, explorer.ASSETS[name], explorer.media_type(name), _FILE_HEADERS)


def _file(request: Request, path: Path, media_type: str, headers: dict[str, str]) -> Response:
    """The file, or 304 when the browser has it: names stay while contents change with a version, so
    it asks each time."""
    response = FileResponse(path, media_type=media_type, headers=headers, stat_result=path.stat())
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    etag = response.headers["etag"]
    if etag in known:
        return Response(status_code=304, headers={**headers, "ETag": etag})
    return response

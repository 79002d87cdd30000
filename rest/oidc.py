"""`GET /oidc/{provider}/callback`: the one address that a provider sends browsers back to. Hands
what it said on to the client that started the log in; logs nobody in and stores nothing."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.errors import BadUserInput
from graph.context import Services
from resolvers.identity.oidc import return_of
from serving.http import refusal

_LONGEST = 2_000
# The address holds a code: no cache keeps it and no page that follows is told of it.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""

    async def callback(request: Request) -> Response:
        provider = str(request.path_params["provider"])
        state = _one(request, "state")
        code, error = _one(request, "code"), _one(request, "error")
        if not services.oidc.knows(provider) or state is None or (code is None) == (error is None):
            return refusal(BadUserInput("This is not an answer of a provider that is known here."))
        answer = {"state": state, **({"code": code} if code else {"error": error or ""})}
        is_open, address = await return_of(services.database, provider, state, answer)
        if not is_open:
            return refusal(BadUserInput("This log in was not started here, or took too long."))
        if address is None:
            return JSONResponse({"provider": provider, **answer}, headers=_HEADERS)
        return RedirectResponse(address, status_code=303, headers=_HEADERS)

    return [Route("/oidc/{provider}/callback", callback)]


def _one(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= _LONGEST else None

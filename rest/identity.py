"""Public keys for whoever verifies our tokens, and generated avatars. Reads no account."""

import hashlib
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from auth.keys import public_pem
from core.ids import split_id
from graph.context import Services

_KEYS_CACHED = {"Cache-Control": "public, max-age=300"}
# An SVG can hold scripts: ours holds none, and nothing may run or be guessed in its place.
_AVATAR_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def avatar(id: str) -> str:
    """A picture of five by five squares, mirrored, made of nothing but the id: it tells nothing
    that the id does not, and asks no other server."""
    digest = hashlib.sha256(id.encode()).digest()
    hue = int.from_bytes(digest[:2]) % 360
    squares = "".join(
        f'<rect x="{column}" y="{row}" width="1" height="1"/>'
        for row in range(5)
        for column in range(5)
        if digest[2 + row * 3 + min(column, 4 - column)] & 1
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 7 7" width="140" height="140">'
        f'<rect x="-1" y="-1" width="7" height="7" fill="hsl({hue},45%,92%)"/>'
        f'<g fill="hsl({hue},55%,45%)" shape-rendering="crispEdges">{squares}</g></svg>'
    )


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""
    keys = services.authenticator.keys

    async def jwks(_: Request) -> Response:
        return JSONResponse({"keys": keys.jwks}, headers=_KEYS_CACHED)

    async def publickey(request: Request) -> Response:
        wanted = request.query_params.get("keyId")
        if wanted is None:
            wanted, _ = await keys.signing()
        elif not _KEY_ID.fullmatch(wanted) or await keys.verifying(wanted) is None:
            return JSONResponse({"error": "There is no key of this keyId."}, status_code=404)
        found = next((jwk for jwk in keys.jwks if jwk["kid"] == wanted), None)
        if found is None:
            return JSONResponse({"error": "There is no key of this keyId."}, status_code=404)
        return PlainTextResponse(
            public_pem(found), media_type="application/x-pem-file", headers=_KEYS_CACHED
        )

    async def generated_avatar(request: Request) -> Response:
        id = str(request.path_params["id"])
        parts = split_id(id)
        if parts is None or parts[0] != "usr":
            return JSONResponse({"error": "There is no such picture."}, status_code=404)
        return Response(avatar(id), media_type="image/svg+xml", headers=_AVATAR_HEADERS)

    return [
        Route("/.well-known/jwks.json", jwks),
        Route("/publickey", publickey),
        Route("/avatars/{id}.svg", generated_avatar),
    ]

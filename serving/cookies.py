"""Tokens as cookies, for browsers: read, set, cleared. Only what our own pages send counts
(docs/decisions/0016-second-factor.md). Holds no rule of a domain."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from starlette.responses import Response
from starlette.types import Scope
from strawberry.http.websocket_origin import (
    is_same_origin,
    normalize_allowed_origins,
    normalize_origin,
)

from auth.tokens import REFRESH_LIFETIME, AccessToken
from core.errors import Forbidden, InvalidInput, Unauthenticated
from core.settings import Settings
from resolvers.identity.authentication import Authenticator

# The prefix holds a cookie to this host: no sub-domain can plant one.
ACCESS: Final = "__Host-souk-access"
REFRESH: Final = "__Host-souk-refresh"
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

AnyResponse = TypeVar("AnyResponse", bound=Response)


def trusted_origins(settings: Settings) -> frozenset[str]:
    """The origins whose pages may use cookies: those allowed by name. `*` allows any page to ask,
    but none in somebody's name."""
    public = [settings.public_url] if settings.public_url else []
    return normalize_allowed_origins([*settings.allowed_origins, *public]) - {"*"}


class Cookies:
    """The cookies of one request, and those that its answer sets."""

    def __init__(
        self, access: str | None = None, refresh: str | None = None, *, ours: bool = False
    ) -> None:
        self.access = access
        self.refresh = refresh
        self._ours = ours
        self.signs_in = False
        self._set: dict[str, tuple[str, int]] = {}

    @classmethod
    def of(cls, scope: Scope, headers: Mapping[str, str], trusted: Collection[str]) -> "Cookies":
        """The cookies that a request, or a websocket's handshake, came with. Raises Forbidden when
        they come from a page that may not use them."""
        sent = _sent(scope) if "cookie" in headers else {}
        access, refresh = sent.get(ACCESS), sent.get(REFRESH)
        ours = _is_from_our_page(scope, headers, trusted)
        if (access or refresh) and not ours:
            raise Forbidden("Cookies are taken from our own pages only: the Origin is not one.")
        return cls(access, refresh, ours=ours)

    async def token(self, authenticator: Authenticator, address: str) -> str | None:
        """The access token of the cookie. One that is refused is taken as none, and its cookie is
        cleared: a script of the page could not."""
        if self.access is None:
            return None
        try:
            await authenticator.actor(self.access, address)
        except Unauthenticated:
            self._set[ACCESS] = ("", 0)
            return None
        self.signs_in = True
        return self.access

    def require_settable(self, streams: bool) -> None:
        """Raises InvalidInput where no cookie is set: on a websocket or a stream, which cannot, and
        for pages that are not ours, which must not sign anybody in here."""
        if streams or not self._ours:
            raise InvalidInput(
                "Cookies are set over plain HTTP, for our own pages only: send the Origin.",
                path=["input", "useCookies"],
            )

    def keep(self, access: AccessToken, refresh: str) -> None:
        """Sets both tokens with the answer."""
        left = int((access.expires_at - datetime.now(UTC)).total_seconds())
        self._set[ACCESS] = (access.value, max(left, 0))
        self._set[REFRESH] = (refresh, int(REFRESH_LIFETIME.total_seconds()))

    def clear(self) -> None:
        """Clears both with the answer, where the request came with any."""
        if self.access or self.refresh:
            self._set = {ACCESS: ("", 0), REFRESH: ("", 0)}

    def put(self, response: AnyResponse) -> AnyResponse:
        """The answer with its cookies."""
        for name, (value, seconds) in self._set.items():
            response.set_cookie(
                name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
            )
        return response


def _sent(scope: Scope) -> dict[str, str]:
    """The tokens among the cookies of a request. Read by hand: the standard library takes the
    square of a quoted value, and no token needs quotes or escapes."""
    found = {}
    for key, value in scope["headers"]:
        if key == b"cookie":
            for pair in str(value, "latin-1").split(";"):
                name, _, content = pair.strip().partition("=")
                if name in (ACCESS, REFRESH):
                    found[name] = content.strip().strip('"')
    return found


def _is_from_our_page(scope: Scope, headers: Mapping[str, str], trusted: Collection[str]) -> bool:
    origin = headers.get("origin")
    if origin is not None:
        host = headers.get("host")
        return is_same_origin(origin, host) or normalize_origin(origin) in trusted
    # Browsers leave it out only for a GET of a page's own origin, which GraphQL asks a header for
    # that other pages cannot send (serving/http.py).
    safe = scope["type"] == "http" and scope["method"] not in _UNSAFE
    return safe or headers.get("sec-fetch-site") == "same-origin"

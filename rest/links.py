"""The links of mails and short messages: proving an address or a number, choosing a new password.
A page whose button posts, because mail scanners open every link. Holds no rule."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.errors import InvalidInput, RateLimited
from graph.context import Services
from resolvers.identity.codes import Flow, Link, LinkState, look_at_link
from resolvers.identity.errors import WeakPassword
from resolvers.identity.passwords import RESET_FLOWS, reset_by_link
from resolvers.identity.verification import EMAIL, MOBILE, verify_by_link
from resolvers.identity.words import Words
from rest.pages import PageText, page, words_of

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_UNKNOWN: Final = Link(LinkState.UNKNOWN)


def _useless(words: Words, link: Link) -> Response:
    """404 for a link that is none, 410 for one that was used or has expired."""
    name, status = ("spent", 410) if link.state is LinkState.SPENT else ("unknown", 404)
    said = PageText(words.say(f"page.{name}_title"), words.say(f"page.{name}"))
    return page(words, said, status)


def _busy(words: Words, limited: RateLimited) -> Response:
    seconds = limited.retry_after
    said = PageText(words.say("page.busy_title"), words.say("page.busy", seconds=seconds))
    return page(words, said, 429, {"Retry-After": str(seconds)})


def _done(words: Words, name: str) -> Response:
    return page(
        words, PageText(words.say(f"page.{name}.done_title"), words.say(f"page.{name}.done"))
    )


def _asked(
    words: Words, name: str, problem: str | None = None, *, passwords: bool = False
) -> Response:
    title, text, button = (words.say(f"page.{name}.{part}") for part in ("title", "text", "button"))
    shown = PageText(title, text, button, passwords, problem)
    return page(words, shown, 200 if problem is None else 422)


async def _looked_at(services: Services, flows: Sequence[Flow], request: Request) -> Link:
    token = str(request.path_params["token"])
    if not _TOKEN.fullmatch(token):
        return _UNKNOWN
    secrets = services.authenticator.secrets
    return await services.database.run(lambda work: look_at_link(work, secrets, flows, token))


def _words(request: Request, link: Link) -> Words:
    known = link.holder is not None and link.state is not LinkState.UNKNOWN
    return words_of(request, link.holder.preferred_language if known else None)


def _proof(services: Services, flow: Flow, name: str) -> Endpoint:
    async def answer(request: Request) -> Response:
        link = await _looked_at(services, [flow], request)
        words = _words(request, link)
        if link.state is LinkState.LIVE and request.method != "POST":
            return _asked(words, name)
        if link.state is LinkState.LIVE:
            token = str(request.path_params["token"])
            secrets, settings = services.authenticator.secrets, services.settings
            link = await services.database.run(
                lambda work: verify_by_link(work, secrets, settings, flow, token)
            )
            if link.state is LinkState.LIVE:
                return _done(words, name)
        return _useless(words, link)

    return answer


def _reset(services: Services, name: str) -> Endpoint:
    async def answer(request: Request) -> Response:
        link = await _looked_at(services, RESET_FLOWS, request)
        words = _words(request, link)
        if link.state is LinkState.LIVE and request.method != "POST":
            return _asked(words, name, passwords=True)
        if link.state is LinkState.LIVE:
            form = await request.form(max_files=0, max_fields=10)
            try:
                link = await reset_by_link(
                    services.database,
                    services.authenticator,
                    str(request.path_params["token"]),
                    str(form.get("password", "")),
                    str(form.get("confirmation", "")),
                )
            except InvalidInput:
                return _asked(words, name, words.say(f"page.{name}.differ"), passwords=True)
            except WeakPassword:
                return _asked(words, name, words.say(f"page.{name}.weak"), passwords=True)
            except RateLimited as limited:
                return _busy(words, limited)
            if link.state is LinkState.LIVE:
                return _done(words, name)
        return _useless(words, link)

    return answer


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""
    methods = ["GET", "POST"]
    email = _proof(services, EMAIL, "verify_email")
    mobile = _proof(services, MOBILE, "verify_mobile")
    return [
        Route("/verify-email/{token}", email, methods=methods),
        Route("/verify-mobile/{token}", mobile, methods=methods),
        Route("/reset-password/{token}", _reset(services, "reset_password"), methods=methods),
    ]

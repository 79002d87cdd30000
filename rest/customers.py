"""The page of the mailed link that deletes a customer (spec/02-identity.md#customers-seed-002). Its
button posts, because mail scanners open every link. Holds no rule: resolvers/customers/deletion
does."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.actor import Actor
from core.errors import NotFound
from graph.context import Services
from resolvers.customers.deletion import (
    LINK_PATH,
    ConfirmCustomerDeletion,
    confirm_customer_deletion,
    link_is_valid,
)
from resolvers.identity.words import Words
from rest.pages import PageText, page, words_of
from serving.server import client_address


def _said(words: Words, part: str) -> str:
    return words.say(f"page.delete_customer.{part}")


def _not_valid(words: Words) -> Response:
    # Unknown, used and expired are one answer, and these words are true of each.
    return page(words, PageText(words.say("page.unknown_title"), words.say("page.spent")), 404)


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""
    database = services.database

    async def show(request: Request) -> Response:
        words = words_of(request)
        if not await link_is_valid(database, str(request.path_params["token"])):
            return _not_valid(words)
        title, text, button = (_said(words, part) for part in ("title", "text", "button"))
        return page(words, PageText(title, text, button))

    async def delete(request: Request) -> Response:
        words = words_of(request)
        token = str(request.path_params["token"])
        actor = Actor(address=client_address(request.scope))
        try:
            command = ConfirmCustomerDeletion(token=token)
            await database.run(lambda work: confirm_customer_deletion(work, actor, command))
        except NotFound:
            return _not_valid(words)
        return page(words, PageText(_said(words, "done_title"), _said(words, "done")))

    # Starlette answers HEAD wherever it answers GET.
    return [Route(LINK_PATH, show, methods=["GET"]), Route(LINK_PATH, delete, methods=["POST"])]

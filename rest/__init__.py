"""Plain HTTP for what cannot speak GraphQL: health, keys, media, the explorer's files. One module a
domain, each with `routes(services)`; no rule of its own."""

from starlette.routing import BaseRoute

from graph.context import Services
from rest.customers import routes as customers_routes
from rest.explorer import routes as explorer_routes
from rest.health import routes as health_routes
from rest.identity import routes as identity_routes
from rest.links import routes as links_routes
from rest.media import routes as media_routes
from rest.oidc import routes as oidc_routes


def routes(services: Services) -> list[BaseRoute]:
    """The routes of all domains."""
    domains = (
        customers_routes,
        health_routes,
        identity_routes,
        links_routes,
        media_routes,
        oidc_routes,
        explorer_routes,
    )
    return [route for routes_of in domains for route in routes_of(services)]

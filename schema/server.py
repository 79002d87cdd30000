"""GraphQL over HTTP and websocket: who asks, which document, which status. Holds no rule."""

from collections import defaultdict
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from core.errors import BadUserInput, RateLimited, RequestError, Unauthenticated
from schema import http
from schema.context import Context, Services
from schema.http import Refused
from schema.limits import Limiter
from schema.masking import present_all
from schema.sockets import Socket, SocketAdapter

log = structlog.get_logger(__name__)

_LONGEST_REASON = 120


def client_address(connection: HTTPConnection) -> str:
    """The caller's network address, as the server in front of us reports it when it is trusted."""
    return connection.client.host if connection.client else ""


def bearer(value: str | None) -> str | None:
    """The token of an Authorization header; None without one. Raises Unauthenticated for another
    scheme."""
    if not value:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send Authorization: Bearer <access token>.")
    return token.strip()


class GraphQLServer(GraphQL[Context, None]):
    """Strawberry's ASGI view with Souk's contexts, limits, status codes and JSON. `page` is what a
    browser sees that asks without a query. Sockets are counted in this process: `n` processes allow
    an account `n` times as many."""

    token_check_seconds = 20.0
    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = Socket

    def __init__(
        self,
        schema: Any,
        services: Services,
        limiter: Limiter,
        *,
        page: ASGIApp | None = None,
        init_seconds: float = 10.0,
    ) -> None:
        self.services = services
        self.limiter = limiter
        self.sockets: defaultdict[UUID, set[int]] = defaultdict(set)
        self._page = page
        settings = services.settings
        public = [settings.public_url] if settings.public_url else []
        origins = [*settings.allowed_origins, *public]
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=init_seconds),
            max_subscriptions_per_connection=settings.limits.subscriptions_per_socket,
            allowed_origins=origins,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("request_id", uuid4().hex)
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        except RequestError as error:
            reason = error.message[:_LONGEST_REASON]
            await send({"type": "websocket.close", "code": 4403, "reason": reason})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        media_type = http.JSON
        response: ASGIApp
        try:
            if request.method == "OPTIONS":
                response = Response(status_code=204, headers={"Allow": ", ".join(http.METHODS)})
            elif self._page is not None and _is_browser(request):
                response = self._page
            else:
                media_type = http.negotiated(request.headers.get("accept"))
                http.check(request.method, request.headers)
                request.state.media_type = media_type
                response = await self.run(request)
        except HTTPException as error:
            response = self._explained(error, request, media_type)
        except (Refused, RequestError) as refused:
            response = http.refusal(refused, media_type)
        await response(scope, receive, send)

    def _explained(self, error: HTTPException, request: Request, media_type: str) -> Response:
        """Strawberry's refusals as JSON with the status of GraphQL over HTTP."""
        cause = error.__cause__
        why = BadUserInput(f"{error.reason.rstrip('.')}.")
        if isinstance(cause, InvalidOperationTypeError):
            return http.refusal(Refused(405, why, Allow="POST"), media_type)
        if isinstance(cause, CannotGetOperationTypeError) and media_type == http.JSON:
            # The HTTP request is well formed, so application/json must say 200.
            return http.refusal(Refused(200, why), media_type)
        return http.refusal(Refused(error.status_code, why), media_type)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """The context of one request, or of one socket; a socket signs in by `connection_init`."""
        streams = getattr(request.state, "media_type", None) == http.EVENT_STREAM
        keep = request.scope["type"] == "http" and not streams
        context = Context(self.services, request_id=request.scope["request_id"], keep=keep)
        address = client_address(request)
        context.token = bearer(request.headers.get("authorization"))
        context.actor = await self.services.authenticator.actor(context.token, address)
        context.client = {"user_agent": request.headers.get("user-agent", "")[:300]}
        if request.scope["type"] == "http":
            self.limiter.require_points(context.actor)
        return context

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """What becomes the answer; it carries the media type that the client asked for."""
        response = await super().get_sub_response(request)
        response.media_type = getattr(request.state, "media_type", http.JSON)
        return response

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Never: `page` is served before, and a request without a query is malformed."""
        return False

    def parse_json(self, data: str | bytes) -> Any:
        """A request, or a part of it, which must be a JSON object."""
        found = super().parse_json(data)
        if isinstance(found, list) and found and all(isinstance(item, dict) for item in found):
            raise HTTPException(400, "Send one operation a request: batches are not taken")
        if found is not None and not isinstance(found, dict):
            raise HTTPException(400, "The body, variables and extensions are JSON objects")
        return found or {}

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        """The request's parts. Raises HTTPException for those of another type."""
        parts = await super().parse_http_body(request)
        name = None if isinstance(parts, list) else parts.operation_name
        if name is not None and not isinstance(name, str):
            raise HTTPException(400, "operationName is a string")
        return parts

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """The body of an answer: bugs masked, every error with its code, and no `data` when nothing
        was executed."""
        body: dict[str, Any] = {}
        errors = result.errors or []
        if errors:
            limit = self.services.settings.limits.validation_errors
            config = cast(Any, self.schema).config
            shown = present_all(
                errors,
                request.scope["request_id"],
                limit,
                suggestions=not config.disable_field_suggestions,
            )
            body["errors"] = [error.formatted for error in shown]
        if result.data is not None or not errors or any(_is_of_field(error) for error in errors):
            body["data"] = result.data
        if result.extensions:
            body["extensions"] = result.extensions
        return cast(GraphQLHTTPResponse, body)

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        """The answer with its status: 200 when something was executed or the client takes
        `application/json`; a spent budget is 429 and a refused token 401 for everybody."""
        body = cast(dict[str, Any], response_data)
        media_type = sub_response.media_type or http.JSON
        status, headers = 200, {}
        if "data" not in body:
            extensions = body["errors"][0]["extensions"]
            code = extensions["code"]
            if media_type == http.RESPONSE_JSON or code in ("UNAUTHENTICATED", "RATE_LIMITED"):
                status = http.status_of(code)
            headers = http.headers_of(code, extensions)
        return http.answer(orjson.dumps(body), status, media_type, headers)

    async def sign_in(self, context: Context, value: object) -> None:
        """Makes the account of `Bearer <token>` the context's actor. Raises Unauthenticated."""
        if not isinstance(value, str):
            raise Unauthenticated("Authorization must be a string.")
        token = bearer(value)
        if token is None:
            return
        context.actor = await self.services.authenticator.actor(token, context.actor.address)
        context.token = token

    async def on_ws_connect(self, context: Context) -> Any:
        """Signs a socket in by `connection_init`: `{"Authorization": "Bearer …"}`. A token that is
        not accepted closes the socket with 4403. Raises RateLimited when the account has as many
        sockets as it may."""
        params = context.connection_params or {}
        value = params.get("Authorization") or params.get("authorization")
        try:
            if value is not None:
                await self.sign_in(context, value)
        except Unauthenticated as error:
            raise ConnectionRejectionError({"message": error.message}) from error
        user_id = context.actor.user_id
        limit = self.services.settings.limits.sockets_per_account
        if user_id is not None:
            if len(self.sockets.get(user_id, ())) >= limit:
                raise RateLimited(f"At most {limit} sockets an account.", 1)
            self.sockets[user_id].add(id(context))
        return await super().on_ws_connect(context)

    def leave(self, context: Context) -> None:
        """Counts a socket no more."""
        user_id = context.actor.user_id
        if user_id is not None and user_id in self.sockets:
            self.sockets[user_id].discard(id(context))
            if not self.sockets[user_id]:
                del self.sockets[user_id]

    def encode_json(self, data: object) -> bytes:
        """Results as JSON."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """Requests from JSON. Raises json.JSONDecodeError."""
        return orjson.loads(data)


def _is_browser(request: Request) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return request.method == "GET" and wants_page and "query" not in request.query_params


def _is_of_field(error: GraphQLError) -> bool:
    return error.path is not None

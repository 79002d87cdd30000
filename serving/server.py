"""GraphQL over HTTP and websocket: who asks, which document, which status. Holds no rule."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from functools import partial
from secrets import token_hex
from typing import Any, Literal, cast
from uuid import UUID

import orjson
import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from auth.actor import Actor
from core.errors import BadUserInput, RateLimited, RequestError, Unauthenticated
from graph.context import Context, Services
from serving import http
from serving.abandoned import Attended, AttendedStream, to_its_end
from serving.cookies import Cookies, trusted_origins
from serving.examining import too_long
from serving.http import Refused
from serving.known import digest
from serving.limits import Gate, Limiter
from serving.masking import present_all
from serving.persisted import PersistedDocuments, PersistedQueryNotFound
from serving.public_answers import PublicAnswer, PublicAnswers, is_anonymous, public_seconds
from serving.running import run_operation
from serving.sockets import Socket, SocketAdapter

log = structlog.get_logger(__name__)

_LONGEST_REASON = 120


def client_address(scope: Scope) -> str:
    """The caller's network address, as the server in front of us reports it when it is trusted."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def bearer(value: str | None) -> str | None:
    """The token of an Authorization header; None without one. Raises Unauthenticated for another
    scheme."""
    if not value:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send Authorization: Bearer <access token>.")
    return token.strip()


class _Adapter(StarletteRequestAdapter):
    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.starlette = request


class GraphQLServer(GraphQL[Context, None]):
    """Strawberry's ASGI view with Souk's contexts, limits, status codes and JSON. `page` is what a
    browser sees that asks without a query. Sockets are counted in this process: `n` processes allow
    an account `n` times as many."""

    token_check_seconds = 20.0
    request_adapter_class = _Adapter
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
        settings = services.settings
        self.services = services
        self.limiter = limiter
        self.persisted = PersistedDocuments.of(schema, limiter, settings)
        self.answers = PublicAnswers(settings.public_cache_seconds)
        self.sockets: defaultdict[UUID, set[int]] = defaultdict(set)
        self._page = page
        self._cookie_origins = trusted_origins(settings)
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
        if "request_id" not in scope:
            scope["request_id"] = token_hex(16)
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        except RequestError as error:
            reason = error.message[:_LONGEST_REASON]
            await send({"type": "websocket.close", "code": 4403, "reason": reason})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        headers = http.read_headers(scope)
        media_type = http.JSON
        response: ASGIApp
        try:
            if method == "OPTIONS":
                response = Response(status_code=204, headers={"Allow": ", ".join(http.METHODS)})
            elif self._page is not None and _is_browser(scope, headers):
                response = self._page
            else:
                media_type = http.negotiated(headers.get("accept"))
                http.check(method, headers)
                if media_type == http.EVENT_STREAM:
                    response = await self.run(Request(scope, receive))
                else:
                    response = await self._answered(scope, receive, headers, media_type)
        except http.UNREADABLE as error:
            response = http.explained(error, method, media_type)
        except PersistedQueryNotFound as unknown:
            # Older clients read the error, and send the text, only where the status is 200.
            status = 200 if media_type == http.JSON else 400
            response = http.refusal(Refused(status, unknown), media_type)
        except (Refused, RequestError) as refused:
            response = http.refusal(refused, media_type)
        except ClientDisconnect:
            response = Response(status_code=499)  # gone before it had sent its question
        await response(scope, receive, send)

    async def _answered(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], media_type: str
    ) -> ASGIApp:
        """The answer to a query or mutation over plain HTTP: one that was given a moment ago to
        the same anonymous question, or a new one."""
        method: str = scope["method"]
        key, sent, unless = None, None, headers.get("if-none-match")
        if is_anonymous(headers):
            sent = await http.read_question(scope, receive)
            key = (method, media_type, sent)
            kept = self.answers.find(key) or await self.answers.awaited(key)
            if kept is not None:
                # It costs a point: reading the request took a moment as well.
                caller = Actor(address=client_address(scope))
                self.limiter.pay(caller, 1)
                return kept.reply(method, unless, partial(self.limiter.remaining, caller))
        with self.answers.making(key):
            seen = self.answers.generation
            context = await self._context(scope, headers, streams=False)
            if sent is None:
                sent = await http.read_question(scope, receive)
            asked = self._asked(method, sent, context.actor)
            gate = Gate(self.limiter, self.schema, context)
            writes = partial(gate.is_mutation, asked.operation_name)
            with Attended(receive, unless=writes) as attended:
                result = await run_operation(gate, asked, context, method)
            if attended.abandoned:
                return Response(status_code=499)  # nobody reads it
            body = self._body(result, scope)
            seconds = None
            if key is not None and not result.errors:
                known = self.limiter.find(gate.key)
                seconds = public_seconds(self.schema, known, asked.operation_name)
            if key is None or seconds is None:
                return context.cookies.put(self._response(body, media_type))
            left = body["extensions"]["cost"].pop("remaining")
            answer = PublicAnswer.of(orjson.dumps(body), media_type, seconds, self.answers.seconds)
            self.answers.keep(key, answer, seen)
            return answer.reply(method, unless, lambda: left)

    async def is_mutation(self, text: str | None, name: str | None, actor: Actor) -> bool:
        """Whether this operation of a document writes: then it runs to its end, because a client
        that has gone cannot know how far it came (docs/decisions/0014-public-answers.md). Raises
        RateLimited when too many documents wait to be read."""
        if not text or too_long(text, self.limiter.limits):
            return False
        try:
            known = await self.limiter.read(self.schema, text, digest(text), actor)
        except GraphQLError:
            return False
        return known.is_mutation(name)

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """The answer as a stream, which ends with its client; a mutation does not."""
        asked: GraphQLRequestData = request.state.asked
        caller: Actor = request.state.caller
        if await self.is_mutation(asked.query, asked.operation_name, caller):
            stream = partial(to_its_end, stream)
        return AttendedStream(stream(), headers={**sub_response.headers, **headers})

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """The context of one stream, or of one socket; a socket signs in by `connection_init`."""
        headers = http.read_headers(request.scope)
        context = await self._context(request.scope, headers, streams=True)
        request.state.caller = context.actor
        return context

    async def _context(self, scope: Scope, headers: Mapping[str, str], *, streams: bool) -> Context:
        context = Context(self.services, request_id=scope["request_id"], keep=not streams)
        address = client_address(scope)
        context.cookies = Cookies.of(scope, headers, self._cookie_origins)
        context.token = bearer(headers.get("authorization"))
        if context.token is None:
            context.token = await context.cookies.token(self.services.authenticator, address)
        context.actor = await self.services.authenticator.actor(context.token, address)
        context.client = {"user_agent": headers.get("user-agent", "")[:300]}
        if scope["type"] == "http":
            self.limiter.require_points(context.actor)
        return context

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

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """The parts of a request for a stream, as `_asked`."""
        came = cast(_Adapter, request).starlette
        sent = await http.read_question(came.scope, came.receive)
        asked = came.state.asked = self._asked(came.method, sent, came.state.caller, "sse")
        return asked

    def _asked(
        self, method: str, sent: bytes, caller: Actor, protocol: Literal["http", "sse"] = "http"
    ) -> GraphQLRequestData:
        """The request's parts, its document by text even where it came by name. Raises
        HTTPException for those of another type and RequestError for an unknown document."""
        limits = self.limiter.limits
        if sent.count(b"[") + sent.count(b"{") > limits.variable_values + limits.document_tokens:
            # Making an object of each takes longer than of anything else that a body may hold.
            raise BadUserInput("The request has too many lists and objects in it.")
        found = (
            self.parse_query_params(QueryParams(sent)) if method == "GET" else self.parse_json(sent)
        )
        for name, types, said in http.PARTS:
            if not isinstance(found.get(name), types):
                raise HTTPException(400, f"{name} is {said}")
        extensions, named = found.get("extensions"), found.get("documentId")
        return GraphQLRequestData(
            query=self.persisted.text(found.get("query"), extensions, named, caller),
            variables=found.get("variables"),
            operation_name=found.get("operationName"),
            extensions=extensions,
            protocol=protocol,
        )

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """The body of a result that leaves by a stream."""
        return cast(GraphQLHTTPResponse, self._body(result, request.scope))

    def _body(self, result: ExecutionResult, scope: Scope) -> dict[str, Any]:
        """The body of an answer: bugs masked, every error with its code, and no `data` when nothing
        was executed."""
        body: dict[str, Any] = {}
        errors = result.errors or []
        if errors:
            limit = self.services.settings.limits.validation_errors
            config = cast(Any, self.schema).config
            shown = present_all(
                errors,
                scope["request_id"],
                limit,
                suggestions=not config.disable_field_suggestions,
            )
            body["errors"] = [error.formatted for error in shown]
        if result.data is not None or not errors or any(_is_of_field(error) for error in errors):
            body["data"] = result.data
        if result.extensions:
            body["extensions"] = result.extensions
        return body

    def _response(self, body: dict[str, Any], media_type: str) -> Response:
        """The answer with its status: 200 when something was executed or the client takes
        `application/json`; a spent budget is 429 and a refused token 401 for everybody."""
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


def _is_browser(scope: Scope, headers: Mapping[str, str]) -> bool:
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        return False
    return not http.ASKING & QueryParams(scope["query_string"]).keys()


def _is_of_field(error: GraphQLError) -> bool:
    return error.path is not None

"""One websocket of `graphql-transport-ws`: what is a message, how many operations, and whether the
token still holds. Holds no rule of a domain.

The close codes are the protocol's: 4400 malformed, 4401 not yet acknowledged, 4403 the token is not
or no longer accepted, 4408 no `connection_init` in time, 4409 an id in use, 4429 too many."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import orjson
import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)

from core.errors import RateLimited, RequestError, Unauthenticated
from graph.context import Context

if TYPE_CHECKING:
    from serving.server import GraphQLServer

log = structlog.get_logger(__name__)

_REASON_BYTES = 120  # a close frame takes 123 (RFC 6455, 5.5)
_TYPES = ("connection_init", "ping", "pong", "subscribe", "complete")


class SocketAdapter(ASGIWebSocketAdapter):
    """Sends text frames: browsers give binary ones to their clients as blobs."""

    async def send_json(self, message: Any) -> None:
        """Sends a message. Raises WebSocketDisconnected when nobody is there any more."""
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket, unless it is closed."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        shortened = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.ws.close(code=code, reason=shortened)


def _is_optional(value: object, type_: type) -> bool:
    return value is None or isinstance(value, type_)


def _well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("type") not in _TYPES:
        return False
    payload = message.get("payload")
    if message["type"] not in ("subscribe", "complete"):
        return _is_optional(payload, dict)
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    return message["type"] == "complete" or (
        isinstance(payload, dict)
        and any(payload.get(name) is not None for name in ("query", "documentId", "extensions"))
        and _is_optional(payload.get("query"), str)
        and _is_optional(payload.get("documentId"), str)
        and _is_optional(payload.get("extensions"), dict)
        and _is_optional(payload.get("variables"), dict)
        and _is_optional(payload.get("operationName"), str)
    )


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One socket. A client renews its token by `ping` with the payload of `connection_init`:
    `{"Authorization": "Bearer …"}`, of the same account."""

    _watching: asyncio.Task[None] | None = None

    @property
    def server(self) -> "GraphQLServer":
        """The server that the socket belongs to."""
        return cast("GraphQLServer", self.view)

    async def handle_message(self, message: Any) -> None:
        """Takes a message, or closes the socket with 4400 when it is none."""
        if not _well_formed(message):
            await self.handle_invalid_message("Not a message of graphql-transport-ws")
            return
        if message.get("payload", {}) is None:
            del message["payload"]
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Signs the socket in and watches over its token; 4429 when the account has too many."""
        again = self.connection_init_received
        try:
            await super().handle_connection_init(message)
        except RateLimited as error:
            await self.websocket.close(code=4429, reason=error.message)
            return
        if self.connection_acknowledged and not again and self.context.token is not None:
            self._watching = asyncio.create_task(self._watch_token())

    async def handle_ping(self, message: Any) -> None:
        """Answers, and takes a new token if one comes along."""
        payload = message.get("payload") or {}
        if "Authorization" in payload:
            before = self.context.actor
            try:
                await self.server.sign_in(self.context, payload["Authorization"])
                if self.context.actor.user_id != before.user_id:
                    raise Unauthenticated("A socket stays with its account.")
            except Unauthenticated as error:
                self.context.actor = before
                await self._end(4403, error.message)
                return
        await super().handle_ping(message)

    async def handle_subscribe(self, message: Any) -> None:
        """Starts an operation, unless there are too many, the budget is spent, or its document is
        not known by the name that was given."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                self._require_room()
                self._find_document(message["payload"])
            except RequestError as error:
                extensions = {"code": error.code, **error.extensions}
                payload = [GraphQLError(error.message, extensions=extensions).formatted]
                await self.send_message({"id": message["id"], "type": "error", "payload": payload})
                return
        await super().handle_subscribe(message)

    async def cleanup_operation(self, operation_id: str) -> None:
        """Stops an operation, unless it is a mutation that has begun."""
        operation = self.operations.get(operation_id)
        if operation is not None and operation.task in self.context.writing:
            operation.completed = True  # nobody listens
            del self.operations[operation_id]
            return
        await super().cleanup_operation(operation_id)

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs a bug; that the other side is gone is none."""
        if not isinstance(error, WebSocketDisconnected):
            log.error("bug", request_id=self.context.request_id, exc_info=error)

    async def shutdown(self) -> None:
        """Ends everything that the socket started."""
        if self._watching is not None:
            self._watching.cancel()
        self.server.leave(self.context)
        await super().shutdown()

    def _require_room(self) -> None:
        limit = self.max_subscriptions_per_connection
        if limit is not None and len(self.operations) >= limit:
            raise RateLimited(f"At most {limit} operations at once on a socket.", 1)
        self.server.limiter.require_points(self.context.actor)

    def _find_document(self, payload: Any) -> None:
        extensions, named = payload.get("extensions"), payload.get("documentId")
        actor = self.context.actor
        text = self.server.persisted.text(payload.get("query"), extensions, named, actor)
        payload["query"] = text or ""

    async def _end(self, code: int, reason: str) -> None:
        await self.websocket.close(code=code, reason=reason)
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)

    async def _watch_token(self) -> None:
        while True:
            await asyncio.sleep(self._until_next_look())
            expires_at = self.context.actor.token_expires_at
            try:
                if expires_at is not None and expires_at <= datetime.now(UTC):
                    raise Unauthenticated("The token has expired.")
                # A token can be revoked before it expires (spec/02-identity.md).
                await self.server.sign_in(self.context, f"Bearer {self.context.token}")
            except Unauthenticated:
                await self._end(4403, "Token expired or revoked")
                return
            except Exception as error:
                await self.handle_task_exception(error)

    def _until_next_look(self) -> float:
        expires_at = self.context.actor.token_expires_at
        if expires_at is None:
            return self.server.token_check_seconds
        left = (expires_at - datetime.now(UTC)).total_seconds()
        return max(0.01, min(left, self.server.token_check_seconds))

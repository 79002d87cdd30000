"""`POST /media` takes a picture or, with the bucket `avatars`, an avatar; `GET /media/{id}` and
`/avatars/files/{key}` serve them, also by size (spec/03-auctions.md#catalogue,
spec/02-identity.md#user). Reads and writes HTTP; every rule is in resolvers/media."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from auth.actor import Actor, ApiKeyScope
from core.errors import BadUserInput, NotFoundError, RequestError
from core.ids import encode_id, split_id
from gateways.storage import Storage
from graph.context import Services
from resolvers.media.assets import PREFIX, ServedMedia, media_url, served_media
from resolvers.media.avatars import PREFIX as AVATAR
from resolvers.media.avatars import (
    Described,
    ServedAvatar,
    avatar_url,
    served_avatar,
    store_avatar,
)
from resolvers.media.errors import NoFile, TooLarge, UploadTimeout
from resolvers.media.pictures import ThumbnailSize, declared_type
from resolvers.media.uploading import MAX_BYTES, Uploads
from serving.cookies import Cookies, trusted_origins
from serving.http import Refused, refusal, status_of
from serving.server import bearer, client_address

_FORM = "multipart/form-data"
_FORM_OVERHEAD = 16 << 10  # boundaries, headers of the parts, the field `bucket`
_PRODUCTS, _AVATARS = "products", "avatars"
_SECONDS = 120.0
_SLICE = 256 << 10

_STATUS = {"no_file": 400, "timeout": 408, "too_large": 413, "invalid_mime": 415, "too_many": 409}

# What was uploaded is shown and nothing else: no script, no guessing of types, no page around it.
_SERVED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=31536000, immutable",
}
# A person may take an avatar back: caches ask again after an hour, and search engines keep none.
_SERVED_AVATAR = {
    **_SERVED,
    "Cache-Control": "public, max-age=3600",
    "X-Robots-Tag": "noindex",
}


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""
    storage = Storage(services.settings)
    served = partial(_serve_avatar, services, storage)
    uploads = Uploads(services.database, storage, services.settings.limits)

    async def upload(request: Request) -> Response:
        try:
            return JSONResponse(await _upload(request, services, uploads), status_code=201)
        except RequestError as error:
            return _refused(error)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    async def serve(request: Request) -> Response:
        try:
            return await _serve(request, services, storage)
        except RequestError as error:
            return _refused(error)

    return [
        Route("/media", upload, methods=["POST"]),
        Route("/media/{id}", serve, methods=["GET"]),
        Route("/media/{id}/{size}", serve, methods=["GET"]),
        Route("/avatars/files/{key}", served, methods=["GET"]),
        Route("/avatars/files/{key}/{size}", served, methods=["GET"]),
    ]


def _refused(error: RequestError) -> Response:
    return refusal(Refused(_STATUS.get(error.code) or status_of(error.code), error))


async def _upload(request: Request, services: Services, uploads: Uploads) -> dict[str, Any]:
    address = client_address(request.scope)
    token = bearer(request.headers.get("authorization"))
    if token is None:
        cookies = Cookies.of(request.scope, request.headers, trusted_origins(services.settings))
        token = await cookies.token(services.authenticator, address)
    actor = await services.authenticator.actor(token, address)
    actor.require_scope(ApiKeyScope.WRITE)
    async with uploads.admitted(actor):
        _bucket(request.query_params.get("bucket"))
        try:
            async with asyncio.timeout(_SECONDS):
                sent = await _file(request)
        except TimeoutError:
            raise UploadTimeout(f"The file did not arrive within {_SECONDS:.0f} s.") from None
        if sent.bucket == _AVATARS:
            return await _avatar(services, uploads, actor, sent)
        stored = await uploads.store(actor, sent.content, sent.declared)
    return {
        "id": encode_id(PREFIX, stored.id),
        "url": media_url(services.settings.base_url, stored.id),
        "mimeType": stored.mime_type,
        "size": stored.size,
        "width": stored.width,
        "height": stored.height,
    }


async def _avatar(
    services: Services, uploads: Uploads, actor: Actor, sent: "_Sent"
) -> dict[str, Any]:
    said = Described.of(sent.file_name, sent.metadata)
    stored = await store_avatar(
        services.database, uploads, actor, sent.content, sent.declared, said
    )
    return {
        "id": encode_id(AVATAR, stored.id),
        "url": avatar_url(services.settings.base_url, stored.access_key),
        "accessKey": stored.access_key,
        "fileName": said.file_name,
        "mimeType": stored.mime_type,
        "size": stored.size,
        "width": stored.width,
        "height": stored.height,
    }


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file as it was sent, with what was said about it; `declared` is the type that it is said to
    have, None when that was left open."""

    content: bytes
    declared: str | None
    bucket: str
    file_name: str | None = None
    metadata: str | None = None


def _bucket(*names: object) -> str:
    """The bucket that a request names, in its query or its form. Raises BadUserInput."""
    named = {name for name in names if name not in (None, "")} or {_PRODUCTS}
    if named == {_PRODUCTS} or named == {_AVATARS}:
        return str(named.pop())
    raise BadUserInput(f"bucket: {_PRODUCTS} or {_AVATARS}.", "bucket")


async def _file(request: Request) -> _Sent:
    """The file of a request."""
    asked = request.query_params
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _FORM:
        declared = declared_type(content_type)
        return _Sent(
            await _body(request, MAX_BYTES),
            declared,
            _bucket(asked.get("bucket")),
            asked.get("fileName"),
            asked.get("metadata"),
        )
    body = await _body(request, MAX_BYTES + _FORM_OVERHEAD)
    return await _form_file(request, body)


async def _body(request: Request, limit: int) -> bytes:
    """The body, counted while it comes: what the client says about its length can only make the
    refusal earlier."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit:
        raise TooLarge(f"A file has at most {MAX_BYTES} bytes.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"A file has at most {MAX_BYTES} bytes.")
    return bytes(body)


async def _form_file(request: Request, body: bytes) -> _Sent:
    async def slices() -> AsyncGenerator[bytes, None]:
        # All of it at once would hold the event loop for as long as it takes.
        for start in range(0, len(body), _SLICE):
            yield body[start : start + _SLICE]
            await asyncio.sleep(0)

    limits: Any = {"max_files": 1, "max_fields": 4, "max_part_size": 1024}
    parser = MultiPartParser(request.headers, slices(), **limits)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise NoFile("The form cannot be read: send one file in the field `file`.") from None
    try:
        bucket = _bucket(form.get("bucket"), request.query_params.get("bucket"))
        file, metadata = form.get("file"), form.get("metadata")
        if not isinstance(file, UploadFile):
            raise NoFile("There is no file: send one in the field `file`.")
        return _Sent(
            await file.read(),
            declared_type(file.content_type),
            bucket,
            file.filename,
            metadata if isinstance(metadata, str) else None,
        )
    finally:
        await form.close()


async def _serve(request: Request, services: Services, storage: Storage) -> Response:
    parts = split_id(request.path_params["id"])
    size = _size(request)
    if parts is None or parts[0] != PREFIX:
        raise NotFoundError("There is no such picture.")
    found = await served_media(services.database, parts[1], size)
    return await _shown(request, storage, found, _SERVED)


async def _serve_avatar(services: Services, storage: Storage, request: Request) -> Response:
    try:
        key, size = str(request.path_params["key"]), _size(request)
        found = await served_avatar(services.database, key, size)
        return await _shown(request, storage, found, _SERVED_AVATAR)
    except RequestError as error:
        return _refused(error)


def _size(request: Request) -> ThumbnailSize | None:
    size = request.path_params.get("size")
    if size is not None and size not in _SIZES:
        raise NotFoundError("There is no such picture.")
    return None if size is None else _SIZES[size]


async def _shown(
    request: Request,
    storage: Storage,
    found: ServedMedia | ServedAvatar | None,
    headers: dict[str, str],
) -> Response:
    if found is None:
        raise NotFoundError("There is no such picture.")
    headers = {**headers, "ETag": f'"{found.tag}"'}
    if _known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    file = await found.open(storage)
    if file is None:
        raise NotFoundError("There is no such picture.")
    headers["Content-Length"] = str(file.size)
    return StreamingResponse(file.chunks(), media_type=found.mime_type, headers=headers)


_SIZES = {size.value: size for size in ThumbnailSize}


def _known(condition: str, tag: str) -> bool:
    """Whether the client has these bytes already (RFC 9110, 13.1.2: weak comparison)."""
    tags = {part.strip().removeprefix("W/") for part in condition.split(",")}
    return tag in tags or "*" in tags

"""`POST /media` takes a picture, `GET /media/{id}` and `/media/{id}/{size}` serve it
(spec/03-auctions.md#catalogue). Reads and writes HTTP; every rule is in resolvers/media."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core.errors import BadUserInput, NotFoundError, RequestError
from core.ids import encode_id, split_id
from gateways.storage import Storage
from resolvers.media import Uploads
from resolvers.media.errors import NoFile, TooLarge, UploadTimeout
from resolvers.media.pictures import ThumbnailSize, declared_type
from resolvers.media.reading import PREFIX, media_url, served_media
from resolvers.media.uploading import MAX_BYTES
from schema.context import Services
from schema.http import Refused, refusal, status_of
from schema.server import bearer, client_address

_FORM = "multipart/form-data"
_FORM_OVERHEAD = 16 << 10  # boundaries, headers of the parts, the field `bucket`
_BUCKET = "products"
_SECONDS = 120.0

_STATUS = {"no_file": 400, "timeout": 408, "too_large": 413, "invalid_mime": 415}

# What was uploaded is shown and nothing else: no script, no guessing of types, no page around it.
_SERVED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=31536000, immutable",
}


def routes(services: Services) -> list[BaseRoute]:
    """The routes of this module."""
    storage = Storage(services.settings)
    uploads = Uploads(services.database, storage)

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
    ]


def _refused(error: RequestError) -> Response:
    return refusal(Refused(_STATUS.get(error.code) or status_of(error.code), error))


async def _upload(request: Request, services: Services, uploads: Uploads) -> dict[str, Any]:
    token = bearer(request.headers.get("authorization"))
    actor = await services.authenticator.actor(token, client_address(request))
    async with uploads.admitted(actor):
        _require_bucket(request.query_params.get("bucket"))
        try:
            async with asyncio.timeout(_SECONDS):
                content, declared = await _file(request)
        except TimeoutError:
            raise UploadTimeout(f"The file did not arrive within {_SECONDS:.0f} s.") from None
        stored = await uploads.store(actor, content, declared)
    return {
        "id": encode_id(PREFIX, stored.id),
        "url": media_url(services.settings.base_url, stored.id),
        "mimeType": stored.mime_type,
        "size": stored.size,
        "width": stored.width,
        "height": stored.height,
    }


def _require_bucket(name: object) -> None:
    if name not in (None, "", _BUCKET):
        raise BadUserInput(f"bucket: only {_BUCKET} can be uploaded to here.", "bucket")


async def _file(request: Request) -> tuple[bytes, str | None]:
    """The file of a request and the type that it is declared to have, None when left open."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _FORM:
        declared = declared_type(content_type)
        return await _body(request, MAX_BYTES), declared
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


async def _form_file(request: Request, body: bytes) -> tuple[bytes, str | None]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, once(), max_files=1, max_fields=4, max_part_size=1024)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise NoFile("The form cannot be read: send one file in the field `file`.") from None
    try:
        _require_bucket(form.get("bucket"))
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise NoFile("There is no file: send one in the field `file`.")
        return await file.read(), declared_type(file.content_type)
    finally:
        await form.close()


async def _serve(request: Request, services: Services, storage: Storage) -> Response:
    parts = split_id(request.path_params["id"])
    size = request.path_params.get("size")
    if parts is None or parts[0] != PREFIX or (size is not None and size not in _SIZES):
        raise NotFoundError("There is no such picture.")
    variant = None if size is None else _SIZES[size]
    media = await served_media(services.database, parts[1], variant)
    if media is None:
        raise NotFoundError("There is no such picture.")
    headers = {**_SERVED, "ETag": f'"{media.tag}"'}
    if _known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    file = await media.open(storage)
    if file is None:
        raise NotFoundError("There is no such picture.")
    headers["Content-Length"] = str(file.size)
    return StreamingResponse(file.chunks(), media_type=media.mime_type, headers=headers)


_SIZES = {size.value: size for size in ThumbnailSize}


def _known(condition: str, tag: str) -> bool:
    """Whether the client has these bytes already (RFC 9110, 13.1.2: weak comparison)."""
    tags = {part.strip().removeprefix("W/") for part in condition.split(",")}
    return tag in tags or "*" in tags

"""Object storage for uploaded files: a folder, or a bucket with the S3 protocol. Keys are made from
ids here and never from what a client sent; knows neither pictures nor rows."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from obstore.store import LocalStore, ObjectStore, S3Store

from core.settings import Settings

if TYPE_CHECKING:
    from obstore import GetResult  # the package has it for type checkers only

_CHUNK = 256 << 10


def _key(file_id: UUID, variant: str) -> str:
    # The last digits of a version 7 id are random and spread the files over 256 folders.
    return f"{file_id.hex[-2:]}/{file_id.hex}-{variant}"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file, opened: its length in bytes, and the bytes when they are asked for."""

    size: int
    _found: "GetResult"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, piece by piece."""
        async for chunk in self._found.stream(min_chunk_size=_CHUNK):
            yield bytes(chunk)


class Storage:
    """Files by id and variant (`original`, `small`). Nothing is opened or made before the first
    use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _store(self) -> ObjectStore:
        # Region, endpoint and credentials of a bucket come from the AWS_* variables, which the
        # library reads (docs/decisions/0006-media.md).
        if self._settings.media_url is not None:
            return S3Store.from_url(self._settings.media_url)
        return LocalStore(self._settings.media_dir.resolve(), mkdir=True)

    async def put(self, file_id: UUID, variants: dict[str, bytes]) -> None:
        """Stores all variants of a file; each appears whole or not at all."""
        store = self._store
        await asyncio.gather(
            *[
                store.put_async(_key(file_id, variant), content, use_multipart=False)
                for variant, content in variants.items()
            ]
        )

    async def get(self, file_id: UUID, variant: str) -> StoredFile | None:
        """One variant of a file, or None when it is not stored."""
        try:
            found = await self._store.get_async(_key(file_id, variant))
        except FileNotFoundError:
            return None
        return StoredFile(found.meta["size"], found)

    async def delete(self, file_id: UUID, variants: Iterable[str]) -> None:
        """Removes variants of a file; those that are not there are no error, so that a removal that
        was cut short can be repeated."""
        for variant in variants:
            try:
                await self._store.delete_async(_key(file_id, variant))
            except FileNotFoundError:
                continue

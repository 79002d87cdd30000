"""Documents that clients send by name instead of by text: trusted ones, which the operator gave,
and automatic ones, which clients brought themselves (Apollo's automatic persisted queries). Keeps
no document itself: they are in the cache of what was read (serving/limits.py)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from auth.actor import Actor
from core.errors import BadUserInput, Forbidden, RequestError
from core.settings import Settings
from serving.known import digest
from serving.limits import Limiter

_LONGEST_ID = 256
_PREFIX = "sha256:"


class PersistedQueryNotFound(RequestError):
    """The document of this name is not known here: send its text as well."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        # The very word by which clients know that they must send the text.
        super().__init__("PersistedQueryNotFound")


def read_trusted(path: Path) -> dict[str, str]:
    """The documents of a file by their names: an object of names and texts, as Relay and
    graphql-codegen write it, or Apollo's persisted query manifest. Raises ValueError."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"SOUK_TRUSTED_DOCUMENTS: {path.name} cannot be read ({error})") from None
    if isinstance(found, dict) and isinstance(found.get("operations"), list):
        pairs: list[tuple[Any, Any]] = [
            (entry.get("id"), entry.get("body")) if isinstance(entry, dict) else (None, None)
            for entry in found["operations"]
        ]
    elif isinstance(found, dict):
        pairs = list(found.items())
    else:
        raise ValueError(f"SOUK_TRUSTED_DOCUMENTS: {path.name} is not an object of documents")
    for name, text in pairs:
        known = isinstance(name, str) and 0 < len(name) <= _LONGEST_ID
        if not known or not isinstance(text, str):
            raise ValueError(f"SOUK_TRUSTED_DOCUMENTS: {name!r} is not a name with a document")
    return dict(pairs)


class PersistedDocuments:
    """Finds the text of a request's document. `only` takes trusted documents and nothing else."""

    def __init__(
        self, schema: Any, limiter: Limiter, trusted: Mapping[str, str], *, only: bool = False
    ) -> None:
        """Reads and validates all trusted documents. Raises ValueError with the name of one that
        this schema cannot run."""
        self._limiter = limiter
        self._only = only
        self._names: dict[str, str] = {}
        for name, text in trusted.items():
            try:
                limiter.trust(schema, text)
            except (GraphQLError, BadUserInput) as error:
                message = f"SOUK_TRUSTED_DOCUMENTS: document {name!r}: {error.message}"
                raise ValueError(message) from None
            self._names[name] = text
        self._trusted = frozenset(digest(text) for text in trusted.values())

    @classmethod
    def of(cls, schema: Any, limiter: Limiter, settings: Settings) -> "PersistedDocuments":
        """As configured. Raises ValueError."""
        path = settings.trusted_documents
        trusted = {} if path is None else read_trusted(path)
        return cls(schema, limiter, trusted, only=settings.trusted_only)

    def text(
        self, query: str | None, extensions: object, document_id: object, actor: Actor
    ) -> str | None:
        """The document that a request means: its own text, or what it names by `documentId` or by
        the hash of `extensions.persistedQuery`. Raises PersistedQueryNotFound, BadUserInput for a
        name that does not fit, Forbidden for a text that is not trusted where that is needed."""
        name = _named(extensions)
        if document_id is not None:
            if query is not None or name is not None:
                raise BadUserInput("Send documentId alone: it names the document.", "documentId")
            if not isinstance(document_id, str) or not 0 < len(document_id) <= _LONGEST_ID:
                raise BadUserInput("documentId is the name of a document.", "documentId")
            return self._named(document_id, actor)
        if not query:
            return query if name is None else self._named(name, actor)
        if name is not None or self._only:
            self._check(query, name)
        return query

    def _check(self, query: str, name: str | None) -> None:
        if len(query) > self._limiter.limits.document_characters:
            return  # refused unread (serving/limits.py)
        own = digest(query)
        if name is not None and name.lower() != own and self._names.get(name) != query:
            message = "The provided sha256Hash does not match the query."
            raise BadUserInput(message, "extensions.persistedQuery.sha256Hash")
        if self._only and own not in self._trusted:
            raise Forbidden("Only trusted documents run here: send the documentId of one.")

    def _named(self, name: str, actor: Actor) -> str:
        if name in self._names:
            return self._names[name]
        hashed = name.removeprefix(_PREFIX).lower()
        known = self._limiter.find(hashed)
        if known is None or not known.passed or (self._only and hashed not in self._trusted):
            # Not for nothing: names can be tried.
            self._limiter.pay(actor, 1)
            raise PersistedQueryNotFound
        return known.text


def _named(extensions: object) -> str | None:
    asked = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if asked is None:
        return None
    argument = "extensions.persistedQuery"
    if not isinstance(asked, dict) or asked.get("version") != 1:
        raise BadUserInput("persistedQuery is {version: 1, sha256Hash: …}.", argument)
    name = asked.get("sha256Hash")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_ID:
        raise BadUserInput("sha256Hash is the SHA-256 of the document, in hex.", argument)
    return name

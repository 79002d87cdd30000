"""Notes that people pin to a board: an entity, a list, a mutation with an error, a subscription.
A domain in one file, in the order of the rooms (CONTRIBUTING.md, Adding a domain)."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import Column, String, Uuid, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from auth.actor import Actor
from auth.api_keys import ApiKeyScope
from core.commands import Command, Filter, SearchText, Text
from core.database import Columns, Database, UnitOfWork
from core.errors import DomainError, InvalidInput, NotFoundError, raises
from core.ids import new_id
from core.pages import ListRequest, Page
from core.wording import Bound, Row
from graph.columns import stored
from graph.context import Context
from graph.domain import gather
from graph.entity import Node, entity
from graph.kept import SHELF
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import Payload, payload
from graph.queries import by_id
from graph.relations import relation
from graph.watching import Watched, watching
from models.base import Moment, Query, Viewer, among, only, viewer_of
from models.events import record_event
from models.lists import Listed, Order, contains
from models.statements import inserting, new, rows_of, written
from resolvers.pages import in_order, read_count, read_page
from schema.identity import PublicUser
from subscriptions.hub import StoredEvent

# models/notes.py: what is stored, and who sees it.


class Table(SQLModel, registry=registry()):
    """Base of the toy's table, which no migration makes."""


class Stored(Table, table=True):
    """A note."""

    __tablename__ = "note"
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    author_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    board: str = Field(sa_column=Column(String(20), nullable=False))
    text: str = Field(sa_column=Column(String(500), nullable=False))
    hidden: bool = Field(nullable=False)
    written_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class NoteRow(Row):
    """A note as its viewer sees it."""

    id: UUID
    author_id: UUID
    board: str
    text: str
    written_at: datetime


class NoteFilter(Filter):
    """Which notes a list holds; all conditions hold together."""

    text: Annotated[SearchText, "A part of the text, whatever its case."] = None


def _notes_shown(viewer: Viewer) -> Query:
    """The notes that the viewer may see: those not hidden, admins all."""
    statement: Query = select(
        col(Stored.id),
        col(Stored.author_id),
        col(Stored.board),
        col(Stored.text),
        col(Stored.written_at),
    )
    return statement if viewer.is_admin else statement.where(~col(Stored.hidden))


@rows_of(NoteRow)
def _notes_of_ids(viewer: Viewer, columns: Columns) -> Query:
    return only(_notes_shown(viewer), columns, "id").where(among(col(Stored.id)))


def notes_of_ids(actor: Actor, ids: Sequence[UUID], columns: Columns) -> Bound[NoteRow]:
    """These notes, as far as the viewer may see them."""
    return _notes_of_ids(viewer_of(actor), columns).bind(ids=ids)


NOTES = Listed(
    NoteRow,
    _notes_shown,
    {None: Order("notes", (col(Stored.id),), descending=True)},
    conditions={"text": contains(col(Stored.text), "text")},
)


@written
def _add_note(names: frozenset[str]) -> Any:
    return inserting(Stored, names)


# resolvers/notes.py: what the operations do.


class NoteTooLong(DomainError, code="NOTE_TOO_LONG"):
    """The note is longer than it may be."""

    longest: Annotated[int, "At most so many characters."]


class PinNote(Command):
    """A note to pin to a board."""

    board: Annotated[Text, "The board's name, at most 20 characters."]
    text: Annotated[Text, "What it says, at most 20 characters."]


@raises(NoteTooLong, InvalidInput)
async def _pin_note(work: UnitOfWork, actor: Actor, command: PinNote) -> UUID:
    """Pins a note to a board and tells those who watch it. Raises NoteTooLong."""
    if len(command.text) > 20:
        raise NoteTooLong("Say it in 20 characters.", path=["input", "text"], longest=20)
    note_id, now = new_id(), await work.clock()
    values = {**command.model_dump(), "id": note_id, "author_id": actor.member()}
    values |= {"hidden": False, "written_at": now}
    await work.execute(_add_note(frozenset(values)).bind(**new(values)))
    await record_event(work, f"board:{command.board}", "PINNED", {"id": str(note_id)}, now)
    return note_id


async def notes_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[NoteRow | None]:
    """Loader: notes."""
    return in_order(await database.rows(notes_of_ids(actor, ids, columns)), ids)


async def list_notes(
    database: Database, actor: Actor, request: ListRequest[NoteFilter, None]
) -> Page[NoteRow]:
    """A page of notes, the newest first. Raises BadUserInput."""
    return await read_page(database, actor, NOTES, request)


async def count_notes(
    database: Database, actor: Actor, request: ListRequest[NoteFilter, None]
) -> int:
    """How many notes the list holds."""
    return await read_count(database, actor, NOTES, request)


# schema/notes.py: what clients see.


@entity("nte", rows=notes_by_ids, row=NoteRow, id_kept=SHELF, description="A pinned note.")
class Note(Node):
    text: str = stored("text", kept=SHELF, description="What it says.")
    author: PublicUser = relation(
        loader="public_user", column="author_id", kept=SHELF, description="Who pinned it."
    )


note = by_id(
    Note,
    scope=ApiKeyScope.READ,
    kept=SHELF,
    description="The note of this id; null when there is none to see.",
    argument="The note's id.",
)
notes = listing(
    Note,
    list_notes,
    count_notes,
    filter=NoteFilter,
    scope=ApiKeyScope.READ,
    kept=SHELF,
    description="All notes, the newest first.",
)


@payload("The note is pinned.")
class PinNotePayload(Payload):
    note: Note = relation(key="outcome", description="The note.")


pin_note = mutation(
    _pin_note,
    PinNotePayload,
    scope=ApiKeyScope.WRITE,
    once=True,
    description="Pins a note to a board. Signed in.",
    doing="pinning a note",
)


@strawberry.type(description="A note was pinned.")
class NoteEvent:
    cursor: str = strawberry.field(description="Resume with `after`.")
    note_id: strawberry.Private[UUID]
    note: Note | None = relation(key="note_id", description="The note, while it can be seen.")


async def _opened(_: Context, board: Annotated[str, "The board's name."]) -> Watched[str]:
    if not board:
        raise NotFoundError("There is no such board.")
    return Watched(f"board:{board}", board)


async def _shown(_: Context, board: str, event: StoredEvent, cursor: str) -> NoteEvent:
    return NoteEvent(cursor=cursor, note_id=UUID(event.payload["id"]))


note_pinned = watching(
    NoteEvent,
    _opened,
    _shown,
    scope=ApiKeyScope.READ,
    description="Every note that is pinned to a board, once and in order.",
)

DOMAIN = gather("notes", sys.modules[__name__])

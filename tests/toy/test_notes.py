"""The toy domain, served: what is declared once works over HTTP and on a socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateTable

from auth.actor import Actor, Role
from core.database import recorded_statements
from core.ids import decode_id
from core.settings import Settings
from tests.clients.client import Souk, running_souk
from tests.toy import notes

PIN = """mutation($input: PinNoteInput!) { pinNote(input: $input) { __typename
  ... on PinNotePayload { note { id text author { fullname } } }
  ... on NoteTooLong { longest } ... on UserError { code message path } } }"""
LIST = """query($filter: NoteFilter, $after: String) {
  notes(first: 2, filter: $filter, after: $after) {
    totalCount nodes { id text author { fullname } } pageInfo { hasNextPage endCursor } } }"""
WATCH = """subscription($board: String!, $after: String) {
  notePinned(board: $board, after: $after) { cursor note { text author { fullname } } } }"""


@pytest.fixture
async def board(settings: Settings) -> AsyncIterator[Souk]:
    """A server that has the toy domain as well."""
    async with running_souk(settings, notes.DOMAIN) as souk:
        table = CreateTable(notes.Stored.__table__).compile(dialect=dialect())  # type: ignore[attr-defined, no-untyped-call]  # SQLModel's, SQLAlchemy's
        await souk.database.run(lambda work: work.connection.execute(str(table)))
        yield souk


async def test_a_note_is_pinned_found_and_listed(board: Souk) -> None:
    ann = await board.member("ann")
    for text in ("first", "second", "third"):
        answer = await ann.run(PIN, input={"board": "b", "text": text})
        assert answer["pinNote"]["__typename"] == "PinNotePayload", answer
    note = answer["pinNote"]["note"]
    assert note["text"] == "third"
    found = await board.anonymous.run(
        "query($id: ID!) { note(id: $id) { text } node(id: $id) { __typename id } }", id=note["id"]
    )
    assert found == {
        "note": {"text": "third"},
        "node": {"__typename": "Note", "id": note["id"]},
    }
    page = (await board.anonymous.run(LIST))["notes"]
    assert [one["text"] for one in page["nodes"]] == ["third", "second"]
    assert page["totalCount"] == 3
    end = page["pageInfo"]["endCursor"]
    assert [
        one["text"] for one in (await board.anonymous.run(LIST, after=end))["notes"]["nodes"]
    ] == ["first"]
    searched = (await board.anonymous.run(LIST, filter={"text": "IR"}))["notes"]
    assert [one["text"] for one in searched["nodes"]] == ["third", "first"]
    stored = notes.notes_of_ids(Actor(), [decode_id("nte", note["id"], "id")], None)
    row = await board.database.first(stored)
    assert row is not None
    assert (row.text, row.board) == ("third", "b")


async def test_a_long_note_is_refused_with_what_is_allowed_and_writes_nothing(board: Souk) -> None:
    ann = await board.member("ann")
    answer = await ann.run(PIN, input={"board": "b", "text": "x" * 21})
    assert answer["pinNote"] == {
        "__typename": "NoteTooLong",
        "longest": 20,
        "code": "NOTE_TOO_LONG",
        "message": "Say it in 20 characters.",
        "path": ["input", "text"],
    }
    assert (await board.anonymous.run(LIST))["notes"]["totalCount"] == 0


async def test_a_key_of_the_client_makes_it_once(board: Souk) -> None:
    ann = await board.member("ann")
    once = {"board": "b", "text": "once", "idempotencyKey": "k"}
    first, again = await ann.run(PIN, input=once), await ann.run(PIN, input=once)
    assert first == again
    other = await ann.run(PIN, input={**once, "text": "twice"})
    assert other["pinNote"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert (await board.anonymous.run(LIST))["notes"]["totalCount"] == 1


async def test_anonymous_callers_pin_nothing_and_hidden_notes_are_for_admins(board: Souk) -> None:
    refused = await board.anonymous.refused(PIN, input={"board": "b", "text": "x"})
    assert refused["code"] == "UNAUTHENTICATED"
    ann, admin = await board.member("ann"), await board.member("root", Role.ADMIN)
    await ann.run(PIN, input={"board": "b", "text": "secret"})
    await board.database.run(lambda work: work.connection.execute("UPDATE note SET hidden = true"))
    assert (await ann.run(LIST))["notes"]["nodes"] == []
    assert [n["text"] for n in (await admin.run(LIST))["notes"]["nodes"]] == ["secret"]


async def test_watchers_hear_of_each_note_once_and_resume_behind_a_cursor(board: Souk) -> None:
    ann = await board.member("ann")
    async with board.anonymous.watch(WATCH, board="b") as watch:
        await _live(board)
        for text in ("one", "two"):
            await ann.run(PIN, input={"board": "b", "text": text})
        events = [event["notePinned"] for event in await watch.take(2)]
    assert [event["note"]["text"] for event in events] == ["one", "two"]
    async with board.anonymous.watch(WATCH, board="b", after=events[0]["cursor"]) as watch:
        assert (await watch.next())["notePinned"]["note"]["text"] == "two"


async def _live(board: Souk) -> None:
    while not board.services.hub.watched:  # noqa: ASYNC110  the hub has no event to wait for
        await asyncio.sleep(0.01)


async def test_a_page_takes_as_many_statements_for_many_notes_as_for_one(board: Souk) -> None:
    counts = []
    for name in ("ann", "bob"):
        member = await board.member(name)
        await member.run(PIN, input={"board": "b", "text": name})
        with recorded_statements() as seen:
            await member.run(LIST)
        counts.append(len(seen))
    assert counts[0] == counts[1]

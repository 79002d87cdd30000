"""Every operation of identity, customers and the audit log, tried by everybody, from the one table
in tests/identity/who_may.py; and that a refused one has no effect."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from core.settings import Settings
from schema import build_schema
from tests.clients.client import Souk, running_souk
from tests.identity.scene import Scene, Who
from tests.identity.who_may import READINGS, SUBSCRIPTIONS, WRITINGS, Reading, Writing

BEAT = "subscription { heartbeat { number } }"


@pytest.fixture
async def open_souk(settings: Settings) -> AsyncIterator[Souk]:
    """A server that lets one address ask all of this at once."""
    settings.limits.budget_address = settings.limits.budget_actor = 1_000_000
    async with running_souk(settings) as server:
        yield server


def root_fields() -> set[str]:
    """Every root field of the schema."""
    types = build_schema()._schema.type_map
    return {
        f"{root}.{name}"
        for root in ("Query", "Mutation", "Subscription")
        for name in types[root].fields  # type: ignore[attr-defined]  # root types have fields
    }


def test_the_table_names_fields_that_there_are_each_once() -> None:
    written = {row.name for row in WRITINGS} | {row.name for row in READINGS} | set(SUBSCRIPTIONS)
    assert written <= root_fields()
    assert len({row.name for row in WRITINGS}) == len(WRITINGS)


def code_of(answer: dict[str, Any]) -> str | None:
    """The code of the first top-level error."""
    errors = answer.get("errors")
    return errors[0]["extensions"]["code"] if errors else None


async def wrong_with_writing(souk: Souk, row: Writing, who: Who) -> str | None:
    """What is wrong with what one row does for one caller; None when nothing is."""
    scene = await Scene.made(souk, who)
    values = {k: v for k, v in (await row.input(scene)).items() if not k.startswith("_")}
    may = who in row.may
    before, owned = await scene.stored(beside=not may), await scene.of_owner()
    answer = await scene.asking.post(row.document, input=values)
    kind = ((answer.get("data") or {}).get(row.field) or {}).get("__typename")
    told = f"{row.field}: {code_of(answer)} {kind} {answer if kind is None else ''}"
    if may and kind not in row.expected:
        return f"{told}, should be {row.expected}"
    if not may:
        fit = "UNAUTHENTICATED" if who is Who.ANONYMOUS else "FORBIDDEN"
        if code_of(answer) != fit and kind not in row.hidden:
            return f"{told}, should be {fit} or {row.hidden}"
    succeeded = may and kind is not None and kind.endswith(("Payload", "Started"))
    if not succeeded and (after := await scene.stored(beside=not may)) != before:
        changed = sorted(table for table in before if before[table] != after[table])
        return f"{told}, but {changed} changed"
    if row.own and who is not Who.OWNER and await scene.of_owner() != owned:
        return f"{told}, but somebody else's things changed"
    return None


async def wrong_with_reading(souk: Souk, row: Reading, who: Who) -> str | None:
    """What is wrong with what one row shows one caller; None when nothing is."""
    scene = await Scene.made(souk, who)
    variables, shows = await row.values(scene)
    before = await scene.stored(beside=True)
    answer = await scene.asking.post(row.query, **variables)
    told = f"{row.field}: {answer}"
    seen = answer.get("data") is not None and shows in orjson.dumps(answer["data"]).decode()
    if who in row.may and (not seen or code_of(answer) is not None):
        return f"{told}, should show {shows}"
    if who not in row.may:
        if shows in orjson.dumps(answer).decode() and code_of(answer) is None:
            return f"{told}, should not show {shows}"
        fit = "UNAUTHENTICATED" if who is Who.ANONYMOUS else "FORBIDDEN"
        if code_of(answer) not in ((fit,) if row.refused else (fit, None)):
            return f"{told}, should be {fit}"
    return None if await scene.stored(beside=True) == before else f"{told}, but something changed"


@pytest.mark.parametrize("who", Who)
async def test_each_operation_does_for_each_what_the_table_says(open_souk: Souk, who: Who) -> None:
    wrong = [await wrong_with_writing(open_souk, row, who) for row in WRITINGS]
    wrong += [await wrong_with_reading(open_souk, row, who) for row in READINGS]
    told = "\n".join(found for found in wrong if found)
    assert not told, told


@pytest.mark.parametrize("who", Who)
async def test_the_heartbeat_is_for_whom_the_table_says(souk: Souk, who: Who) -> None:
    scene = await Scene.made(souk, who)
    async with scene.asking.watch(BEAT) as watch:
        message = await watch.message()
    beats = "data" in message["payload"] and message["payload"]["data"] is not None
    assert beats is (who in SUBSCRIPTIONS["Subscription.heartbeat"])

"""Documents by name: automatic ones are kept when they pass, trusted ones from the start; every way
in takes them, and no limit is passed by."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from core.settings import Environment, Settings
from tests.http.sockets import Raw, opened
from tests.http.world import World, ran, running_world, settings_of

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
PREFLIGHT = {"GraphQL-Preflight": "1"}


def sha(text: str) -> str:
    """The name of a document by its text."""
    return sha256(text.encode()).hexdigest()


def persisted(text: str, **changes: Any) -> dict[str, Any]:
    """The extensions that name a document by its hash."""
    return {"persistedQuery": {"version": 1, "sha256Hash": sha(text), **changes}}


async def named(world: World, text: str, **body: Any) -> dict[str, Any]:
    """The answer to a document by its hash alone."""
    response = await world.http.post("/graphql", json={"extensions": persisted(text), **body})
    answer: dict[str, Any] = response.json()
    return answer


def code_of(answer: dict[str, Any]) -> str:
    """The code of the first error."""
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def next_of(raw: Raw) -> dict[str, Any]:
    """The next message of an operation on a socket, with an error in the form of an answer."""
    message = await raw.receive()
    if message["type"] == "error":
        return {"errors": message["payload"]}
    answer: dict[str, Any] = message["payload"]
    assert (await raw.receive())["type"] == "complete"
    return answer


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 400)])
async def test_an_unknown_hash_is_told_in_the_words_that_clients_know(
    world: World, accept: str, status: int
) -> None:
    body = {"extensions": persisted("{ hello } # never sent")}
    response = await world.http.post("/graphql", json=body, headers={"Accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"].startswith(accept)
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "errors": [
            {
                "message": "PersistedQueryNotFound",
                "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
            }
        ]
    }
    assert ran == []


async def test_once_sent_with_its_text_the_hash_is_enough_on_every_way_in(world: World) -> None:
    text = "query ($n: String) { hello(name: $n) } # kept"
    sent = {"query": text, "extensions": persisted(text), "variables": {"n": "Ann"}}
    assert (await world.http.post("/graphql", json=sent)).json()["data"] == {"hello": "hello Ann"}
    assert (await named(world, text, variables={"n": "Bob"}))["data"] == {"hello": "hello Bob"}
    params = {"extensions": json.dumps(persisted(text)), "variables": '{"n": "Eve"}'}
    got = await world.http.get("/graphql", params=params, headers=PREFLIGHT)
    assert got.json()["data"] == {"hello": "hello Eve"}
    by_id = {"documentId": f"sha256:{sha(text)}"}
    assert (await world.http.post("/graphql", json=by_id)).json()["data"] == {"hello": "hello"}
    events = await world.http.post("/graphql", json=by_id, headers={"Accept": "text/event-stream"})
    assert '"hello":"hello"' in events.text
    async with opened(world) as raw:
        await raw.sign_in()
        payload = {"extensions": persisted(text), "variables": {"n": "Dan"}}
        await raw.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await next_of(raw))["data"] == {"hello": "hello Dan"}


async def test_a_socket_brings_documents_as_well(world: World) -> None:
    text = "{ hello } # by socket"
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.send({"id": "1", "type": "subscribe", "payload": {"extensions": persisted(text)}})
        unknown = await next_of(raw)
        assert code_of(unknown) == "PERSISTED_QUERY_NOT_FOUND"
        assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
        await raw.subscribe(text, "2", extensions=persisted(text))
        assert (await next_of(raw))["data"] == {"hello": "hello"}
    assert (await named(world, text))["data"] == {"hello": "hello"}


async def test_a_hash_of_another_text_is_refused_and_nothing_runs(world: World) -> None:
    good, bad = "{ hello } # the real one", "{ dear } # the other"
    body = {"query": bad, "extensions": persisted(good)}
    for accept in (JSON, GRAPHQL, "text/event-stream"):
        response = await world.http.post("/graphql", json=body, headers={"Accept": accept})
        assert response.status_code == 400
        assert code_of(response.json()) == "BAD_USER_INPUT"
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.subscribe(bad, extensions=persisted(good))
        assert code_of(await next_of(raw)) == "BAD_USER_INPUT"
    assert ran == []
    for text in (good, bad):
        assert code_of(await named(world, text)) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "text",
    [
        "{ hello",
        "{ unknownField }",
        "{ " + "hello " * 40 + "} # over the limit of aliases",
        "query A { hello } query B { dear } # no name given",
        "subscription { ticks } # over plain HTTP",
    ],
)
async def test_what_does_not_pass_is_not_kept(world: World, text: str) -> None:
    body = {"query": text, "extensions": persisted(text)}
    assert "errors" in (await world.http.post("/graphql", json=body)).json()
    assert code_of(await named(world, text)) == "PERSISTED_QUERY_NOT_FOUND"
    assert ran == []


async def test_limits_hold_for_a_document_by_name_on_every_way_in(world: World) -> None:
    page = "products(first: $n) { nodes { bids(first: 100) { nodes { bidder { id } } } } }"
    text = f"query ($n: Int) {{ {page} }}"
    cheap = {"query": text, "extensions": persisted(text), "variables": {"n": 1}}
    assert "errors" not in (await world.http.post("/graphql", json=cheap)).json()
    ran.clear()
    dear = {"extensions": persisted(text), "variables": {"n": 100}}
    assert code_of((await world.http.post("/graphql", json=dear)).json()) == "COST_LIMIT"
    stream = {"Accept": "text/event-stream"}
    assert "COST_LIMIT" in (await world.http.post("/graphql", json=dear, headers=stream)).text
    async with opened(world) as raw:
        await raw.sign_in()
        await raw.send({"id": "1", "type": "subscribe", "payload": dear})
        assert code_of(await next_of(raw)) == "COST_LIMIT"
    assert ran == []


async def test_a_mutation_by_name_is_not_run_over_get(world: World) -> None:
    text = 'mutation { write(text: "named") { id } }'
    body = {"query": text, "extensions": persisted(text)}
    assert "errors" not in (await world.http.post("/graphql", json=body)).json()
    ran.clear()
    params = {"extensions": json.dumps(persisted(text))}
    got = await world.http.get("/graphql", params=params, headers=PREFLIGHT)
    assert got.status_code == 405
    assert ran == []


@pytest.mark.parametrize(
    "body",
    [
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ""}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 300}}},
        {"documentId": 7},
        {"documentId": ""},
        {"documentId": "x" * 300},
        {"documentId": "x", "query": "{ hello }"},
        {"documentId": "x", "extensions": persisted("{ hello }")},
    ],
)
async def test_a_malformed_name_is_400(world: World, body: dict[str, Any]) -> None:
    response = await world.http.post("/graphql", json=body)
    assert response.status_code == 400
    assert code_of(response.json()) == "BAD_USER_INPUT"
    assert ran == []


async def test_trying_names_spends_the_budget() -> None:
    limits = {"budget_address": 5, "budget_address_per_second": 1}
    async with running_world(settings_of(limits=limits)) as world:
        codes = [code_of(await named(world, f"{{ hello }} # {n}")) for n in range(8)]
    assert codes[0] == "PERSISTED_QUERY_NOT_FOUND"
    assert codes[-1] == "RATE_LIMITED"


LISTED = "query Listed($n: Int) { products(first: $n) { nodes { id } } }"
TICKS = "subscription Ticks { ticks(count: 1) }"
TRUSTED = {sha(LISTED): LISTED, "ticks-1": TICKS}


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """A file of trusted documents, as graphql-codegen writes it."""
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps(TRUSTED))
    return path


async def test_trusted_documents_run_from_the_start_unread(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(settings_of(trusted_documents=trusted)) as world:

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a trusted document was read again")

        monkeypatch.setattr("serving.examining.parse", refuse)
        monkeypatch.setattr("serving.examining.validate", refuse)
        for name in (sha(LISTED), f"sha256:{sha(LISTED)}"):
            response = await world.http.post("/graphql", json={"documentId": name})
            assert response.json()["data"]["products"]["nodes"] == [{"id": "5"}]
        assert "errors" not in await named(world, LISTED)
        async with opened(world) as raw:
            await raw.sign_in()
            payload = {"documentId": "ticks-1"}
            await raw.send({"id": "1", "type": "subscribe", "payload": payload})
            assert (await next_of(raw))["data"] == {"ticks": 0}


async def test_a_flood_of_documents_pushes_out_automatic_ones_and_no_trusted_one(
    trusted: Path,
) -> None:
    async with running_world(settings_of(trusted_documents=trusted)) as world:
        automatic = "{ hello } # automatic"
        await world.post(automatic, extensions=persisted(automatic))
        assert "errors" not in await named(world, automatic)
        for number in range(600):
            text = f"{{ hello }} # {number}"
            assert "errors" not in (await world.post(text, extensions=persisted(text))).json()
        assert code_of(await named(world, automatic)) == "PERSISTED_QUERY_NOT_FOUND"
        assert "errors" not in await named(world, LISTED)


async def test_where_only_trusted_documents_run_everything_else_is_refused(trusted: Path) -> None:
    settings = settings_of(trusted_documents=trusted, trusted_only=True)
    async with running_world(settings) as world:
        ran.clear()
        for text in ("{ hello }", "{ __schema { types { name } } }", f"{LISTED} # changed"):
            for body in ({"query": text}, {"query": text, "extensions": persisted(text)}):
                response = await world.http.post("/graphql", json=body)
                assert response.status_code == 403
                assert code_of(response.json()) == "FORBIDDEN"
                assert "documentId" in response.json()["errors"][0]["message"]
            got = await world.http.get("/graphql", params={"query": text}, headers=PREFLIGHT)
            assert got.status_code == 403
            stream = {"Accept": "text/event-stream"}
            events = await world.http.post("/graphql", json={"query": text}, headers=stream)
            assert events.status_code == 403
            async with opened(world) as raw:
                await raw.sign_in()
                await raw.subscribe(text)
                assert code_of(await next_of(raw)) == "FORBIDDEN"
            assert code_of(await named(world, text)) == "PERSISTED_QUERY_NOT_FOUND"
        assert ran == []
        assert "errors" not in (await world.post(LISTED)).json()
        assert "errors" not in await named(world, LISTED, variables={"n": 3})
        dear = await world.http.post("/graphql", json={"documentId": sha(LISTED), "variables": 5})
        assert dear.status_code == 400


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"Page": "{ products { nodes { nothing } } }"}, "'Page'.*nothing"),
        ({"Page": "{ hello"}, "'Page'.*Syntax Error"),
        ({"Page": "{ " + "hello " * 40 + "}"}, "'Page'.*aliases"),
        ({"Page": "fragment F on Query { hello }"}, "'Page'.*no operation"),
        ({"Page": 5}, "'Page'"),
        ({"": "{ hello }"}, "''"),
        (["{ hello }"], "object"),
        ("{", "cannot be read"),
    ],
)
async def test_a_trusted_document_that_cannot_run_stops_the_start_with_its_name(
    tmp_path: Path, content: object, said: str
) -> None:
    path = tmp_path / "documents.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=said):
        async with running_world(settings_of(trusted_documents=path)):
            raise AssertionError("the server started")


async def test_a_manifest_of_apollo_is_read_as_well(tmp_path: Path) -> None:
    operation = {"id": "listed-1", "name": "Listed", "type": "query", "body": LISTED}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**manifest, "operations": [operation]}))
    async with running_world(settings_of(trusted_documents=path)) as world:
        by_hash = {"persistedQuery": {"version": 1, "sha256Hash": "listed-1"}}
        for body in ({"documentId": "listed-1"}, {"extensions": by_hash}):
            response = await world.http.post("/graphql", json=body)
            assert response.json()["data"]["products"]["nodes"] == [{"id": "5"}]


def test_trusting_only_needs_documents_to_trust() -> None:
    with pytest.raises(ValidationError, match="SOUK_TRUSTED_DOCUMENTS"):
        Settings(env=Environment.TEST, trusted_only=True)

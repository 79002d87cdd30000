"""GraphQL over HTTP: forms, methods, statuses, and that no answer shows what is internal."""

from typing import Any

import pytest

from tests.http.world import PRODUCTION, World, ran, running_world, settings_of

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
PREFLIGHT = {"GraphQL-Preflight": "1"}


def code_of(response: Any) -> str:
    """The code of the first error, in the one form that all errors have."""
    body = response.json()
    assert set(body["errors"][0]) >= {"message", "extensions"}
    code: str = body["errors"][0]["extensions"]["code"]
    return code


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
        (f"text/html, {GRAPHQL};q=0.8", GRAPHQL),
        ("Application/JSON", JSON),
    ],
)
async def test_the_answer_has_the_form_that_is_accepted(
    world: World, accept: str | None, media_type: str
) -> None:
    request = world.http.build_request("POST", "/graphql", json={"query": "{ hello }"})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = await world.http.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.json()["data"] == {"hello": "hello"}


@pytest.mark.parametrize("accept", ["text/html", "image/png", f"{JSON};q=0", "nonsense"])
async def test_what_is_not_accepted_is_406(world: World, accept: str) -> None:
    response = await world.http.post(
        "/graphql", json={"query": "{ hello }"}, headers={"Accept": accept}
    )
    assert response.status_code == 406
    assert code_of(response) == "BAD_USER_INPUT"
    assert ran == []


REQUEST_ERRORS = {
    "a syntax error": {"query": "{"},
    "a document that is not valid": {"query": "{ unknown }"},
    "an unknown operation": {"query": "query A { hello }", "operationName": "B"},
    "a variable of the wrong type": {
        "query": "query ($n: Int) { products(first: $n) { totalCount } }",
        "variables": {"n": "many"},
    },
    "a missing variable": {"query": "query ($n: Int!) { products(first: $n) { totalCount } }"},
    "a document over a limit": {"query": "{ " + "hello " * 40 + "}"},
}


@pytest.mark.parametrize("kind", REQUEST_ERRORS)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_errors_before_execution_have_no_data_and_the_status_of_their_form(
    world: World, kind: str, accept: str, status: int
) -> None:
    response = await world.http.post(
        "/graphql", json=REQUEST_ERRORS[kind], headers={"Accept": accept}
    )
    assert response.status_code == status
    assert response.headers["content-type"].startswith(accept)
    assert "data" not in response.json()
    assert code_of(response) == "BAD_USER_INPUT"
    assert ran == []


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_what_was_executed_is_200_even_with_errors(world: World, accept: str) -> None:
    for query, data in (
        ("{ forbidden }", {"forbidden": None}),
        ("{ bug }", None),
        ("{ hello optionalBug }", {"hello": "hello", "optionalBug": None}),
    ):
        response = await world.http.post(
            "/graphql", json={"query": query}, headers={"Accept": accept}
        )
        assert response.status_code == 200
        assert response.json()["data"] == data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'{"query": "{ hello }"',
        b'"a string"',
        b"5",
        b"null",
        b"true",
        b"[]",
        b"[1, 2]",
        b'[{"query": "{ hello }"}, {"query": "{ hello }"}]',
        b"{}",
        b'{"qeury": "{ hello }"}',
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 5}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }", "variables": [1]}',
        b'{"query": "{ hello }", "variables": "x"}',
        b'{"query": "{ hello }", "operationName": {"a": 1}}',
        b'{"query": "{ hello }", "operationName": 5}',
        b'{"query": "{ hello }", "extensions": []}',
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_a_malformed_request_is_400_in_json_whatever_is_accepted(
    world: World, body: bytes
) -> None:
    for accept in (JSON, GRAPHQL):
        response = await world.http.post(
            "/graphql", content=body, headers={"Content-Type": JSON, "Accept": accept}
        )
        assert response.status_code == 400, response.text
        assert response.headers["content-type"].startswith(accept)
        assert code_of(response) == "BAD_USER_INPUT"
    assert ran == []


async def test_unknown_keys_and_null_parts_are_ignored(world: World) -> None:
    body = {"query": "{ hello }", "variables": None, "operationName": None, "extensions": None}
    response = await world.http.post("/graphql", json={**body, "id": 7, "doc_id": "x"})
    assert response.json()["data"] == {"hello": "hello"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "QUERY"])
async def test_other_methods_are_405_and_told_which_are_allowed(world: World, method: str) -> None:
    response = await world.http.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST, OPTIONS"
    if method != "HEAD":
        assert code_of(response) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain; a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "xapplication/json",
        "application/json; charset=utf-16",
    ],
)
async def test_a_post_that_a_form_could_send_is_415(world: World, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await world.http.post("/graphql", content=b'{"query":"{hello}"}', headers=headers)
    assert response.status_code == 415
    assert code_of(response) == "BAD_USER_INPUT"
    assert ran == []


async def test_a_compressed_body_is_415(world: World) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    response = await world.http.post("/graphql", content=b"\x1f\x8b", headers=headers)
    assert response.status_code == 415


async def test_a_query_over_get_runs(world: World) -> None:
    params = {
        "query": "query A($n: String) { hello(name: $n) } query B { dear }",
        "operationName": "A",
        "variables": '{"n": "Ann"}',
        "unknown": "ignored",
    }
    response = await world.http.get("/graphql", params=params, headers=PREFLIGHT)
    assert response.status_code == 200
    assert response.json()["data"] == {"hello": "hello Ann"}


@pytest.mark.parametrize(
    "headers",
    [
        {"GraphQL-Preflight": "1"},
        {"Apollo-Require-Preflight": "true"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Content-Type": "application/json"},
    ],
)
async def test_a_get_needs_a_header_that_other_sites_cannot_send(
    world: World, headers: dict[str, str]
) -> None:
    params = {"query": "{ hello }"}
    assert (await world.http.get("/graphql", params=params, headers=headers)).status_code == 200
    ran.clear()
    for empty in ({}, {"GraphQL-Preflight": ""}, {"Content-Type": "text/plain"}):
        response = await world.http.get("/graphql", params=params, headers=empty)
        assert response.status_code == 403
        assert code_of(response) == "FORBIDDEN"
        assert "GraphQL-Preflight" in response.json()["errors"][0]["message"]
    assert ran == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": "{ hello }", "variables": "nonsense"},
        {"query": "{ hello }", "variables": "[1]"},
        {"query": "{ hello }", "variables": '"x"'},
    ],
)
async def test_a_malformed_get_is_400(world: World, params: dict[str, str]) -> None:
    response = await world.http.get("/graphql", params=params, headers=PREFLIGHT)
    assert response.status_code == 400
    assert code_of(response) == "BAD_USER_INPUT"


async def test_a_mutation_over_get_is_405_and_writes_nothing(world: World) -> None:
    response = await world.http.get(
        "/graphql", params={"query": "mutation { write { id } }"}, headers=PREFLIGHT
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert code_of(response) == "BAD_USER_INPUT"
    assert ran == []


async def test_a_subscription_needs_a_stream(world: World) -> None:
    error = await world.error("subscription { ticks }")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "websocket" in error["message"]
    events = await world.http.post(
        "/graphql",
        json={"query": "subscription { ticks(count: 2) }"},
        headers={"Accept": "text/event-stream"},
    )
    assert events.headers["content-type"].startswith("text/event-stream")
    assert events.text.count("event: next") == 2


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic YTpi", "Bearer", "nonsense"])
async def test_a_bad_token_is_401_before_anything_is_read(world: World, authorization: str) -> None:
    for accept in (JSON, GRAPHQL):
        response = await world.http.post(
            "/graphql",
            json={"query": "{ hello }"},
            headers={"Authorization": authorization, "Accept": accept},
        )
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert code_of(response) == "UNAUTHENTICATED"
    assert ran == []


async def test_every_answer_has_a_request_id_and_safe_headers(world: World) -> None:
    ids = set()
    for response in (
        await world.post("{ hello }"),
        await world.http.get("/nowhere"),
        await world.http.put("/graphql"),
        await world.http.get("/broken"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        ids.add(response.headers["x-request-id"])
    assert len(ids) == 4
    assert (await world.post("{ hello }")).headers["cache-control"] == "no-store"


async def test_unknown_paths_and_methods_elsewhere_answer_in_the_same_form(world: World) -> None:
    nowhere = await world.http.get("/nowhere")
    assert (nowhere.status_code, code_of(nowhere)) == (404, "NOT_FOUND")
    wrong = await world.http.get("/media")
    assert (wrong.status_code, code_of(wrong)) == (405, "BAD_USER_INPUT")
    assert wrong.headers["allow"] == "POST"


async def test_production_tells_no_neighbours_and_no_schema_to_strangers() -> None:
    async with running_world(settings_of(**PRODUCTION)) as world:
        world.tokens.give("ann", 1)
        for query in ("{ helo }", "{ product }", "{ hello(nam: 1) }", "{ ... on Produc { id } }"):
            error = await world.error(query)
            assert "Did you mean" not in error["message"]
        wish = "query ($wish: Wish) { wish(wish: $wish) }"
        error = await world.error(wish, variables={"wish": {"amoun": "1"}})
        assert "Did you mean" not in error["message"]
        for query in (
            "{ __schema { types { name } } }",
            '{ ...F } fragment F on Query { __type(name: "Query") { name } }',
        ):
            assert (await world.error(query))["extensions"]["code"] == "UNAUTHENTICATED"
            assert "data" in (await world.post(query, "ann")).json()
        assert (await world.post("{ __typename }")).json()["data"] == {"__typename": "Query"}
        secure = (await world.post("{ hello }")).headers["strict-transport-security"]
        assert secure == "max-age=31536000"


async def test_development_tells_the_neighbours_of_a_misspelt_field(world: World) -> None:
    assert "Did you mean 'hello'" in (await world.error("{ helo }"))["message"]


async def test_a_document_that_was_let_through_is_judged_anew_by_who_asks_and_how() -> None:
    async with running_world(settings_of(**PRODUCTION)) as world:
        world.tokens.give("ann", 1)
        schema = "{ __schema { queryType { name } } }"
        ticks = "subscription { ticks(count: 1) }"
        write = "mutation { write { id } }"
        stream = {"Accept": "text/event-stream", "Authorization": "Bearer ann"}
        for _ in range(2):
            assert "errors" not in (await world.post(schema, "ann")).json()
            error = await world.error(schema)
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
            streamed = await world.http.post("/graphql", json={"query": ticks}, headers=stream)
            assert streamed.status_code == 200
            error = await world.error(ticks, "ann")
            assert "websocket" in error["message"]
            assert "errors" not in (await world.post(write, "ann")).json()
            by_get = await world.http.get("/graphql", params={"query": write}, headers=PREFLIGHT)
            assert by_get.status_code == 405
            long = {"wish": {"tags": ["a"] * 101}}
            wish = "query ($wish: Wish) { wish(wish: $wish) }"
            assert "errors" not in (await world.post(wish, "ann")).json()
            error = await world.error(wish, "ann", variables=long)
            assert "101 items" in error["message"]

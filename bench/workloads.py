"""What is sent to whom: each workload makes, for each contender, the requests of one run with the
answers that they must have. Before anything is measured the contenders' answers are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import UUID

import httpx
import orjson

from bench import contenders as who
from bench import documents
from bench.contenders import Contender, Missing, Running
from bench.house import House
from bench.load import Shot, request
from core.ids import encode_id

COLD = 1_500
SINGLES = 200
_cold_names = count(1)

Shots: TypeAlias = Callable[[Running], list[Shot]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table: what a contender is sent, under a name of its own."""

    name: str
    contender: Contender
    shots: Shots


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured in one go, one entry after the other; `share` is its share of the seconds
    that a run of the first workload has, `times` how many times as many runs it has as others."""

    name: str
    what: str
    connections: int
    entries: tuple[Entry, ...]
    share: float = 0.5
    times: int = 1

    @classmethod
    def of(
        cls,
        name: str,
        what: str,
        connections: int,
        contenders: tuple[Contender, ...],
        shots: Shots,
        share: float = 0.5,
        times: int = 1,
    ) -> Workload:
        """The same for these contenders."""
        entries = tuple(Entry(one.name, one, shots) for one in contenders)
        return cls(name, what, connections, entries, share, times)


@dataclass(slots=True)
class Answers:
    """Asks each contender once for everything that is measured, and remembers the answer when it
    says the same as everybody else's."""

    house: House
    shelf: bytes | None = None
    _bodies: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    _facts: dict[Any, tuple[str, documents.Facts]] = field(default_factory=dict)

    def page(self, running: Running, first: int, name: str = "Page") -> Shot:
        """The request for a page of so many, with its answer; `name` makes the text another."""
        text = _text(running, documents.PAGE, documents.POSTGRAPHILE_PAGE)
        usual, own = (
            orjson.dumps({"query": one, "variables": {"first": first}})
            for one in (text, text.replace("query Page", f"query {name}"))
        )
        body = self._body(running, usual, ("page", first))
        return Shot(request(running.port, own), body)

    def product(self, number: int) -> UUID:
        """One of the products that are asked for singly."""
        return self.house.products[number * 37 % len(self.house.products)]

    def single(self, running: Running, number: int) -> Shot:
        """The request for one product, with its answer."""
        text = _text(running, documents.SINGLE, documents.POSTGRAPHILE_SINGLE)
        product = self.product(number)
        id_ = str(product) if _is_postgraphile(running) else encode_id("prd", product)
        body = orjson.dumps({"query": text, "variables": {"id": id_}})
        return Shot(request(running.port, body), self._body(running, body, ("single", product)))

    def _body(self, running: Running, body: bytes, key: Any) -> bytes:
        known = self._bodies.get((running.contender.name, body))
        if known is not None:
            return known
        answer = httpx.post(f"{running.url}/graphql", content=body, headers=_JSON, timeout=30)
        found = answer.json()
        name = running.contender.name
        if answer.status_code != 200 or "errors" in found:
            raise RuntimeError(f"{name}: {answer.text[:600]}\n{running.last_words()}")
        data = found["data"]
        if _is_postgraphile(running):
            data = documents.of_postgraphile(data)
        if key[0] == "page":
            documents.require_page(data, key[1])
        facts = documents.facts(data)
        first, agreed = self._facts.setdefault(key, (name, facts))
        if facts != agreed:
            raise RuntimeError(f"{name} does not say what {first} says for {key}")
        # What an answer says besides its data, such as what is left of a budget, is not the same
        # each time. Data come first and all of them are compared.
        same = self._bodies[name, body] = answer.content.partition(b',"extensions":{')[0]
        return same


_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_GET = {"GraphQL-Preflight": "1"}
_SINGLE_HASH = sha256(documents.SINGLE.encode()).hexdigest()
_SHELF_TARGET = f"/graphql?query={quote(documents.SHELF, safe='')}"


def _is_postgraphile(running: Running) -> bool:
    return running.contender is who.POSTGRAPHILE_4


def _text(running: Running, text: str, postgraphile: str) -> str:
    return postgraphile if _is_postgraphile(running) else text


def persisted(answers: Answers, running: Running) -> list[Shot]:
    """Requests for single products by the hash of the document, which is told once. Raises
    Missing."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": _SINGLE_HASH}}
    made = []
    for number in range(SINGLES):
        product = answers.product(number)
        values = {"id": encode_id("prd", product)}
        if not number:
            told = {"query": documents.SINGLE, "variables": values, "extensions": extensions}
            httpx.post(f"{running.url}/graphql", json=told, timeout=30)
        body = orjson.dumps({"variables": values, "extensions": extensions})
        answer = httpx.post(f"{running.url}/graphql", content=body, headers=_JSON, timeout=30)
        if not answer.json().get("data"):
            raise Missing(f"no persisted documents: {answer.text[:200]}")
        expected = answers.single(running, number).body
        made.append(Shot(request(running.port, body), expected))
    return made


def public(answers: Answers, running: Running, *, known: bool) -> list[Shot]:
    """A GET of a public query, by a caller who knows the answer already or by one who does not.
    Raises Missing."""
    answer = httpx.get(
        f"{running.url}{_SHELF_TARGET}", headers={**_GET, "Accept": "application/json"}, timeout=30
    )
    etag = answer.headers.get("etag")
    if answer.status_code != 200 or etag is None:
        raise Missing(f"no ETag on a public query: {answer.status_code} {answer.text[:200]}")
    assert len(answer.json()["data"]["products"]["nodes"]) == 20
    answers.shelf = answer.content
    if not known:
        asked = request(running.port, None, target=_SHELF_TARGET, headers=_GET)
        return [Shot(asked, answer.content)]
    headers = {**_GET, "If-None-Match": etag}
    asked = request(running.port, None, target=_SHELF_TARGET, headers=headers)
    return [Shot(asked, b"", status=b"304")]


def reading(answers: Answers) -> Mapping[str, Workload]:
    """The workloads that only read, in the order of the table; the first has the targets."""

    def pages(first: int) -> Shots:
        return lambda running: [answers.page(running, first)]

    def cold(running: Running) -> list[Shot]:
        return [answers.page(running, 20, f"Page{next(_cold_names)}") for _ in range(COLD)]

    def singles(running: Running) -> list[Shot]:
        return [answers.single(running, number) for number in range(SINGLES)]

    def constant(running: Running) -> list[Shot]:
        # The very bytes that Souk gives, where it serves; those of another page otherwise.
        body = answers.shelf or answers.page(running, 20).body or b""
        httpx.put(f"{running.url}{_SHELF_TARGET}", content=body, timeout=30)
        return [Shot(request(running.port, None, target=_SHELF_TARGET), body)]

    everybody = who.PAGES
    no_statement = tuple(one for one in everybody if one is not who.ONE_STATEMENT)
    graphql = (who.USUAL, who.POSTGRAPHILE_4, who.SOUK)
    found = (
        Workload.of("page", "page of 20, 16 connections", 16, everybody, pages(20), 1, 2),
        Workload.of("page-1-connection", "page of 20, 1 connection", 1, everybody, pages(20)),
        Workload.of("page-64-connections", "page of 20, 64 connections", 64, everybody, pages(20)),
        Workload.of("page-cold", "page of 20, each text new", 16, graphql, cold),
        Workload.of("page-of-1", "page of 1, 16 connections", 16, everybody, pages(1)),
        Workload.of("page-of-100", "page of 100, 16 connections", 16, everybody, pages(100)),
        Workload.of("one-product", "one product, 16 connections", 16, no_statement, singles),
        Workload(
            "persisted",
            "one product, by its text and by the hash of it",
            16,
            (
                Entry("souk", who.SOUK, singles),
                Entry("souk, persisted document", who.SOUK, lambda at: persisted(answers, at)),
            ),
        ),
        Workload(
            "public",
            "a repeated public query (GET), 16 connections",
            16,
            (
                Entry(
                    "souk, 304 by its ETag",
                    who.SOUK_AS_IS,
                    lambda at: public(answers, at, known=True),
                ),
                Entry(
                    "souk, body kept", who.SOUK_AS_IS, lambda at: public(answers, at, known=False)
                ),
                Entry("constant", who.CONSTANT, constant),
            ),
        ),
    )
    return {workload.name: workload for workload in found}

"""What `make bench` compares is comparable: every way of making the page says the same about the
same database. How fast they are, no test asks."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from app import create_app
from bench import constant, documents, growing, handwritten, one_statement, usual
from bench.beating import Beating
from bench.contenders import PUBLIC_URL
from bench.house import House, fill
from bench.load import Measured
from bench.report import Figure, Report, Target
from bench.stack import respond
from core.ids import encode_id, new_id
from core.settings import DEVELOPMENT_SECRET, Limits, Settings

PRODUCTS = 30


@pytest.fixture
async def house(database_url: str) -> House:
    return await fill(database_url, PRODUCTS, bidding=PRODUCTS)


@pytest.fixture
async def ask(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    """Asks a contender by name, in this process."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SOUK_SECRET", DEVELOPMENT_SECRET)
    monkeypatch.setenv("SOUK_PUBLIC_URL", PUBLIC_URL)
    apps: dict[str, Starlette] = {
        "souk": create_app(settings.model_copy(update={"public_url": PUBLIC_URL})),
        "usual": usual.create_app(),
        "handwritten": handwritten.app,
        "one statement": one_statement.app,
        "constant": constant.app,
    }
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))

        async def asked(name: str, query: str, **variables: Any) -> dict[str, Any]:
            transport = httpx.ASGITransport(apps[name])
            async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
                body = {"query": query, "variables": variables}
                answer = (await client.post("/graphql", json=body)).json()
            assert "errors" not in answer, answer
            data: dict[str, Any] = answer["data"]
            return data

        yield asked


async def test_all_contenders_give_the_same_page(house: House, ask: Any) -> None:
    pages = {
        name: await ask(name, documents.PAGE, first=20)
        for name in ("souk", "usual", "handwritten", "one statement", "constant")
    }
    documents.require_page(pages["souk"], 20)
    assert documents.leaves(pages["souk"]) == 600
    assert pages["usual"] == pages["souk"]
    assert pages["handwritten"] == pages["souk"]
    assert pages["constant"] == pages["souk"]
    assert documents.facts(pages["one statement"]) == documents.facts(pages["souk"])
    newest = [encode_id("prd", id_) for id_ in house.products[:20]]
    assert [node["id"] for node in pages["souk"]["products"]["nodes"]] == newest


async def test_all_contenders_give_the_same_product(house: House, ask: Any) -> None:
    id_ = encode_id("prd", house.products[3])
    souk = await ask("souk", documents.SINGLE, id=id_)
    assert souk["product"]["id"] == id_
    assert await ask("usual", documents.SINGLE, id=id_) == souk
    assert await ask("handwritten", documents.SINGLE, id=id_) == souk


async def test_what_grows_and_is_let_through_is_carried_out(
    house: House, settings: Settings
) -> None:
    settings.__dict__["limits"] = Limits(budget_address=10**9)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
            for kind, sent in growing.documents():
                answer = await client.post(sent.path, content=sent.body, headers=sent.headers)
                assert answer.status_code == 200, kind
                assert sent.done in answer.content, kind
    # Those that are dear, and no others.
    assert sum(bool(sent.done) for _, sent in growing.documents()) == len(list(growing.dear()))


async def test_a_heartbeat_tells_the_longest_silence_once() -> None:
    async def holding(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            time.sleep(0.2)  # noqa: ASYNC251  this is what a heartbeat is there to find
            await respond(send, b"held")
            return
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})

    app = Beating(holding)
    asked, told = asyncio.Queue[Message](), asyncio.Queue[Message]()
    life = asyncio.create_task(app({"type": "lifespan"}, asked.get, told.put))
    await asked.put({"type": "lifespan.startup"})
    await told.get()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://bench"
    ) as client:
        await asyncio.sleep(0.01)
        assert (await client.get("/held")).text == "held"
        await asyncio.sleep(0.01)
        silence = float((await client.get("/heartbeat")).text)
        assert silence >= 190
        assert float((await client.get("/heartbeat")).text) < silence
    await asked.put({"type": "lifespan.shutdown"})
    await life


def test_an_answer_of_postgraphile_is_read_as_the_same_facts() -> None:
    product_id, seller_id, picture_id = new_id(), new_id(), new_id()
    seller = {"id": str(seller_id), "fullname": "Ada"}
    size = {"width": 16, "height": 12}
    placed, ends = "2026-11-22T06:27:09.123457+00:00", "2026-11-29T06:27:09+00:00"
    shared = {"title": "Camera", "condition": "USED", "status": "OPEN", "bidCount": 1}
    theirs = {
        **shared,
        "id": str(product_id),
        "seller": seller,
        "category": {"id": seller["id"], "title": "Goods"},
        "mediaAssets": [{"id": str(picture_id), **size}],
        "endsAt": ends,
        "priceMinor": "2000",
        "currency": "USD",
        "bids": [{"amountMinor": "2000", "placedAt": placed, "bidder": seller}],
    }
    ours = {
        **shared,
        "id": encode_id("prd", product_id),
        "seller": {**seller, "id": encode_id("usr", seller_id)},
        "category": {"id": encode_id("cat", seller_id), "title": "Goods"},
        "media": [{"url": f"{PUBLIC_URL}/media/{encode_id('med', picture_id)}", **size}],
        "endsAt": "2026-11-29T06:27:09Z",
        "currentPrice": {"amount": "20.00", "currency": "USD"},
        "bids": {"nodes": [{"amount": {"amount": "20.00"}, "placedAt": placed}]},
    }
    read = documents.of_postgraphile({"products": [theirs]})
    expected = documents.facts({"products": {"nodes": [ours]}})
    assert documents.facts(read) == expected


def test_a_figure_is_the_median_of_its_runs_and_a_target_says_whether_it_is_met() -> None:
    runs = [Measured(10, 5, seconds, [1.0, 3.0] * 5) for seconds in (1.0, 2.0, 5.0)]
    figure = Figure.of(runs, accepted=True)
    assert (figure.per_second, figure.accepted, figure.runs) == (5.0, 2.5, [10.0, 5.0, 2.0])
    report = Report({})
    # The machine was slower in the second run of the one and in the third of the other.
    slower = [Measured(10, 5, seconds, [1.0] * 10) for seconds in (2.5, 2.0, 10.0)]
    report.figures["page"] = {"souk": figure, "usual": Figure.of(slower)}
    report.compare("page", "souk", "usual", 2.0, "faster")
    report.compare("page", "souk", "handwritten", 0.6, "not measured")
    assert [(target.ratio, target.met) for target in report.targets] == [(2.0, True)]
    assert not Target("slower", 1.2, most=1.05).met
    assert not Target("slower", 0.5, least=0.6).met

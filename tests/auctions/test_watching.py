"""Watching an auction live: every event once, in order, over reconnects and several processes
(spec/03-auctions.md#live, spec/05-messages-notifications.md#live-events)."""

import asyncio

import pytest
from sqlalchemy import text

from core.ids import decode_id
from core.settings import Settings
from tests.catalogue.test_lists import made_up
from tests.clients.client import Client, Souk, running_souk
from tests.clients.market import WATCH, Market, in_future, usd
from worker.closing import close_all_due


async def until_watched(souk: Souk, count: int = 1) -> None:
    """Waits until the server serves so many subscriptions."""
    for _ in range(500):
        if souk.services.hub.watched >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the subscription did not start")


async def test_a_bid_is_announced_with_the_new_standing(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "50.00")
        event = (await watch.next())["auction"]
    assert event["kind"] == "BID_PLACED"
    assert event["product"]["currentPrice"] == usd("10.00")
    assert event["product"]["minimumNextBid"] == usd("10.50")
    assert event["product"]["bidCount"] == 1
    assert event["bid"]["amount"] == usd("10.00"), "no watcher learns the maximum"
    assert event["bid"]["bidder"]["fullname"] == "a***n"


async def test_the_bidder_sees_the_own_maximum_and_the_seller_sees_the_bidder(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    async with (
        alice.watch(WATCH, id=product["id"]) as hers,
        seller.watch(WATCH, id=product["id"]) as sellers,
    ):
        await until_watched(souk, 2)
        await market.bid(alice, product["id"], "50.00")
        own, seen = (await hers.next())["auction"], (await sellers.next())["auction"]
    assert own["bid"]["amount"] == usd("50.00")
    assert own["bid"]["bidder"]["fullname"] == "Alice Allison"
    assert seen["bid"]["amount"] == usd("10.00")
    assert seen["bid"]["bidder"]["fullname"] == "Alice Allison"


async def test_a_watcher_resumes_by_cursor_without_gap_or_double(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, proxyBidding=False)
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "10.00")
        first = (await watch.next())["auction"]
    for step in range(50):
        bidder = bob if step % 2 == 0 else alice
        await market.bid(bidder, product["id"], str(100 + 10 * step))
    async with souk.anonymous.watch(WATCH, id=product["id"], after=first["cursor"]) as watch:
        missed = [event["auction"] for event in await watch.take(50)]
        await market.bid(bob, product["id"], "900")
        live = (await watch.next())["auction"]
        assert await watch.silent()
    prices = [event["bid"]["amount"]["amount"] for event in [*missed, live]]
    assert prices == [f"{100 + 10 * step}.00" for step in range(50)] + ["900.00"]


async def test_a_watcher_resumes_on_another_server_after_a_restart(settings: Settings) -> None:
    async with running_souk(settings) as souk:
        market = await Market.opened(souk)
        seller, alice = await souk.member("Sally Seller"), await souk.member("Alice Allison")
        product = await market.auction(seller, proxyBidding=False)
        async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
            await until_watched(souk)
            await market.bid(alice, product["id"], "10")
            cursor = (await watch.next())["auction"]["cursor"]
        await market.bid(alice, product["id"], "20")
    async with (
        running_souk(settings) as again,
        again.anonymous.watch(WATCH, id=product["id"], after=cursor) as watch,
    ):
        market = Market(again, market.category_id, market.subcategory_id)
        assert (await watch.next())["auction"]["bid"]["amount"] == usd("20.00")
        await until_watched(again)
        await market.bid(await again.member("Bob Benson"), product["id"], "30")
        assert (await watch.next())["auction"]["bid"]["amount"] == usd("30.00")
        assert await watch.silent()


async def test_a_bid_on_one_server_is_announced_by_another(settings: Settings) -> None:
    async with running_souk(settings) as one, running_souk(settings) as other:
        market = await Market.opened(one)
        seller, alice = await one.member("Sally Seller"), await one.member("Alice Allison")
        product = await market.auction(seller)
        async with other.anonymous.watch(WATCH, id=product["id"]) as watch:
            await until_watched(other)
            await market.bid(alice, product["id"], "50")
            event = (await watch.next(timeout=3))["auction"]
    assert event["kind"] == "BID_PLACED"


async def test_a_lost_ring_is_noticed_by_looking(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    souk.database.on_commit = lambda _: None  # the process died between commit and ring
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "50")
        assert (await watch.next())["auction"]["kind"] == "BID_PLACED"


async def test_a_lost_ring_is_noticed_also_while_others_ring(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    quiet, busy = await market.auction(seller), await market.auction(seller, proxyBidding=False)
    quiet_topic = f"auction:{decode_id('prd', quiet['id'], 'id')}"
    ring = souk.database.on_commit
    souk.database.on_commit = lambda announced: ring([a for a in announced if a[0] != quiet_topic])
    async with (
        souk.anonymous.watch(WATCH, id=quiet["id"]) as watch,
        souk.anonymous.watch(WATCH, id=busy["id"]),
    ):
        await until_watched(souk, 2)
        await market.bid(alice, quiet["id"], "50")

        async def noise() -> None:
            for step in range(400):
                await market.bid(alice, busy["id"], str(10 + 200 * step))

        ringing = asyncio.create_task(noise())
        event = (await watch.next(timeout=4))["auction"]
        assert not ringing.done(), "the others were still ringing"
        ringing.cancel()
    assert event["kind"] == "BID_PLACED"


async def test_an_auction_that_is_over_completes_at_once(
    souk: Souk, market: Market, seller: Client
) -> None:
    product = await market.auction(seller)
    remove = "mutation($input: EndAuctionInput!) { endAuction(input: $input) { __typename } }"
    await seller.run(remove, input={"productId": product["id"], "outcome": "CANCEL_BIDS"})
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        assert (await watch.message())["type"] == "complete"


async def test_a_late_bid_moves_the_end_and_is_announced(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(seconds=30), softCloseSeconds=60)
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "50")
        placed, extended = [event["auction"] for event in await watch.take(2)]
    assert (placed["kind"], extended["kind"]) == ("BID_PLACED", "EXTENDED")
    assert extended["product"]["endsAt"] > product["endsAt"]
    rows = await souk.database.rows(
        text(
            "SELECT p.ends_at - b.placed_at AS extra"
            " FROM product p JOIN bid b ON b.product_id = p.id"
        )
    )
    assert rows[0].extra.total_seconds() == 60


async def test_the_end_and_the_settlement_are_announced_and_end_the_stream(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, endsAt=in_future(seconds=0.8))
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "50")
        await asyncio.sleep(0.9)
        assert await close_all_due(souk.database) == 1
        events = [event["auction"] for event in await watch.take(3)]
        assert (await watch.message())["type"] == "complete"
    assert [event["kind"] for event in events] == ["BID_PLACED", "ENDED", "SETTLED"]
    assert events[2]["product"]["status"] == "SETTLED"
    assert events[2]["bid"]["status"] == "WON"


async def test_what_is_no_auction_or_does_not_exist_cannot_be_watched(
    souk: Souk, market: Market, seller: Client
) -> None:
    fixed = await market.fixed(seller)
    for product_id in (fixed["id"], "prd_01HWJ8WH9X8WBK65EMGY9YKPBS"):
        async with souk.anonymous.watch(WATCH, id=product_id) as watch:
            message = await watch.message()
            errors = (
                message["payload"] if message["type"] == "error" else message["payload"]["errors"]
            )
            assert errors[0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "content",
    [None, [], [["s", "x"]], [["i", -1]], [["i", 2**63]], [["i", 1], ["i", 2]], [["i", 9]]],
)
async def test_a_cursor_that_is_none_is_refused(
    souk: Souk, market: Market, seller: Client, content: list[object] | None
) -> None:
    product = await market.auction(seller)
    topic = f"auction:{decode_id('prd', product['id'], 'id')}"
    cursor = "nonsense" if content is None else made_up(topic, *content)
    async with souk.anonymous.watch(WATCH, id=product["id"], after=cursor) as watch:
        message = await watch.message()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_cursor_of_another_auction_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    one, other = await market.auction(seller), await market.auction(seller)
    async with souk.anonymous.watch(WATCH, id=one["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, one["id"], "50")
        cursor = (await watch.next())["auction"]["cursor"]
    async with souk.anonymous.watch(WATCH, id=other["id"], after=cursor) as watch:
        message = await watch.message()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_cursor_older_than_the_log_is_told(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, proxyBidding=False)
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await market.bid(alice, product["id"], "10")
        cursor = (await watch.next())["auction"]["cursor"]
    await market.bid(bob, product["id"], "20")
    await market.bid(alice, product["id"], "30")
    topic = f"auction:{decode_id('prd', product['id'], 'id')}"
    await souk.database.rows(
        text("DELETE FROM event WHERE topic = :topic AND number <= 2 RETURNING number").bindparams(
            topic=topic
        )
    )
    async with souk.anonymous.watch(WATCH, id=product["id"], after=cursor) as watch:
        message = await watch.message()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "CURSOR_EXPIRED"

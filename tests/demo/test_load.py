"""The demo as it is loaded the first time, and as it is found later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Database
from core.ids import encode_id
from core.settings import Settings
from demo.histories import EBAY_BIDS, read_histories
from demo.load import DEMO_AUCTION, DEMO_CATEGORY, DEMO_PASSWORD, DEMO_SUBCATEGORY, load_demo
from demo.refresh import refresh_demo
from resolvers.auctions.closing import close_due_auction
from tests.auctions.test_watching import until_watched
from tests.clients.client import Client, Souk
from tests.clients.market import AUCTION, PLACE_BID, WATCH, usd
from tests.demo.conftest import Demo

EXAMPLES_ID = encode_id("prd", DEMO_AUCTION)

COUNTS = text(
    """SELECT (SELECT count(*) FROM product WHERE status = 'SETTLED') AS settled,
              (SELECT count(*) FROM product WHERE status IN ('OPEN', 'SCHEDULED')) AS running,
              (SELECT count(*) FROM product WHERE kind = 'FIXED') AS fixed,
              (SELECT count(*) FROM bid) AS bids,
              (SELECT count(*) FROM user_account) AS people,
              (SELECT count(*) FROM media_asset) AS pictures,
              (SELECT count(*) FROM event) AS events,
              (SELECT max(updated_at) FROM product) AS changed_at"""
)
LOGIN = """mutation($input: LoginInput!) { login(input: $input) {
  __typename ... on LoginPayload { accessToken user { fullname emailVerified } } } }"""
CATALOGUE = """query($filter: ProductFilter, $after: String) {
  products(first: 100, after: $after, filter: $filter) { totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id title seller { fullname } category { title } subcategory { name }
      media { url mimeType } } } }"""


async def counts(database: Database) -> dict[str, Any]:
    """How many of each are stored."""
    row = await database.first(COUNTS)
    assert row is not None
    return dict(row.items())


async def signed_in(souk: Souk, name: str) -> Client:
    """A client of one of the demo's own people, by their password."""
    person = {"email": f"{name}@demo.souk.example", "password": DEMO_PASSWORD}
    answer = await souk.anonymous.run(LOGIN, input=person)
    assert answer["login"]["__typename"] == "LoginPayload", answer
    assert answer["login"]["user"]["emailVerified"] is True
    client = await souk.member(name)
    assert client.account is not None
    client.account = type(client.account)(
        client.account.id, name, person["email"], answer["login"]["accessToken"]
    )
    return client


async def test_all_of_the_demo_is_there_after_one_load(demo: Demo) -> None:
    found = await counts(demo.souk.database)
    assert found["settled"] == demo.load.loaded.auctions == 314
    assert found["running"] == 12
    assert found["fixed"] == 30
    assert found["pictures"] == 42
    assert found["bids"] == demo.load.loaded.bids
    assert found["people"] == demo.load.loaded.people == 1_937 + 3
    assert demo.load.progress[0] == (0, 356)
    assert demo.load.progress[-1] == (356, 356)
    assert demo.load.progress == sorted(demo.load.progress)


async def test_a_second_load_changes_nothing(demo: Demo, development: Settings) -> None:
    before = await counts(demo.souk.database)
    told: list[tuple[int, int]] = []
    again = await load_demo(demo.souk.database, development, lambda *step: told.append(step))
    assert again is None
    assert told == []
    assert await counts(demo.souk.database) == before


async def test_a_load_that_breaks_off_leaves_nothing_and_can_be_done_again(
    database_url: str, development: Settings
) -> None:
    class Killed(Exception):
        pass

    def break_off(done: int, _: int) -> None:
        if done > 200:
            raise Killed

    database = Database(database_url, pool=2)
    with pytest.raises(Killed):
        await load_demo(database, development, break_off)
    assert await database.scalar(text("SELECT count(*) FROM product")) == 0
    assert await database.scalar(text("SELECT count(*) FROM user_account")) == 0
    loaded = await load_demo(database, development, lambda *_: None)
    assert loaded is not None
    assert (await counts(database))["settled"] == 314
    await database.close()


async def test_311_past_auctions_stand_at_their_real_price_and_one_bid_of_each_won(
    demo: Demo,
) -> None:
    rows = await demo.souk.database.rows(
        text(
            """SELECT p.title, p.price_minor, p.bid_count, p.leader_id, p.ends_at,
                      count(b.*) AS bids,
                      array_agg(b.bidder_id) FILTER (WHERE b.status = 'WON') AS winners,
                      bool_and(b.placed_at >= p.starts_at AND b.placed_at < p.ends_at) AS in_time,
                      max(b.number) AS last_number, p.last_bid_number
               FROM product p JOIN bid b ON b.product_id = p.id
               WHERE p.status = 'SETTLED' GROUP BY p.id"""
        )
    )
    final = {history.auction_id: history.final_minor for history in read_histories(EBAY_BIDS)}
    assert len(rows) == 314
    assert sum(final[row.title.split()[-1]] == row.price_minor for row in rows) == 311
    week_ago = datetime.now(UTC) - timedelta(days=7)
    for row in rows:
        assert row.bid_count == row.bids == row.last_number == row.last_bid_number
        assert row.winners == [row.leader_id]
        assert row.in_time
        assert row.ends_at < week_ago


async def test_a_past_auction_reads_as_if_it_had_been_bid_here(demo: Demo) -> None:
    filter = {"title": "auction 8213034705"}
    listed = await demo.souk.anonymous.run(CATALOGUE, filter=filter)
    [product] = listed["products"]["nodes"]
    assert product["category"]["title"] == "Video games"
    assert product["subcategory"]["name"] == "Xbox consoles"
    assert product["seller"]["fullname"] == "Sam Seller"
    auction = (await demo.souk.anonymous.run(AUCTION, id=product["id"]))["product"]
    assert auction["status"] == "SETTLED"
    assert auction["currentPrice"] == usd("117.50")
    assert auction["bidCount"] == auction["bids"]["totalCount"] == 4
    newest = auction["bids"]["nodes"][0]
    assert newest["status"] == "WON"
    assert newest["amount"] == usd("117.50")
    masks = [bid["bidder"]["fullname"] for bid in auction["bids"]["nodes"]]
    assert all("***" in mask for mask in masks), masks
    seller = await signed_in(demo.souk, "seller")
    seen = (await seller.run(AUCTION, id=product["id"]))["product"]["bids"]["nodes"]
    assert seen[0]["bidder"]["fullname"] == "Bidder 00004"


async def test_every_running_auction_and_good_shows_a_picture_that_is_served(demo: Demo) -> None:
    nodes, after = [], None
    while True:
        answer = await demo.souk.anonymous.run(CATALOGUE, filter={}, after=after)
        nodes += answer["products"]["nodes"]
        if not answer["products"]["pageInfo"]["hasNextPage"]:
            break
        after = answer["products"]["pageInfo"]["endCursor"]
    assert len(nodes) == answer["products"]["totalCount"] == 356
    pictures = [picture for node in nodes for picture in node["media"]]
    assert len(pictures) == 42
    assert len({picture["url"] for picture in pictures}) == 42
    path = pictures[0]["url"][pictures[0]["url"].index("/media") :]
    served = await demo.souk.http.get(path)
    assert served.status_code == 200
    assert served.headers["content-type"] == "image/png"


async def test_alice_bids_on_the_auction_of_the_examples_and_bob_is_told_live(demo: Demo) -> None:
    auction = (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"]
    assert auction["status"] == "OPEN"
    assert auction["bidCount"] == 3
    alice = await signed_in(demo.souk, "alice")
    async with demo.souk.anonymous.watch(WATCH, id=EXAMPLES_ID) as watching:
        await until_watched(demo.souk)
        bid = {"productId": EXAMPLES_ID, "amount": usd("99.00")}
        placed = (await alice.run(PLACE_BID, input=bid))["placeBid"]
        assert placed["isHighestBidder"] is True
        event = (await watching.next())["auction"]
    assert event["kind"] == "BID_PLACED"
    assert event["product"]["currentPrice"] == placed["product"]["currentPrice"] == usd("43.00")


async def test_the_shelf_of_the_examples_has_its_fixed_ids(demo: Demo) -> None:
    row = await demo.souk.database.first(
        text("SELECT category_id, subcategory_id FROM product WHERE id = :id").bindparams(
            id=DEMO_AUCTION
        )
    )
    assert row is not None
    assert (row.category_id, row.subcategory_id) == (DEMO_CATEGORY, DEMO_SUBCATEGORY)


# Keeping the auction of the examples open


async def moved(souk: Souk, hours: float) -> None:
    """Lets the auction of the examples end so many hours from now."""
    statement = text(
        "UPDATE product SET starts_at = starts_at - interval '30 days',"
        " ends_at = now() + make_interval(secs => :seconds) WHERE id = :id"
    ).bindparams(seconds=hours * 3600, id=DEMO_AUCTION)
    await souk.database.run(lambda work: work.execute(statement))


async def test_an_auction_with_days_left_is_left_alone(demo: Demo) -> None:
    before = (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"]
    assert await refresh_demo(demo.souk.database) is False
    assert (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"] == before


async def test_one_that_is_nearly_over_is_extended_with_its_bids_and_watchers_are_told(
    demo: Demo,
) -> None:
    await moved(demo.souk, hours=2)
    async with demo.souk.anonymous.watch(WATCH, id=EXAMPLES_ID) as watching:
        await until_watched(demo.souk)
        assert await refresh_demo(demo.souk.database) is True
        event = (await watching.next())["auction"]
    assert event["kind"] == "EXTENDED"
    auction = (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"]
    assert auction["endsAt"] == event["product"]["endsAt"]
    assert auction["bidCount"] == 3
    left = datetime.fromisoformat(auction["endsAt"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


async def test_one_that_was_settled_begins_anew_at_its_start_price(demo: Demo) -> None:
    await moved(demo.souk, hours=-1)
    assert await demo.souk.database.run(close_due_auction) == DEMO_AUCTION
    settled = (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"]
    assert settled["status"] == "SETTLED"
    assert await refresh_demo(demo.souk.database) is True
    auction = (await demo.souk.anonymous.run(AUCTION, id=EXAMPLES_ID))["product"]
    assert (auction["status"], auction["bidCount"]) == ("OPEN", 0)
    assert auction["minimumNextBid"] == usd("20.00")
    assert auction["bids"]["totalCount"] == 0
    bob = await signed_in(demo.souk, "bob")
    bid = {"productId": EXAMPLES_ID, "amount": usd("20.00")}
    placed = (await bob.run(PLACE_BID, input=bid))["placeBid"]
    assert placed["product"]["bidCount"] == 1

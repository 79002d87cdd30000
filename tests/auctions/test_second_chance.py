"""Second chances: unsold goods offered to a losing bidder (spec/03-auctions.md#bidding)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from auth.actor import Role
from core.database import recorded_statements
from tests.auctions.test_closing import end_now, shift, statuses
from tests.auctions.test_watching import until_watched
from tests.clients.client import Client, Souk
from tests.clients.market import WATCH, Market, usd
from worker.closing import close_all_due
from worker.housekeeping import keep_house

OFFER_FIELDS = """id status amount { amount currency } offeredAt expiresAt bidder { id fullname }
  bid { id status } product { id currentPrice { amount currency } }"""


def mutation(name: str) -> str:
    """One of the four mutations."""
    kind = name[0].upper() + name[1:]
    return f"""mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename
      ... on {kind}Payload {{ secondChance {{ {OFFER_FIELDS} }} }}
      ... on UserError {{ code message path }} }} }}"""


LIST = f"""query($first: Int, $after: String) {{ secondChances(first: $first, after: $after) {{
  totalCount nodes {{ {OFFER_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on SecondChance {{ {OFFER_FIELDS} }} }} }}"


async def unsold(souk: Souk, market: Market, seller: Client, *bids: tuple[Client, str]) -> Any:
    """An auction that ended below its reserve of 100 dollars; the last bid of each bidder by
    name."""
    product = await market.auction(seller, reservePrice=usd("100"))
    placed = {"product": product["id"]}
    for bidder, amount in bids:
        assert bidder.account is not None
        placed[bidder.account.name.split()[0]] = (await market.bid(bidder, product["id"], amount))[
            "bid"
        ]["id"]
    await end_now(souk)
    await close_all_due(souk.database)
    return placed


async def offer(client: Client, bid_id: str, days: int = 3) -> Any:
    """The result of offering."""
    answer = await client.run(mutation("offerSecondChance"), input={"bidId": bid_id, "days": days})
    return answer["offerSecondChance"]


async def answer(client: Client, name: str, offer_id: str, **more: str) -> Any:
    """The result of accepting, declining or withdrawing."""
    name = f"{name}SecondChance"
    result = await client.run(mutation(name), input={"secondChanceId": offer_id, **more})
    return result[name]


async def stored(souk: Souk) -> Any:
    """The offers as they are stored, in their order."""
    return await souk.database.rows(text("SELECT * FROM second_chance ORDER BY id"))


async def expire(souk: Souk) -> None:
    """Lets the time of every offer be over."""
    for column in ("offered_at", "expires_at"):
        await shift(souk, "second_chance", column, "8 days")


async def settlements(souk: Souk) -> list[Any]:
    """What was told of settlements, in order."""
    rows = await souk.database.rows(
        text("SELECT payload FROM event WHERE kind = 'SETTLED' ORDER BY number")
    )
    return [row.payload for row in rows]


async def test_a_losing_bidder_buys_for_the_amount_of_their_last_bid(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(
        souk, market, seller, (alice, "20"), (bob, "50"), (alice, "60"), (bob, "80")
    )
    made = (await offer(seller, bids["Alice"], 5))["secondChance"]
    assert (made["status"], made["amount"]) == ("OPEN", usd("60.00"))
    assert made["bidder"]["fullname"] == "Alice Allison"
    [row] = await stored(souk)
    assert (row.amount_minor, (row.expires_at - row.offered_at).days) == (6000, 5)
    assert (row.accepted_at, row.closed_at) == (None, None)

    taken = (await answer(alice, "accept", made["id"]))["secondChance"]
    assert (taken["status"], taken["bid"]["status"]) == ("ACCEPTED", "WON")
    assert taken["product"]["currentPrice"] == usd("60.00")
    [row] = await stored(souk)
    assert row.accepted_at == row.closed_at is not None
    assert await statuses(souk) == ["LOST", "LOST", "WON", "LOST"]
    product = await souk.database.first(text("SELECT * FROM product"))
    assert product is not None
    assert (product.price_minor, product.leader_max_minor, product.bid_count) == (6000, 6000, 4)
    assert alice.account is not None
    assert product.leader_id == alice.account.id

    first, second = await settlements(souk)
    assert first["bid"] is None
    assert (second["bid"]["status"], second["bid"]["amount_minor"]) == ("WON", 6000)
    assert second["bid"]["bidder_id"] == str(product.leader_id)
    assert second["state"] == {**second["state"], "price_minor": 6000, "status": "SETTLED"}


async def test_open_bidding_has_second_chances_too(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, reservePrice=usd("100"), proxyBidding=False)
    lost = await market.bid(alice, product["id"], "20")
    await market.bid(bob, product["id"], "50")
    await end_now(souk)
    await close_all_due(souk.database)
    made = (await offer(seller, lost["bid"]["id"]))["secondChance"]
    taken = (await answer(alice, "accept", made["id"]))["secondChance"]
    assert taken["product"]["currentPrice"] == usd("20.00")


async def test_the_history_keeps_what_was_revealed_when_it_is_sold_for_less(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(
        souk, market, seller, (alice, "20"), (bob, "50"), (alice, "60"), (bob, "80")
    )
    viewers = (souk.anonymous, seller, alice, bob)
    amounts = [("80.00", "LOST"), ("60.00", "LOST"), ("50.00", "LOST"), ("20.00", "LOST")]

    async def history(viewer: Client) -> list[tuple[str, str]]:
        nodes = (await market.look(viewer, bids["product"]))["bids"]["nodes"]
        return [(bid["amount"]["amount"], bid["status"]) for bid in nodes]

    for viewer in viewers:
        assert await history(viewer) == amounts, "all of it is known: no maximum is left secret"
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    await answer(alice, "accept", made["id"])
    amounts[1] = ("60.00", "WON")
    for viewer in viewers:
        assert await history(viewer) == amounts
    seen = await market.look(seller, bids["product"])
    assert seen["highestBidder"]["fullname"] == "Alice Allison"


async def test_a_loser_of_a_sold_auction_keeps_an_earlier_maximum_of_the_winner_secret(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    for bidder, amount in ((alice, "70"), (bob, "20"), (alice, "90")):
        await market.bid(bidder, product["id"], amount)
    await end_now(souk)
    await close_all_due(souk.database)
    nodes = (await market.look(seller, product["id"]))["bids"]["nodes"]
    assert [bid["amount"]["amount"] for bid in nodes] == ["20.50", "20.00", "20.50"]


async def test_a_watcher_who_resumes_is_told_of_the_later_sale(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller, reservePrice=usd("100"))
    lost = await market.bid(alice, product["id"], "20")
    async with souk.anonymous.watch(WATCH, id=product["id"]) as watch:
        await until_watched(souk)
        await end_now(souk)
        await close_all_due(souk.database)
        settled = (await watch.take(2))[1]["auction"]
        assert (settled["kind"], settled["bid"]) == ("SETTLED", None)
    made = (await offer(seller, lost["bid"]["id"]))["secondChance"]
    await answer(alice, "accept", made["id"])
    async with souk.anonymous.watch(WATCH, id=product["id"], after=settled["cursor"]) as watch:
        event = (await watch.next())["auction"]
    assert (event["kind"], event["bid"]["status"]) == ("SETTLED", "WON")
    assert event["product"]["currentPrice"] == usd("20.00")
    assert event["bid"]["bidder"]["fullname"] == "a***n", "an event unmasks nobody"


async def test_each_answer_is_for_the_one_it_belongs_to(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"), (bob, "50"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    admin = await souk.member("Ada Admin", Role.ADMIN)
    for name in ("accept", "decline", "withdraw"):
        other = await answer(bob, name, made["id"])
        assert (other["code"], other["path"]) == ("NOT_FOUND", ["input", "secondChanceId"])
        document, wish = mutation(f"{name}SecondChance"), {"secondChanceId": made["id"]}
        refused = await souk.anonymous.refused(document, input=wish)
        assert refused["code"] == "UNAUTHENTICATED"
    for name, client in (
        ("accept", seller),
        ("accept", admin),
        ("decline", seller),
        ("decline", admin),
        ("withdraw", alice),
    ):
        assert (await answer(client, name, made["id"]))["code"] == "SECOND_CHANCE_REFUSED"
    [row] = await stored(souk)
    assert row.closed_at is None
    assert (await answer(admin, "withdraw", made["id"]))["secondChance"]["status"] == "WITHDRAWN"


@pytest.mark.parametrize("done", ["accept", "decline", "withdraw"])
async def test_an_answer_is_final_and_the_same_once_more_changes_nothing(
    done: str, souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    who = {"accept": alice, "decline": alice, "withdraw": seller}
    first = await answer(who[done], done, made["id"])
    before = await stored(souk)
    assert await answer(who[done], done, made["id"]) == first
    for name in who.keys() - {done}:
        refused = await answer(who[name], name, made["id"])
        assert refused["code"] == "SECOND_CHANCE_REFUSED"
        assert first["secondChance"]["status"] in refused["message"]
    assert await stored(souk) == before
    assert len(await settlements(souk)) == (2 if done == "accept" else 1)
    assert await statuses(souk) == ["WON" if done == "accept" else "LOST"]


async def test_accepting_twenty_times_at_once_buys_once(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    keys: list[dict[str, str]] = [{"idempotencyKey": "once"}, {}]
    results = await asyncio.gather(
        *[answer(alice, "accept", made["id"], **keys[number % 2]) for number in range(20)]
    )
    assert all(result == results[0] for result in results)
    assert results[0]["secondChance"]["status"] == "ACCEPTED"
    assert len(await settlements(souk)) == 2
    assert await statuses(souk) == ["WON"]


async def test_a_kept_answer_about_goods_that_are_gone_is_not_found(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    await answer(alice, "accept", made["id"], idempotencyKey="k")
    await souk.database.rows(text("UPDATE product SET is_active = false RETURNING id"))
    keys: list[dict[str, str]] = [{"idempotencyKey": "k"}, {}]
    for key in keys:
        assert (await answer(alice, "accept", made["id"], **key))["code"] == "NOT_FOUND"
    assert (await alice.run(NODE, id=made["id"]))["node"] is None


async def test_the_same_key_with_another_offer_is_a_conflict(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    offers = []
    for _ in range(2):
        bids = await unsold(souk, market, seller, (alice, "20"))
        offers.append((await offer(seller, bids["Alice"]))["secondChance"]["id"])
    await answer(alice, "accept", offers[0], idempotencyKey="k")
    other = await answer(alice, "accept", offers[1], idempotencyKey="k")
    assert other["code"] == "IDEMPOTENCY_CONFLICT"
    assert [row.accepted_at is None for row in await stored(souk)] == [False, True]


async def test_accepted_and_withdrawn_at_once_it_is_one_of_them(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    for _ in range(5):
        bids = await unsold(souk, market, seller, (alice, "20"))
        made = (await offer(seller, bids["Alice"]))["secondChance"]
        results = await asyncio.gather(
            answer(alice, "accept", made["id"]), answer(seller, "withdraw", made["id"])
        )
        kinds = [result["__typename"] for result in results]
        assert kinds.count("SecondChanceRefused") == 1, kinds
        row = (await stored(souk))[-1]
        accepted = kinds[0] == "AcceptSecondChancePayload"
        assert (row.accepted_at is not None, row.withdrawn_at is not None) == (
            accepted,
            not accepted,
        )
        sold = text("SELECT count(*) FROM bid WHERE status = 'WON' AND id = :bid").bindparams(
            bid=row.bid_id
        )
        assert await souk.database.scalar(sold) == int(accepted)


async def test_an_expired_offer_is_over_before_the_worker_comes(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"), (bob, "50"))
    made = (await offer(seller, bids["Alice"], 7))["secondChance"]
    await expire(souk)
    for name, client in (("accept", alice), ("decline", alice), ("withdraw", seller)):
        refused = await answer(client, name, made["id"])
        assert refused["code"] == "SECOND_CHANCE_REFUSED"
        assert refused["message"] == "This offer no longer stands: it is EXPIRED."
    assert (await alice.run(NODE, id=made["id"]))["node"]["status"] == "EXPIRED"
    assert await statuses(souk) == ["LOST", "LOST"]
    [row] = await stored(souk)
    assert row.closed_at is None

    assert (await offer(seller, bids["Bob"]))["secondChance"]["status"] == "OPEN"
    old, new = await stored(souk)
    assert (old.closed_at, new.closed_at) == (old.expires_at, None)


async def test_the_worker_closes_expired_offers_and_no_others(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    over = (await offer(seller, bids["Alice"]))["secondChance"]
    await expire(souk)
    bids = await unsold(souk, market, seller, (alice, "20"))
    await offer(seller, bids["Alice"])
    worker = asyncio.create_task(keep_house(souk.database, souk.settings))
    try:
        for _ in range(100):
            old, standing = await stored(souk)
            if old.closed_at is not None:
                break
            await asyncio.sleep(0.05)
    finally:
        worker.cancel()
    assert (old.closed_at, standing.closed_at) == (old.expires_at, None)
    assert (await alice.run(NODE, id=over["id"]))["node"]["status"] == "EXPIRED"


async def test_only_the_two_of_them_and_admins_see_an_offer(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"), (bob, "50"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    admin = await souk.member("Ada Admin", Role.ADMIN)
    for viewer in (seller, alice, admin):
        assert (await viewer.run(NODE, id=made["id"]))["node"] == made
    for viewer in (souk.anonymous, bob):
        assert (await viewer.run(NODE, id=made["id"]))["node"] is None
    for viewer, count in ((seller, 1), (alice, 1), (bob, 0), (admin, 0)):
        found = (await viewer.run(LIST))["secondChances"]
        assert (found["totalCount"], len(found["nodes"])) == (count, count)
    assert (await souk.anonymous.refused(LIST))["code"] == "UNAUTHENTICATED"


async def test_offers_are_listed_newest_first_page_by_page_with_as_many_statements(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    made = []
    for _ in range(3):
        bids = await unsold(souk, market, seller, (alice, "20"))
        made.append((await offer(seller, bids["Alice"]))["secondChance"]["id"])
    counted = []
    for first in (1, 3):
        with recorded_statements() as statements:
            page = (await alice.run(LIST, first=first))["secondChances"]
        assert [node["id"] for node in page["nodes"]] == made[::-1][:first]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, first < 3)
        counted.append(len(statements))
        if first == 1:
            cursor = page["pageInfo"]["endCursor"]
    assert counted[0] == counted[1] > 0, "the list, its count, products, bids, bidders"
    rest = (await alice.run(LIST, first=5, after=cursor))["secondChances"]["nodes"]
    assert [node["id"] for node in rest] == made[1::-1]

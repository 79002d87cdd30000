"""Who may offer a second chance, of what, to whom and when (spec/03-auctions.md#bidding)."""

import asyncio

import pytest
from asyncpg import IntegrityConstraintViolationError
from sqlalchemy import text

from auth.actor import Role
from tests.auctions.test_closing import CANCEL, end_now, shift, statuses
from tests.auctions.test_second_chance import answer, mutation, offer, stored, unsold
from tests.clients.client import Client, Souk
from tests.clients.market import Market, usd
from worker.closing import close_all_due


async def test_only_the_seller_and_admins_offer(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    for other in (bob, alice, await souk.member("Olga Other")):
        refused = await offer(other, bids["Alice"])
        assert (refused["code"], refused["path"]) == ("NOT_FOUND", ["input", "bidId"])
    unknown = await offer(seller, "bid_" + "0" * 26)
    assert (unknown["code"], unknown["message"]) == (refused["code"], refused["message"])
    document = mutation("offerSecondChance")
    wish = {"bidId": bids["Alice"], "days": 3}
    assert (await souk.anonymous.refused(document, input=wish))["code"] == "UNAUTHENTICATED"
    assert (await seller.refused(document, input={**wish, "bidId": bids["product"]}))["code"] == (
        "BAD_USER_INPUT"
    )
    assert await stored(souk) == []
    admin = await souk.member("Ada Admin", Role.ADMIN)
    assert (await offer(admin, bids["Alice"]))["__typename"] == "OfferSecondChancePayload"
    [row] = await stored(souk)
    assert seller.account is not None
    assert row.seller_id == seller.account.id, "it is the seller's offer, whoever made it"


@pytest.mark.parametrize("days", [-1, 0, 2, 4, 8, 2**31 - 1])
async def test_an_offer_stands_for_1_3_5_or_7_days(
    days: int, souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    refused = await offer(seller, bids["Alice"], days)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "days"])
    assert refused["message"] == "days must be 1, 3, 5 or 7."
    assert await stored(souk) == []


async def refused_offer(souk: Souk, client: Client, bid_id: str) -> str:
    """Why an offer is refused; nothing of it was stored."""
    refused = await offer(client, bid_id)
    assert refused["code"] == "SECOND_CHANCE_REFUSED", refused
    assert await stored(souk) == []
    message: str = refused["message"]
    return message


async def test_a_sold_auction_has_no_second_chance(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller)
    lost = await market.bid(alice, product["id"], "20")
    won = await market.bid(bob, product["id"], "50")
    assert "it is OPEN" in await refused_offer(souk, seller, lost["bid"]["id"])
    await end_now(souk)
    assert "it is ENDED" in await refused_offer(souk, seller, lost["bid"]["id"])
    await close_all_due(souk.database)
    for bid in (lost, won):
        assert "is sold" in await refused_offer(souk, seller, bid["bid"]["id"])


async def test_goods_are_offered_until_60_days_after_the_end(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    await shift(souk, "product", "starts_at", "61 days")
    await shift(souk, "product", "ends_at", "60 days")
    assert "more than 60 days" in await refused_offer(souk, seller, bids["Alice"])
    await shift(souk, "product", "ends_at", "-1 minute")
    assert (await offer(seller, bids["Alice"]))["__typename"] == "OfferSecondChancePayload"


async def test_only_the_last_standing_bid_of_a_bidder_is_offered(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    product = await market.auction(seller, reservePrice=usd("100"))
    first, second, third = [
        (await market.bid(alice, product["id"], amount))["bid"]["id"]
        for amount in ("20", "30", "40")
    ]
    await market.bid(bob, product["id"], "60")
    await seller.run(CANCEL, input={"bidId": third})
    await end_now(souk)
    await close_all_due(souk.database)
    assert "later" in await refused_offer(souk, seller, first)
    assert "taken back" in await refused_offer(souk, seller, third)
    assert (await offer(seller, second))["secondChance"]["amount"] == usd("30.00")


async def test_a_closed_account_gets_no_offer_and_accepts_none(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    archive = text(
        "UPDATE user_account SET is_active = NOT is_active,"
        " archived_at = CASE WHEN is_active THEN now() END"
        " WHERE fullname = 'Alice Allison' RETURNING id"
    )
    await souk.database.rows(archive)
    assert "not active" in await refused_offer(souk, seller, bids["Alice"])
    await souk.database.rows(archive)
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    await souk.database.rows(archive)
    refused = await answer(alice, "accept", made["id"])
    assert refused["code"] == "ACCOUNT_INACTIVE"
    [row] = await stored(souk)
    assert row.closed_at is None
    assert await statuses(souk) == ["LOST"]


async def test_an_archived_seller_offers_nothing(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    await souk.database.rows(
        text(
            "UPDATE user_account SET is_active = false, archived_at = now()"
            " WHERE fullname = 'Sally Seller' RETURNING id"
        )
    )
    assert (await offer(seller, bids["Alice"]))["code"] == "ACCOUNT_INACTIVE"
    assert await stored(souk) == []


async def test_one_offer_stands_at_a_time(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"), (bob, "50"))
    made = (await offer(seller, bids["Alice"]))["secondChance"]
    for name in ("Alice", "Bob"):
        refused = await offer(seller, bids[name])
        assert refused["code"] == "SECOND_CHANCE_REFUSED"
        assert "withdraw that offer first" in refused["message"]
    assert (await answer(seller, "withdraw", made["id"]))["secondChance"]["status"] == "WITHDRAWN"
    assert (await offer(seller, bids["Bob"]))["secondChance"]["status"] == "OPEN"
    rows = await stored(souk)
    assert [row.closed_at is None for row in rows] == [False, True]
    with pytest.raises(IntegrityConstraintViolationError, match="uq_second_chance_open"):
        await souk.database.rows(
            text(
                "INSERT INTO second_chance SELECT gen_random_uuid(), product_id, bid_id, seller_id,"
                " bidder_id, amount_minor, offered_at, expires_at FROM second_chance"
                " WHERE closed_at IS NULL RETURNING id"
            )
        )


async def test_offers_made_at_once_leave_one_standing(
    souk: Souk, market: Market, seller: Client, alice: Client, bob: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"), (bob, "50"))
    # The first round opens the connections on which the later ones truly meet.
    for done in range(1, 5):
        made = await asyncio.gather(*[offer(seller, bids[name]) for name in ("Alice", "Bob") * 5])
        kinds = [result["__typename"] for result in made]
        assert sorted(set(kinds)) == ["OfferSecondChancePayload", "SecondChanceRefused"]
        assert kinds.count("OfferSecondChancePayload") == 1
        assert len(await stored(souk)) == done
        [standing] = [result["secondChance"] for result in made if "secondChance" in result]
        await answer(seller, "withdraw", standing["id"])


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("accepted_at = expires_at, closed_at = expires_at", "accepted_in_time"),
        ("accepted_at = offered_at", "closed_by_answer_or_expiry"),
        ("closed_at = offered_at", "closed_by_answer_or_expiry"),
        ("declined_at = offered_at, closed_at = expires_at", "closed_by_answer_or_expiry"),
        (
            "accepted_at = offered_at, withdrawn_at = offered_at, closed_at = offered_at",
            "one_answer",
        ),
        ("expires_at = offered_at", "expires_after_offered"),
        ("amount_minor = 0", "amount_positive"),
        ("bidder_id = seller_id", "seller_is_no_bidder"),
    ],
)
async def test_the_database_keeps_no_offer_that_contradicts_itself(
    change: str, constraint: str, souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    bids = await unsold(souk, market, seller, (alice, "20"))
    await offer(seller, bids["Alice"])
    with pytest.raises(IntegrityConstraintViolationError, match=f"ck_second_chance_{constraint}"):
        await souk.database.rows(text(f"UPDATE second_chance SET {change} RETURNING id"))  # noqa: S608  constants

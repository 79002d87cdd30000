"""Bad input to bidding: a typed answer that says what to do, and nothing stored."""

import io

import pytest
import structlog
from sqlalchemy import text

from tests.clients.client import Client, Souk
from tests.clients.market import PLACE_BID, Market


@pytest.mark.parametrize(
    "amount",
    [
        "-5",
        "0",
        "0.00",
        "50.001",
        "99999999999999999999",
        "-0.01",
        "60.00000000000000000000000000000000000001",
    ],
)
async def test_an_amount_that_cannot_be_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client, amount: str
) -> None:
    product = await market.auction(seller)
    result = await market.bid(alice, product["id"], amount)
    assert result["__typename"] == "InvalidInput", result
    assert result["path"] == ["input", "amount", "amount"]
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 0


@pytest.mark.parametrize(
    "amount",
    ["ten", "", "1,000", "0x10", "１０", "1_000", "NaN", "Infinity", "1e400", "+5", " 5", "5."],
)
async def test_what_is_no_decimal_string_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client, amount: str
) -> None:
    product = await market.auction(seller)
    bid = {"productId": product["id"], "amount": {"amount": amount, "currency": "USD"}}
    refused = await alice.refused(PLACE_BID, input=bid)
    assert refused["code"] == "BAD_USER_INPUT"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 0


@pytest.mark.parametrize("amount", [50, 50.5, True, None, ["50"]])
async def test_an_amount_that_is_no_string_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client, amount: object
) -> None:
    product = await market.auction(seller)
    bid = {"productId": product["id"], "amount": {"amount": amount, "currency": "USD"}}
    refused = await alice.refused(PLACE_BID, input=bid)
    assert refused["code"] == "BAD_USER_INPUT"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 0


@pytest.mark.parametrize("currency", ["usd", "XYZ", "US", "", "DOLLAR"])
async def test_a_currency_that_does_not_exist_is_refused(
    market: Market, seller: Client, alice: Client, currency: str
) -> None:
    product = await market.auction(seller)
    bid = {"productId": product["id"], "amount": {"amount": "50", "currency": currency}}
    refused = await alice.refused(PLACE_BID, input=bid)
    assert refused["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "product_id", ["usr_01HWJ8WH9X8WBK65EMGY9YKPBS", "prd_", "1", "prd_01HWJ8WH9X8WBK65EMGY9YKPB!"]
)
async def test_an_id_of_another_type_or_form_names_the_argument(
    market: Market, alice: Client, product_id: str
) -> None:
    bid = {"productId": product_id, "amount": {"amount": "50", "currency": "USD"}}
    refused = await alice.refused(PLACE_BID, input=bid)
    assert refused["code"] == "BAD_USER_INPUT"
    assert refused["extensions"]["argument"] == "input.productId"


async def test_an_idempotency_key_with_a_null_character_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    result = await market.bid(alice, product["id"], "50.00", key="a\x00b")
    assert result["__typename"] == "InvalidInput"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 0


async def test_no_maximum_reaches_the_log_when_the_database_fails(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    await souk.database.run(
        lambda work: work.execute(text("ALTER TABLE bid ADD CHECK (amount_minor <> 4242424)"))
    )
    bid = {"productId": product["id"], "amount": {"amount": "42424.24", "currency": "USD"}}
    lines, configured = io.StringIO(), structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(lines))
    try:
        refused = await alice.refused(PLACE_BID, input=bid)
    finally:
        structlog.configure(**configured)
    assert refused["code"] == "INTERNAL"
    assert refused["extensions"]["requestId"] in lines.getvalue(), "the bug was logged"
    assert "CheckViolation" in lines.getvalue()
    assert "4242424" not in lines.getvalue()
    assert "4242424" not in str(refused)


async def test_an_idempotency_key_that_is_too_long_is_refused(
    souk: Souk, market: Market, seller: Client, alice: Client
) -> None:
    product = await market.auction(seller)
    result = await market.bid(alice, product["id"], "50.00", key="k" * 256)
    assert (result["__typename"], result["path"]) == ("InvalidInput", ["input", "idempotencyKey"])
    accepted = await market.bid(alice, product["id"], "50.00", key="k" * 255)
    assert accepted["__typename"] == "PlaceBidPayload"
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 1

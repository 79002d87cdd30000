"""The page by hand: five statements and dictionaries, asyncpg and orjson, no GraphQL. It gives the
same body as Souk, masks and public ids included."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from auth.pseudonyms import masked_name, pseudonym
from bench.stack import Endpoint, app_of, base_url
from core.ids import decode_id, encode_id

_STATUS = """CASE WHEN status NOT IN ('SCHEDULED', 'OPEN') THEN status
  WHEN now() < starts_at THEN 'SCHEDULED' WHEN now() < ends_at THEN 'OPEN' ELSE 'ENDED' END"""
_PRODUCTS = f"""SELECT id, title, condition, seller_id, category_id, {_STATUS} AS status, ends_at,
  bid_count, price_minor, currency FROM product WHERE is_active ORDER BY id DESC LIMIT $1"""  # noqa: S608  made of constants
_USERS = "SELECT id, fullname FROM user_account WHERE id = ANY($1)"
_CATEGORIES = "SELECT id, title FROM category WHERE is_active AND id = ANY($1)"
_MEDIA = """SELECT id, product_id, width, height FROM media_asset
  WHERE is_active AND product_id = ANY($1) ORDER BY product_id, position"""
_BIDS = """SELECT bid.product_id, bid.bidder_id, bid.placed_at, bid.amount_minor
  FROM unnest($1::uuid[]) AS parent (id), LATERAL (
    SELECT product_id, bidder_id, placed_at, amount_minor, number FROM bid
    WHERE product_id = parent.id AND status <> 'CANCELLED' ORDER BY number DESC LIMIT 3) AS bid"""
_SINGLE = f"""SELECT product.id, title, description, condition, seller_id, fullname,
  {_STATUS} AS status, ends_at, bid_count, price_minor, currency
  FROM product JOIN user_account ON user_account.id = seller_id
  WHERE product.id = $1 AND product.is_active"""  # noqa: S608  made of constants


def _amount(minor: int) -> str:
    whole, cents = divmod(minor, 100)
    return f"{whole}.{cents:02d}"


def _moment(value: Any) -> str:
    text: str = value.isoformat()
    return text.replace("+00:00", "Z")


async def page(pool: asyncpg.Pool, variables: dict[str, Any]) -> bytes:
    """The newest products with everything a list shows."""
    async with pool.acquire() as connection:
        products = await connection.fetch(_PRODUCTS, variables["first"])
        ids = [row["id"] for row in products]
        media_rows = await connection.fetch(_MEDIA, ids)
        bid_rows = await connection.fetch(_BIDS, ids)
        categories = await connection.fetch(
            _CATEGORIES, list({row["category_id"] for row in products})
        )
        people = {row["seller_id"] for row in products} | {row["bidder_id"] for row in bid_rows}
        names = {row["id"]: row["fullname"] for row in await connection.fetch(_USERS, people)}
    titles = {row["id"]: row["title"] for row in categories}
    base = base_url()
    media: dict[UUID, list[Any]] = {id_: [] for id_ in ids}
    for row in media_rows:
        url = f"{base}/media/{encode_id('med', row['id'])}"
        media[row["product_id"]].append(
            {"url": url, "width": row["width"], "height": row["height"]}
        )
    prices = {row["id"]: row["price_minor"] for row in products}
    bids: dict[UUID, list[Any]] = {id_: [] for id_ in ids}
    for row in bid_rows:
        product_id, bidder_id = row["product_id"], row["bidder_id"]
        shown = min(row["amount_minor"], prices[product_id])
        mask = encode_id("usr", UUID(bytes=pseudonym(product_id, bidder_id)))
        bids[product_id].append(
            {
                "amount": {"amount": _amount(shown)},
                "placedAt": _moment(row["placed_at"]),
                "bidder": {"id": mask, "fullname": masked_name(names[bidder_id])},
            }
        )
    nodes = [
        {
            "id": encode_id("prd", row["id"]),
            "title": row["title"],
            "condition": row["condition"],
            "seller": {
                "id": encode_id("usr", row["seller_id"]),
                "fullname": names[row["seller_id"]],
            },
            "category": {
                "id": encode_id("cat", row["category_id"]),
                "title": titles[row["category_id"]],
            },
            "media": media[row["id"]],
            "status": row["status"],
            "endsAt": _moment(row["ends_at"]),
            "bidCount": row["bid_count"],
            "currentPrice": {"amount": _amount(row["price_minor"]), "currency": row["currency"]},
            "bids": {"nodes": bids[row["id"]]},
        }
        for row in products
    ]
    return orjson.dumps({"data": {"products": {"nodes": nodes}}})


async def single(pool: asyncpg.Pool, variables: dict[str, Any]) -> bytes:
    """One product with its seller."""
    row = await pool.fetchrow(_SINGLE, decode_id("prd", variables["id"], "id"))
    assert row is not None
    product = {
        "id": encode_id("prd", row["id"]),
        "title": row["title"],
        "description": row["description"],
        "condition": row["condition"],
        "seller": {"id": encode_id("usr", row["seller_id"]), "fullname": row["fullname"]},
        "status": row["status"],
        "endsAt": _moment(row["ends_at"]),
        "bidCount": row["bid_count"],
        "currentPrice": {"amount": _amount(row["price_minor"]), "currency": row["currency"]},
    }
    return orjson.dumps({"data": {"product": product}})


async def answer(pool: asyncpg.Pool, variables: dict[str, Any]) -> bytes:
    """A page or one product, by what is asked for."""
    return await (page if "first" in variables else single)(pool, variables)


app = app_of(Endpoint(answer))

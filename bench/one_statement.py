"""The page by one hand-written SQL statement that returns the JSON: what the database itself can
do. Ids are plain UUIDs and bidders have no masks, which makes it less work than Souk's."""

from __future__ import annotations

from typing import Any

import asyncpg

from bench.stack import Endpoint, app_of, base_url

_MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_PAGE = f"""
SELECT json_build_object('data', json_build_object('products', json_build_object('nodes',
  json_agg(json_build_object(
    'id', p.id, 'title', p.title, 'condition', p.condition,
    'seller', json_build_object('id', seller.id, 'fullname', seller.fullname),
    'category', json_build_object('id', category.id, 'title', category.title),
    'media', media.shown,
    'status', CASE WHEN p.status NOT IN ('SCHEDULED', 'OPEN') THEN p.status
      WHEN now() < p.starts_at THEN 'SCHEDULED' WHEN now() < p.ends_at THEN 'OPEN'
      ELSE 'ENDED' END,
    'endsAt', {_MOMENT.format("p.ends_at")}, 'bidCount', p.bid_count,
    'currentPrice', json_build_object(
      'amount', (p.price_minor / 100.0)::numeric(20, 2)::text, 'currency', p.currency),
    'bids', json_build_object('nodes', bids.shown)
  ) ORDER BY p.id DESC))))::text
FROM (SELECT * FROM product WHERE is_active ORDER BY id DESC LIMIT $1) AS p
JOIN user_account AS seller ON seller.id = p.seller_id
JOIN category ON category.id = p.category_id
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_object('url', $2 || m.id, 'width', m.width, 'height', m.height)
    ORDER BY m.position) AS shown
  FROM media_asset AS m WHERE m.product_id = p.id AND m.is_active) AS media
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_object(
    'amount', json_build_object('amount',
      (least(b.amount_minor, p.price_minor) / 100.0)::numeric(20, 2)::text),
    'placedAt', {_MOMENT.format("b.placed_at")},
    'bidder', json_build_object('id', bidder.id, 'fullname', bidder.fullname)
  ) ORDER BY b.number DESC) AS shown
  FROM (SELECT * FROM bid WHERE product_id = p.id AND status <> 'CANCELLED'
        ORDER BY number DESC LIMIT 3) AS b
  JOIN user_account AS bidder ON bidder.id = b.bidder_id) AS bids
"""  # noqa: S608  made of constants


async def answer(pool: asyncpg.Pool, variables: dict[str, Any]) -> bytes:
    """The newest products with everything a list shows."""
    found: str = await pool.fetchval(_PAGE, variables["first"], f"{base_url()}/media/")
    return found.encode()


app = app_of(Endpoint(answer))

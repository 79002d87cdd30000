"""The documents that are measured, and what their answers must say. The same document goes to Souk
and to the usual way; PostGraphile speaks a dialect of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.ids import split_id

PAGE = """query Page($first: Int!) {
  products(first: $first) {
    nodes {
      id title condition
      seller { id fullname }
      category { id title }
      media { url width height }
      ... on AuctionProduct {
        status endsAt bidCount
        currentPrice { amount currency }
        bids(first: 3) { nodes { amount { amount } placedAt bidder { id fullname } } }
      }
    }
  }
}"""
SHELF = """query Shelf {
  products(first: 20) {
    nodes {
      id title condition
      seller { id fullname }
      category { id title }
      media { url width height }
    }
  }
}"""
SINGLE = """query Single($id: ID!) {
  product(id: $id) {
    id title description condition
    seller { id fullname }
    ... on AuctionProduct { status endsAt bidCount currentPrice { amount currency } }
  }
}"""
BID = """mutation Bid($input: PlaceBidInput!) {
  placeBid(input: $input) {
    __typename
    ... on PlaceBidPayload { isHighestBidder product { bidCount } }
    ... on BidTooLow { minimum { amount } }
  }
}"""
POSTGRAPHILE_PAGE = """query Page($first: Int!) {
  products(first: $first, orderBy: [ID_DESC], condition: { isActive: true }) {
    id title condition
    seller { id fullname }
    category { id title }
    mediaAssets(orderBy: [POSITION_ASC], condition: { isActive: true }) { id width height }
    status endsAt bidCount priceMinor currency
    bids(first: 3, orderBy: [NUMBER_DESC]) {
      amountMinor placedAt bidder { id fullname }
    }
  }
}"""
POSTGRAPHILE_SINGLE = """query Single($id: UUID!) {
  product(id: $id) {
    id title description condition
    seller { id fullname }
    status endsAt bidCount priceMinor currency
  }
}"""

Facts = list[tuple[Any, ...]]


def stored(text: str) -> UUID:
    """The stored id of a public one, of an address that ends in one, or of a plain UUID."""
    last = text.rpartition("/")[2]
    parts = split_id(last)
    return UUID(last) if parts is None else parts[1]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _product(node: dict[str, Any]) -> tuple[Any, ...]:
    seller, price = node["seller"], node["currentPrice"]
    return (
        stored(node["id"]),
        node["title"],
        node["condition"],
        (stored(seller["id"]), seller["fullname"]),
        node["status"],
        _moment(node["endsAt"]),
        node["bidCount"],
        (Decimal(price["amount"]), price["currency"]),
    )


def facts(data: dict[str, Any]) -> Facts:
    """What an answer of Souk's shape says, however its ids are written."""
    if "product" in data:
        return [(*_product(data["product"]), data["product"]["description"])]
    return [
        (
            *_product(node),
            (stored(node["category"]["id"]), node["category"]["title"]),
            [(stored(shown["url"]), shown["width"], shown["height"]) for shown in node["media"]],
            [
                (Decimal(bid["amount"]["amount"]), _moment(bid["placedAt"]))
                for bid in node["bids"]["nodes"]
            ],
        )
        for node in data["products"]["nodes"]
    ]


def _money(minor: str | int, currency: str) -> dict[str, str]:
    return {"amount": str(Decimal(minor) / 100), "currency": currency}


def of_postgraphile(data: dict[str, Any]) -> dict[str, Any]:
    """An answer of PostGraphile in Souk's shape."""

    def shaped(node: dict[str, Any]) -> dict[str, Any]:
        node["currentPrice"] = _money(node["priceMinor"], node["currency"])
        if "mediaAssets" in node:
            node["media"] = [{**shown, "url": shown["id"]} for shown in node["mediaAssets"]]
            bids = [
                {**bid, "amount": _money(bid["amountMinor"], node["currency"])}
                for bid in node["bids"]
            ]
            node["bids"] = {"nodes": bids}
        return node

    if "product" in data:
        return {"product": shaped(data["product"])}
    return {"products": {"nodes": [shaped(node) for node in data["products"]]}}


def leaves(value: Any) -> int:
    """How many values an answer has that hold no others."""
    if isinstance(value, dict):
        return sum(leaves(part) for part in value.values())
    if isinstance(value, list):
        return sum(leaves(part) for part in value)
    return 1


def require_page(data: dict[str, Any], first: int) -> None:
    """Raises AssertionError unless the answer is a whole page of so many products."""
    nodes = data["products"]["nodes"]
    assert len(nodes) == first, f"{len(nodes)} products instead of {first}"
    for node in nodes:
        assert node["seller"]["fullname"]
        assert node["category"]["title"]
        assert len(node["media"]) == 2
        bids = node["bids"]["nodes"]
        assert len(bids) == 3
        assert all(bid["bidder"]["fullname"] for bid in bids)
        amounts = [Decimal(bid["amount"]["amount"]) for bid in bids]
        assert amounts == sorted(amounts, reverse=True), "not the highest bids first"
        assert amounts[0] == Decimal(node["currentPrice"]["amount"])

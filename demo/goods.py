"""What the demo offers, read from goods.toml: the shelves, goods at a fixed price and auctions that
run. Writes nothing; amounts are cents, US dollars."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from models.catalogue import ProductCondition, ShippingMethod, SubcategoryGroup

__all__ = ["GOODS", "ITEMS", "LOTS", "SHELVES", "Good", "Item", "Lot", "Shelf"]

_POPULAR, _MORE = SubcategoryGroup.MOST_POPULAR, SubcategoryGroup.MORE


class Shelf(NamedTuple):
    """A category and its subcategories; of all, the very first ones have the fixed ids."""

    title: str
    subtitle: str
    parts: tuple[tuple[str, SubcategoryGroup], ...]


SHELVES: Final = (
    Shelf(
        "Video games",
        "Consoles and what goes with them",
        (("Xbox consoles", _POPULAR), ("Games", _POPULAR), ("Controllers", _MORE)),
    ),
    Shelf(
        "Electronics",
        "From the pocket to the living room",
        (("Palm handhelds", _POPULAR), ("Headphones", _POPULAR), ("Cameras", _MORE)),
    ),
    Shelf(
        "Jewellery & watches",
        "To wear and to keep",
        (("Cartier watches", _POPULAR), ("Rings", _MORE)),
    ),
    Shelf("Home & kitchen", "For every day", (("Kitchenware", _POPULAR), ("Lamps", _MORE))),
    Shelf("Books", "Read once or many times", (("Travel", _MORE), ("Cookery", _POPULAR))),
    Shelf(
        "Sports & outdoors",
        "Out of the door",
        (("Bicycles", _POPULAR), ("Camping", _MORE)),
    ),
)


class Item(NamedTuple):
    """How an item of the history file is called in the catalogue, and where it stands."""

    title: str
    subcategory: str


ITEMS: Final = {
    "xbox": Item("Xbox game console", "Xbox consoles"),
    "palm": Item("Palm handheld organiser", "Palm handhelds"),
    "cartier": Item("Cartier wristwatch", "Cartier watches"),
}


class Good(NamedTuple):
    """Goods at a fixed price; `shipping_minor` is 0 with FREE."""

    subcategory: str
    title: str
    description: str
    condition: ProductCondition
    price_minor: int
    quantity: int = 1
    accept_offers: bool = False
    shipping: ShippingMethod = ShippingMethod.STANDARD
    shipping_minor: int = 490


class Lot(NamedTuple):
    """An auction that runs: it started `started_hours` ago, or is still to come when negative, and
    ends in `ends_hours`. `bids` are bidders by their place among the demo's bidders, 0 and 1 being
    alice and bob, with their maxima in cents."""

    subcategory: str
    title: str
    description: str
    condition: ProductCondition
    start_minor: int
    ends_hours: float
    started_hours: float = 20
    reserve_minor: int | None = None
    buy_now_minor: int | None = None
    proxy: bool = True
    soft_close_seconds: int = 0
    bids: tuple[tuple[int, int], ...] = ()


_T = TypeVar("_T")


def _entry(kind: type[_T], values: dict[str, Any]) -> _T:
    values["condition"] = ProductCondition(values["condition"])
    if "shipping" in values:
        values["shipping"] = ShippingMethod(values["shipping"])
    if "bids" in values:
        values["bids"] = tuple((bidder, cents) for bidder, cents in values["bids"])
    return kind(**values)


_OFFERS: Final = tomllib.loads(Path(__file__).with_name("goods.toml").read_text(encoding="utf-8"))

GOODS: Final = tuple(_entry(Good, values) for values in _OFFERS["goods"])
LOTS: Final = tuple(_entry(Lot, values) for values in _OFFERS["lots"])
"""The first of them has the fixed id: the explorer's examples watch it and bid on it."""

"""What both kinds of product have, and the part that each kind adds: which fields it takes, when it
may change, what its removal does (spec/03-auctions.md#catalogue)."""

from datetime import datetime
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

from pydantic import Field

from auth.actor import Actor
from core.commands import Changes, Command, IdOf, Text, Trimmed
from core.database import UnitOfWork
from core.errors import AccountInactive, InvalidInput, NotFound
from core.ids import new_id
from core.money import Money
from core.registered import Registered
from models.catalogue import ProductCondition, ShippingMethod
from models.catalogue import products as sql
from models.catalogue.categories import active_place
from models.catalogue.products import LockedProduct
from models.identity.accounts import is_active_account
from resolvers.catalogue.categories import CategoryId, SubcategoryId
from resolvers.media.assets import AssetId, attach_media

ProductId = Annotated[UUID, IdOf("prd")]
Title = Annotated[Text, Field(min_length=1, max_length=120)]
Description = Annotated[Text, Field(min_length=1, max_length=10_000)]
Delivery = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
Addition = Annotated[Annotated[str, Field(max_length=2_000)] | None, Trimmed]
MediaIds = Annotated[tuple[AssetId, ...], Field(max_length=12)]
SoftClose = Annotated[int, Field(ge=0, le=3600)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class UpdateProduct(Changes):
    """What changes of a product; what is left out stays. Fields of the other kind are refused."""

    product_id: Annotated[ProductId, "The product."]
    title: Annotated[Title | None, "At most 120 characters."] = None
    description: Annotated[Description | None, "At most 10,000 characters of plain text."] = None
    description_addition: Annotated[
        Addition, "Put behind the description, at most 2,000 characters; allowed with bids too."
    ] = None
    condition: Annotated[ProductCondition | None, "In what state the goods are."] = None
    category_id: Annotated[CategoryId | None, "The category that it is in."] = None
    subcategory_id: Annotated[SubcategoryId | None, "A subcategory of it."] = None
    shipping_method: Annotated[ShippingMethod | None, "How the goods travel."] = None
    shipping_cost: Annotated[Money | None, "What shipping costs; null for nothing."] = None
    estimated_delivery: Annotated[Delivery, "When the goods arrive; null removes it."] = None
    media_ids: Annotated[MediaIds | None, "Exactly these pictures in this order."] = None
    add_media_ids: Annotated[MediaIds | None, "Pictures to put behind the others."] = None
    remove_media_ids: Annotated[MediaIds | None, "Pictures to take away."] = None
    price: Annotated[Money | None, "What one costs."] = None
    quantity: Annotated[Quantity | None, "How many are offered."] = None
    accept_offers: Annotated[bool | None, "Buyers may offer less."] = None
    auto_accept_amount: Annotated[
        Money | None, "Offers from this amount on are accepted; null for never."
    ] = None
    auto_decline_amount: Annotated[
        Money | None, "Offers below this amount are declined; null for never."
    ] = None
    start_price: Annotated[Money | None, "The least first bid."] = None
    reserve_price: Annotated[Money | None, "Below this you need not sell; null removes it."] = None
    buy_now_price: Annotated[
        Money | None, "What it can be bought for at once; null removes it."
    ] = None
    starts_at: Annotated[datetime | None, "When bids are taken from."] = None
    ends_at: Annotated[datetime | None, "When bidding ends."] = None
    proxy_bidding: Annotated[
        bool | None, "True: bids are secret maxima. False: bids are prices."
    ] = None
    soft_close_seconds: Annotated[
        SoftClose | None, "A bid in the last so many seconds moves the end."
    ] = None

    def amount(self, product: LockedProduct, name: str, column: str) -> Money | None:
        """The amount that a field names, null included, else that of the product's column."""
        if name in self.model_fields_set:
            value: Money | None = getattr(self, name)
            return value
        minor = getattr(product, column)
        return None if minor is None else Money(minor, product.currency)


class ProductKindPart(Protocol):
    """What a kind of product adds. `fields` are those of UpdateProduct that only it has."""

    fields: frozenset[str]

    def require_unlocked(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> None:
        """Raises ProductLocked when what is named may not change any more."""

    def changes(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> dict[str, Any]:
        """What the fields of this kind change. Raises InvalidInput."""

    def removal(self, product: LockedProduct) -> dict[str, Any]:
        """What removing it writes beside. Raises ProductLocked when it must stay."""

    async def removed(self, work: UnitOfWork, product: LockedProduct, now: datetime) -> None:
        """Tells of the removal whoever is concerned."""


KINDS: Final = Registered[ProductKindPart]("the kinds of product")
"""The part of each kind, under the word of `ProductKind`."""


class NewProduct(Command):
    """What both kinds of a new product have."""

    title: Annotated[Title, "At most 120 characters."]
    description: Annotated[Description, "At most 10,000 characters of plain text."]
    condition: Annotated[ProductCondition, "In what state the goods are."]
    category_id: Annotated[CategoryId, "The category that it is in."]
    subcategory_id: Annotated[SubcategoryId, "A subcategory of it."]


class Shipped(Command):
    """How a new product travels, and its pictures."""

    shipping_method: Annotated[ShippingMethod, "How the goods travel."]
    shipping_cost: Annotated[Money | None, "What shipping costs; nothing when left out."] = None
    estimated_delivery: Annotated[Delivery, "When the goods arrive, at most 100 characters."] = None
    media_ids: Annotated[MediaIds | None, "Your uploaded pictures in order, at most 12."] = None


def one_currency(currency: str, *amounts: tuple[str, Money | None]) -> None:
    """Every price of one product is in one currency and above zero. Raises InvalidInput."""
    for name, amount in amounts:
        if amount is None:
            continue
        path = ["input", name, "amount"]
        if amount.currency != currency:
            raise InvalidInput(
                f"All prices of a product are in one currency, here {currency}.",
                path=["input", name, "currency"],
            )
        if amount.amount_minor <= 0 and name != "shippingCost":
            raise InvalidInput(f"{name} must be more than zero.", path=path)
        if amount.amount_minor < 0:
            raise InvalidInput(f"{name} must not be negative.", path=path)


def shipping_cost(method: ShippingMethod, cost: Money | None) -> int:
    """What shipping costs, in minor units; FREE costs nothing. Raises InvalidInput."""
    minor = 0 if cost is None else cost.amount_minor
    if method is ShippingMethod.FREE and minor:
        raise InvalidInput(
            "FREE shipping costs nothing: leave shippingCost out or choose another method.",
            path=["input", "shippingCost"],
        )
    return minor


async def require_place(work: UnitOfWork, category_id: UUID, subcategory_id: UUID) -> None:
    """Both exist, are active, and the one belongs to the other. Raises NotFound, InvalidInput."""
    place = await work.first(active_place(category_id, subcategory_id))
    if place is None:
        raise NotFound("There is no such category or subcategory.", path=["input", "categoryId"])
    if not place.belongs:
        raise InvalidInput(
            "The subcategory belongs to another category.", path=["input", "subcategoryId"]
        )


async def add_product(
    work: UnitOfWork, actor: Actor, new: NewProduct, shipped: Shipped, own: dict[str, Any]
) -> UUID:
    """Lists a product with the values of its kind and gives its id. Raises Unauthenticated,
    AccountInactive, NotFound, InvalidInput."""
    seller_id = actor.member()
    if not await work.scalar(is_active_account(seller_id)):
        raise AccountInactive("This account is archived. Log in again to restore it.")
    await require_place(work, new.category_id, new.subcategory_id)
    product_id = new_id()
    shared = {
        "id": product_id,
        "seller_id": seller_id,
        "category_id": new.category_id,
        "subcategory_id": new.subcategory_id,
        "title": new.title,
        "description": new.description,
        "condition": new.condition,
        "shipping_method": shipped.shipping_method,
        "shipping_cost_minor": shipping_cost(shipped.shipping_method, shipped.shipping_cost),
        "estimated_delivery": shipped.estimated_delivery,
    }
    await work.execute(sql.add_product({**shared, **own}))
    if shipped.media_ids:
        await attach_media(work, actor, product_id, seller_id, list(shipped.media_ids))
    return product_id

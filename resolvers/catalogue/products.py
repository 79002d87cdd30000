"""Products: reading both kinds, listing what has a fixed price (spec/03-auctions.md#catalogue).
Every reading starts from what the actor may see. Auctions list theirs themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from auth.actor import Actor
from core.commands import Filter, Marker, SearchText
from core.database import Columns, Database, UnitOfWork
from core.errors import AccountInactive, BadUserInput, InvalidInput, NotFound, raises
from core.money import CurrencyCode, Decimal, Money, minor, parse_amount
from core.pages import ListRequest, Page
from models.catalogue import ProductCondition, ProductKind
from models.catalogue import products as sql
from models.catalogue.products import LockedProduct, ProductRow, ProductSort
from resolvers.catalogue.categories import CategoryId, SubcategoryId
from resolvers.catalogue.kinds import (
    KINDS,
    NewProduct,
    Quantity,
    Shipped,
    UpdateProduct,
    add_product,
    one_currency,
)
from resolvers.identity.people import UserId
from resolvers.pages import in_order, read_count, read_page


class ProductFilter(Filter):
    """Which products a list holds; all conditions hold together."""

    kind: Annotated[ProductKind | None, "How it is sold."] = None
    category_id: Annotated[CategoryId | None, "Only those in this category."] = None
    subcategory_id: Annotated[SubcategoryId | None, "Only those in this subcategory."] = None
    seller_id: Annotated[UserId | None, "Only those of this seller."] = None
    condition: Annotated[tuple[ProductCondition, ...] | None, "In one of these states."] = None
    currency: Annotated[CurrencyCode | None, "Priced in this currency; needed with a price."] = None
    price_min: Annotated[Decimal | None, "It costs at least so much now, in `currency`."] = None
    price_max: Annotated[Decimal | None, "It costs at most so much now, in `currency`."] = None
    title: Annotated[SearchText, "A part of the title, whatever its case."] = None

    def asked(self) -> dict[str, Any]:
        """The conditions that are asked for, prices in minor units. Raises BadUserInput for a price
        without a currency, or that is none."""
        asked = super().asked()
        for name, shown in (("price_min", "priceMin"), ("price_max", "priceMax")):
            if name in asked:
                asked[name] = _minor(asked[name], self.currency, f"filter.{shown}")
        return asked


def _minor(amount: str, currency: str | None, argument: str) -> int:
    if currency is None:
        raise BadUserInput(f"{argument} needs filter.currency.", argument)
    try:
        return parse_amount(amount, currency, argument.split(".")).amount_minor
    except InvalidInput as error:
        raise BadUserInput(f"{argument}: {error.message}", argument) from None


class FixedPriceTerms(NewProduct):
    """What is asked for goods at a fixed price."""

    price: Annotated[Money, "What one costs."]
    quantity: Annotated[
        Quantity, Marker.NULL_IS_DEFAULT, "How many are for sale, at most 1,000,000."
    ] = 1
    accept_offers: Annotated[bool, Marker.NULL_IS_DEFAULT, "Buyers may offer less."] = False
    auto_accept_amount: Annotated[
        Money | None, "Offers from this amount on are accepted by themselves."
    ] = None
    auto_decline_amount: Annotated[
        Money | None, "Offers below this amount are declined by themselves."
    ] = None


class CreateFixedPriceProduct(Shipped, FixedPriceTerms):
    """A new product at a fixed price."""


async def products_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[ProductRow | None]:
    """Loader: products."""
    return in_order(await database.rows(sql.products_by_ids(actor, ids, columns)), ids)


async def list_products(
    database: Database, actor: Actor, request: ListRequest[ProductFilter, ProductSort]
) -> Page[ProductRow]:
    """A page of products in an order (spec/01-api-conventions.md#lists). Raises BadUserInput."""
    return await read_page(database, actor, sql.PRODUCTS, request)


async def count_products(
    database: Database, actor: Actor, request: ListRequest[ProductFilter, ProductSort]
) -> int:
    """How many products the list holds."""
    return await read_count(database, actor, sql.PRODUCTS, request)


def _own(actor: Actor, request: ListRequest[None, None]) -> ListRequest[ProductFilter, ProductSort]:
    filter = ProductFilter(seller_id=actor.member())
    return ListRequest(request.page, filter, ProductSort.NEWEST, request.columns)


async def list_own_products(
    database: Database, actor: Actor, request: ListRequest[None, None]
) -> Page[ProductRow]:
    """A page of the actor's own products, the newest first. Raises Unauthenticated,
    BadUserInput."""
    return await read_page(database, actor, sql.PRODUCTS, _own(actor, request))


async def count_own_products(
    database: Database, actor: Actor, request: ListRequest[None, None]
) -> int:
    """How many products the actor sells. Raises Unauthenticated."""
    return await read_count(database, actor, sql.PRODUCTS, _own(actor, request))


def offer_thresholds(
    price: Money, accept_offers: bool, accept: Money | None, decline: Money | None
) -> None:
    """The amounts from which offers are accepted and below which they are declined lie below the
    price, in order. Raises InvalidInput."""
    if (accept or decline) and not accept_offers:
        raise InvalidInput("Set acceptOffers to use thresholds.", path=["input", "acceptOffers"])
    if accept is not None and accept.amount_minor > price.amount_minor:
        raise InvalidInput(
            f"autoAcceptAmount must not be above the price, {price}.",
            path=["input", "autoAcceptAmount"],
        )
    ceiling = accept or price
    if decline is not None and decline.amount_minor >= ceiling.amount_minor:
        raise InvalidInput(
            f"autoDeclineAmount must be below {ceiling}.", path=["input", "autoDeclineAmount"]
        )


@raises(InvalidInput, NotFound, AccountInactive)
async def create_fixed_price_product(
    work: UnitOfWork, actor: Actor, command: CreateFixedPriceProduct
) -> UUID:
    """Lists a product at a fixed price and gives its id. Raises InvalidInput, NotFound."""
    one_currency(
        command.price.currency,
        ("price", command.price),
        ("shippingCost", command.shipping_cost),
        ("autoAcceptAmount", command.auto_accept_amount),
        ("autoDeclineAmount", command.auto_decline_amount),
    )
    offer_thresholds(
        command.price,
        command.accept_offers,
        command.auto_accept_amount,
        command.auto_decline_amount,
    )
    own = {
        "kind": ProductKind.FIXED,
        "currency": command.price.currency,
        "price_minor": command.price.amount_minor,
        "quantity": command.quantity,
        "quantity_available": command.quantity,
        "accept_offers": command.accept_offers,
        "auto_accept_minor": minor(command.auto_accept_amount),
        "auto_decline_minor": minor(command.auto_decline_amount),
    }
    return await add_product(work, actor, command, command, own)


class FixedPrice:
    """The part of goods at a fixed price."""

    fields = frozenset(
        {"price", "quantity", "accept_offers", "auto_accept_amount", "auto_decline_amount"}
    )

    def require_unlocked(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> None:
        """Nothing of it is ever locked."""

    def changes(
        self, product: LockedProduct, command: UpdateProduct, now: datetime
    ) -> dict[str, Any]:
        """What the price and the offers change. Raises InvalidInput."""
        price = command.price or Money(product.price_minor, product.currency)
        accept = command.amount(product, "auto_accept_amount", "auto_accept_minor")
        decline = command.amount(product, "auto_decline_amount", "auto_decline_minor")
        one_currency(
            product.currency,
            ("price", price),
            ("autoAcceptAmount", accept),
            ("autoDeclineAmount", decline),
        )
        offers = product.accept_offers if command.accept_offers is None else command.accept_offers
        offer_thresholds(price, offers, accept, decline)
        quantity = command.quantity or product.quantity
        taken = product.quantity - product.quantity_available
        if quantity < taken:
            raise InvalidInput(f"{taken} are sold or held already.", path=["input", "quantity"])
        return {
            "price_minor": price.amount_minor,
            "accept_offers": offers,
            "auto_accept_minor": minor(accept),
            "auto_decline_minor": minor(decline),
            "quantity": quantity,
            "quantity_available": quantity - taken,
        }

    def removal(self, product: LockedProduct) -> dict[str, Any]:
        """Nothing beside."""
        return {}

    async def removed(self, work: UnitOfWork, product: LockedProduct, now: datetime) -> None:
        """Nobody is concerned."""


KINDS.part(ProductKind.FIXED.value)(FixedPrice())

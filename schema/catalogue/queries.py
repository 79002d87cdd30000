"""Reading products: one, a filtered and sorted list, one's own."""

from typing import Annotated

import strawberry

from core.commands import wish
from core.errors import BadUserInput, InvalidInput
from core.ids import decode_id, decode_optional
from core.money import parse_amount
from core.pages import PageRequest, page_request
from graph.arguments import After, Before, First, Last
from graph.columns import asked
from graph.connections import Connection, connection_of
from graph.context import Info
from graph.scalars import CurrencyCode, Decimal
from models.catalogue.products import ProductWishes
from resolvers.catalogue import reading
from schema.catalogue.types import Product, product_of
from schema.catalogue.words import ProductCondition, ProductKind, ProductSort


@strawberry.input(description="Which products a list holds; all conditions hold together.")
class ProductFilter:
    kind: ProductKind | None = strawberry.field(default=None, description="How it is sold.")
    category_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those in this category."
    )
    subcategory_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those in this subcategory."
    )
    seller_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of this seller."
    )
    condition: list[ProductCondition] | None = strawberry.field(
        default=None, description="In one of these states."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=None, description="Priced in this currency; needed with a price."
    )
    price_min: Decimal | None = strawberry.field(
        default=None, description="It costs at least so much now, in `currency`."
    )
    price_max: Decimal | None = strawberry.field(
        default=None, description="It costs at most so much now, in `currency`."
    )
    title: str | None = strawberry.field(
        default=None, description="A part of the title, whatever its case."
    )


def _minor(amount: Decimal | None, currency: str | None, name: str) -> int | None:
    if amount is None:
        return None
    if currency is None:
        raise BadUserInput(f"filter.{name} needs filter.currency.", f"filter.{name}")
    try:
        return parse_amount(amount, currency, ["filter", name]).amount_minor
    except InvalidInput as error:
        raise BadUserInput(f"filter.{name}: {error.message}", f"filter.{name}") from None


def _wishes(filter: ProductFilter | None) -> ProductWishes:
    if filter is None:
        return ProductWishes()
    return ProductWishes(
        kind=filter.kind,
        category_id=decode_optional("cat", filter.category_id, "filter.categoryId"),
        subcategory_id=decode_optional("sub", filter.subcategory_id, "filter.subcategoryId"),
        seller_id=decode_optional("usr", filter.seller_id, "filter.sellerId"),
        conditions=tuple(filter.condition or ()),
        currency=filter.currency,
        price_min_minor=_minor(filter.price_min, filter.currency, "priceMin"),
        price_max_minor=_minor(filter.price_max, filter.currency, "priceMax"),
        title=wish(filter.title, "filter.title"),
    )


async def _listed(
    info: Info, wishes: ProductWishes, sort: ProductSort, page: PageRequest
) -> Connection[Product]:
    database, actor = info.context.database, info.context.actor
    found = await reading.list_products(database, actor, wishes, sort, page, asked(info))
    nodes = [product_of(row, actor) for row in found.rows]
    made: Connection[Product] = connection_of(
        found, nodes, lambda _: reading.count_products(database, actor, wishes, sort)
    )
    return made


@strawberry.type
class ProductQuery:
    """Reading products."""

    @strawberry.field(description="The product of this id; null when there is none to see.")
    async def product(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The product's id.")],
    ) -> Product | None:
        found: Product | None = await info.context.load("product", decode_id("prd", id, "id"))
        return found

    @strawberry.field(description="The products on sale.")
    async def products(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            ProductFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
        sort: Annotated[
            ProductSort | None, strawberry.argument(description="In which order.")
        ] = ProductSort.NEWEST,
    ) -> Connection[Product]:
        page = page_request(first, after, last, before)
        return await _listed(info, _wishes(filter), sort or ProductSort.NEWEST, page)

    @strawberry.field(description="The products that you sell, newest first. Signed in.")
    async def my_products(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Product]:
        wishes = ProductWishes(seller_id=info.context.actor.member())
        page = page_request(first, after, last, before)
        return await _listed(info, wishes, ProductSort.NEWEST, page)

"""Listing, changing and removing products."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from core.ids import decode_id
from graph.context import Info
from graph.errors import AccountInactive, InvalidInput, NotFound
from graph.unions import result
from resolvers.catalogue import editing, listing
from schema.catalogue.errors import ProductLocked
from schema.catalogue.inputs import (
    CreateAuctionProductInput,
    CreateFixedPriceProductInput,
    DeleteProductInput,
    UpdateProductInput,
    auction_command,
    fixed_price_command,
    update_command,
)
from schema.catalogue.types import AuctionProduct, FixedPriceProduct, Product


@strawberry.type(description="The product is listed.")
class CreateFixedPriceProductPayload:
    product: FixedPriceProduct = strawberry.field(description="The new product.")


@strawberry.type(description="The auction is listed.")
class CreateAuctionProductPayload:
    product: AuctionProduct = strawberry.field(description="The new auction.")


@strawberry.type(description="The product was changed.")
class UpdateProductPayload:
    product: Product = strawberry.field(description="The product as it is now.")


@strawberry.type(description="The product is off sale and out of sight.")
class DeleteProductPayload:
    product_id: strawberry.ID = strawberry.field(description="The product that is gone.")


CreateFixedPriceProductResult = Annotated[
    CreateFixedPriceProductPayload | InvalidInput | NotFound | AccountInactive,
    result("CreateFixedPriceProductResult", "listing a product at a fixed price"),
]
CreateAuctionProductResult = Annotated[
    CreateAuctionProductPayload | InvalidInput | NotFound | AccountInactive,
    result("CreateAuctionProductResult", "listing an auction"),
]
UpdateProductResult = Annotated[
    UpdateProductPayload | InvalidInput | NotFound | ProductLocked,
    result("UpdateProductResult", "changing a product"),
]
DeleteProductResult = Annotated[
    DeleteProductPayload | NotFound | ProductLocked,
    result("DeleteProductResult", "removing a product"),
]


async def _written(info: Info, use_case: Any, command: Any) -> Any:
    actor = info.context.actor
    product_id: UUID = await info.context.write(lambda work: use_case(work, actor, command))
    return await info.context.load("product", product_id)


@strawberry.type
class ProductMutation:
    """Writing products."""

    @strawberry.mutation(description="Lists a product at a fixed price. Signed in.")
    async def create_fixed_price_product(
        self, info: Info, input: CreateFixedPriceProductInput
    ) -> CreateFixedPriceProductResult:
        info.context.actor.member()
        command = fixed_price_command(input)
        product = await _written(info, listing.create_fixed_price, command)
        return CreateFixedPriceProductPayload(product=product)

    @strawberry.mutation(description="Lists an auction. Signed in.")
    async def create_auction_product(
        self, info: Info, input: CreateAuctionProductInput
    ) -> CreateAuctionProductResult:
        info.context.actor.member()
        product = await _written(info, listing.create_auction, auction_command(input))
        return CreateAuctionProductPayload(product=product)

    @strawberry.mutation(
        description="Changes a product. Its seller and admins. While an auction has bids, only "
        "description additions, media and shipping may change."
    )
    async def update_product(self, info: Info, input: UpdateProductInput) -> UpdateProductResult:
        info.context.actor.member()
        product = await _written(info, editing.update_product, update_command(input))
        return UpdateProductPayload(product=product)

    @strawberry.mutation(
        description="Takes a product off sale, softly. Its seller and admins. An auction with bids "
        "is ended early instead."
    )
    async def delete_product(self, info: Info, input: DeleteProductInput) -> DeleteProductResult:
        actor = info.context.actor
        product_id = decode_id("prd", input.product_id, "input.productId")
        await info.context.write(lambda work: editing.delete_product(work, actor, product_id))
        return DeleteProductPayload(product_id=input.product_id)

"""Reading, listing, changing and removing products, as clients see it. Holds no rule."""

import strawberry

from auth.actor import ApiKeyScope
from auth.who import SIGNED_IN
from graph.kept import SHELF
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.queries import by_id
from graph.relations import relation
from models.catalogue.products import ProductSort
from resolvers.catalogue import editing
from resolvers.catalogue import products as cases
from schema.catalogue.types import FixedPriceProduct, Product

product = by_id(
    Product,
    scope=ApiKeyScope.READ,
    kept=SHELF,
    description="The product of this id; null when there is none to see.",
    argument="The product's id.",
)
products = listing(
    Product,
    cases.list_products,
    cases.count_products,
    filter=cases.ProductFilter,
    sort=ProductSort.NEWEST,
    scope=ApiKeyScope.READ,
    kept=SHELF,
    description="The products on sale.",
)
my_products = listing(
    Product,
    cases.list_own_products,
    cases.count_own_products,
    who=SIGNED_IN,
    scope=ApiKeyScope.READ,
    description="The products that you sell, newest first. Signed in.",
)


@payload("The product is listed.")
class CreateFixedPriceProductPayload(Payload):
    product: FixedPriceProduct = relation(key="outcome", description="The new product.")


@payload("The product was changed.")
class UpdateProductPayload(Payload):
    product: Product = relation(key="outcome", description="The product as it is now.")


@payload("The product is off sale and out of sight.")
class DeleteProductPayload(Payload):
    product_id: strawberry.ID = told(prefix="prd", description="The product that is gone.")


create_fixed_price_product = mutation(
    cases.create_fixed_price_product,
    CreateFixedPriceProductPayload,
    scope=ApiKeyScope.WRITE,
    description="Lists a product at a fixed price. Signed in.",
    doing="listing a product at a fixed price",
)
update_product = mutation(
    editing.update_product,
    UpdateProductPayload,
    scope=ApiKeyScope.WRITE,
    description="Changes a product. Its seller and admins. While an auction has bids, only "
    "description additions, media and shipping may change.",
    doing="changing a product",
)
delete_product = mutation(
    editing.delete_product,
    DeleteProductPayload,
    scope=ApiKeyScope.WRITE,
    description="Takes a product off sale, softly. Its seller and admins. An auction with bids is "
    "ended early instead.",
    doing="removing a product",
)

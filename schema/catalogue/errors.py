"""Typed errors of the catalogue."""

import strawberry

from graph.errors import DomainErrorHandler, UserError
from resolvers.catalogue import errors


@strawberry.type(description="It still has active products, so it is not deleted.")
class CategoryInUse(UserError):
    product_count: int = strawberry.field(description="How many active products it has.")


@strawberry.type(
    description="The product has bids or is over: only description additions, media and shipping "
    "may change."
)
class ProductLocked(UserError):
    pass


HANDLERS = [
    DomainErrorHandler(errors.CategoryInUse, CategoryInUse),
    DomainErrorHandler(errors.ProductLocked, ProductLocked),
]

"""What can be wrong in the catalogue, beside bad input."""

from dataclasses import dataclass
from typing import ClassVar

from core.errors import DomainError, ErrorCode


@dataclass(eq=False)
class CategoryInUse(DomainError):
    """A category or subcategory with active products is not deleted; says how many."""

    code: ClassVar[ErrorCode] = ErrorCode.CATEGORY_IN_USE
    product_count: int


@dataclass(eq=False)
class ProductLocked(DomainError):
    """The product has bids or has ended: only its description, media and shipping may change."""

    code: ClassVar[ErrorCode] = ErrorCode.PRODUCT_LOCKED

"""Reading categories, and writing them for admins, as clients see it. Holds no rule:
resolvers/catalogue/categories.py does."""

import strawberry

from auth.api_keys import ApiKeyScope
from graph.kept import STILL
from graph.lists import listing
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.queries import by_id
from graph.relations import relation
from models.catalogue.categories import CategoryFilter, SubcategoryFilter
from resolvers.catalogue import categories as cases
from schema.catalogue.types import Category, Subcategory

category = by_id(
    Category,
    scope=ApiKeyScope.READ,
    kept=STILL,
    description="The category of this id; null when there is none to see.",
    argument="The category's id.",
)
subcategory = by_id(
    Subcategory,
    scope=ApiKeyScope.READ,
    kept=STILL,
    description="The subcategory of this id; null when there is none to see.",
    argument="The subcategory's id.",
)
categories = listing(
    Category,
    cases.list_categories,
    cases.count_categories,
    filter=CategoryFilter,
    scope=ApiKeyScope.READ,
    kept=STILL,
    description="The categories by title.",
)
subcategories = listing(
    Subcategory,
    cases.list_subcategories,
    cases.count_subcategories,
    filter=SubcategoryFilter,
    scope=ApiKeyScope.READ,
    kept=STILL,
    description="The subcategories by name.",
)


@payload("The category was made.")
class CreateCategoryPayload(Payload):
    category: Category = relation(key="outcome", description="The new category.")


@payload("The category was changed.")
class UpdateCategoryPayload(Payload):
    category: Category = relation(key="outcome", description="The category as it is now.")


@payload("The category is out of sight.")
class DeleteCategoryPayload(Payload):
    category_id: strawberry.ID = told(prefix="cat", description="The category that is gone.")


@payload("The subcategory was made.")
class CreateSubcategoryPayload(Payload):
    subcategory: Subcategory = relation(key="outcome", description="The new subcategory.")


@payload("The subcategory was changed.")
class UpdateSubcategoryPayload(Payload):
    subcategory: Subcategory = relation(key="outcome", description="The subcategory as it is now.")


@payload("The subcategory is out of sight.")
class DeleteSubcategoryPayload(Payload):
    subcategory_id: strawberry.ID = told(prefix="sub", description="The subcategory that is gone.")


create_category = mutation(
    cases.create_category,
    CreateCategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Makes a category. ADMIN.",
    doing="making a category",
)
update_category = mutation(
    cases.update_category,
    UpdateCategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Changes a category. ADMIN.",
    doing="changing a category",
)
delete_category = mutation(
    cases.delete_category,
    DeleteCategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Deletes a category without active products, softly. ADMIN.",
    doing="deleting a category",
)
create_subcategory = mutation(
    cases.create_subcategory,
    CreateSubcategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Makes a subcategory. ADMIN.",
    doing="making a subcategory",
)
update_subcategory = mutation(
    cases.update_subcategory,
    UpdateSubcategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Changes a subcategory. ADMIN.",
    doing="changing a subcategory",
)
delete_subcategory = mutation(
    cases.delete_subcategory,
    DeleteSubcategoryPayload,
    scope=ApiKeyScope.WRITE,
    description="Deletes a subcategory without active products, softly. ADMIN.",
    doing="deleting a subcategory",
)

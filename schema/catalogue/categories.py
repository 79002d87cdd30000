"""Categories: reading for all, writing for admins."""

from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from core.commands import wish
from core.ids import decode_id, decode_optional
from core.pages import page_request
from graph.arguments import After, Before, First, Last
from graph.connections import Connection, connection_of
from graph.context import Info
from graph.errors import InvalidInput, NotFound
from graph.unions import result
from models.catalogue.statements import SubcategoryWishes
from resolvers.catalogue import categories, reading
from schema.catalogue.errors import CategoryInUse
from schema.catalogue.types import Category, Subcategory
from schema.catalogue.words import SubcategoryGroup


@strawberry.input(description="Which subcategories a list holds; all conditions hold together.")
class SubcategoryFilter:
    category_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of this category."
    )
    name: str | None = strawberry.field(default=None, description="A part of the name.")
    group: SubcategoryGroup | None = strawberry.field(
        default=None, description="Only those of this group."
    )


CategoryId = Annotated[strawberry.ID, strawberry.argument(description="The category's id.")]
SubcategoryId = Annotated[strawberry.ID, strawberry.argument(description="The subcategory's id.")]


@strawberry.type
class CategoryQuery:
    """Reading categories."""

    @strawberry.field(description="The category of this id; null when there is none to see.")
    async def category(self, info: Info, id: CategoryId) -> Category | None:
        found: Category | None = await info.context.load("category", decode_id("cat", id, "id"))
        return found

    @strawberry.field(description="The subcategory of this id; null when there is none to see.")
    async def subcategory(self, info: Info, id: SubcategoryId) -> Subcategory | None:
        found: Subcategory | None = await info.context.load(
            "subcategory", decode_id("sub", id, "id")
        )
        return found

    @strawberry.field(description="The categories by title.")
    async def categories(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        title: Annotated[
            str | None, strawberry.argument(description="Only those with this in their title.")
        ] = None,
    ) -> Connection[Category]:
        database, actor = info.context.database, info.context.actor
        title = wish(title, "title")
        page = await reading.list_categories(
            database, actor, title, page_request(first, after, last, before)
        )
        nodes = [Category.of(row, actor) for row in page.rows]
        made: Connection[Category] = connection_of(
            page, nodes, lambda _: reading.count_categories(database, actor, title)
        )
        return made

    @strawberry.field(description="The subcategories by name.")
    async def subcategories(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            SubcategoryFilter | None, strawberry.argument(description="Which ones.")
        ] = None,
    ) -> Connection[Subcategory]:
        database, actor = info.context.database, info.context.actor
        wishes = SubcategoryWishes()
        if filter is not None:
            wishes = SubcategoryWishes(
                category_id=decode_optional("cat", filter.category_id, "filter.categoryId"),
                name=wish(filter.name, "filter.name"),
                group=filter.group,
            )
        page = await reading.list_subcategories(
            database, actor, wishes, page_request(first, after, last, before)
        )
        nodes = [Subcategory.of(row, actor) for row in page.rows]
        made: Connection[Subcategory] = connection_of(
            page, nodes, lambda _: reading.count_subcategories(database, actor, wishes)
        )
        return made


@strawberry.input(description="A new category.")
class CreateCategoryInput:
    title: str = strawberry.field(description="Its name, at most 100 characters.")
    subtitle: str | None = strawberry.field(
        default=None, description="More of it, at most 200 characters."
    )
    image_url: str | None = strawberry.field(
        default=None, description="A picture's address, at most 500 characters."
    )


@strawberry.input(description="What changes of a category; what is left out stays.")
class UpdateCategoryInput:
    category_id: strawberry.ID = strawberry.field(description="The category.")
    title: str | None = strawberry.field(default=UNSET, description="Its new name.")
    subtitle: str | None = strawberry.field(
        default=UNSET, description="Its new subtitle; null removes it."
    )
    image_url: str | None = strawberry.field(
        default=UNSET, description="Its new picture; null removes it."
    )


@strawberry.input(description="The category to delete.")
class DeleteCategoryInput:
    category_id: strawberry.ID = strawberry.field(description="The category.")


@strawberry.input(description="A new subcategory.")
class CreateSubcategoryInput:
    category_id: strawberry.ID = strawberry.field(description="The category that it is part of.")
    name: str = strawberry.field(description="Its name, at most 100 characters.")
    group: SubcategoryGroup | None = strawberry.field(
        default=SubcategoryGroup.MORE, description="Where it is shown."
    )


@strawberry.input(description="What changes of a subcategory; what is left out stays.")
class UpdateSubcategoryInput:
    subcategory_id: strawberry.ID = strawberry.field(description="The subcategory.")
    name: str | None = strawberry.field(default=None, description="Its new name.")
    group: SubcategoryGroup | None = strawberry.field(
        default=None, description="Where it is shown from now on."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=None, description="The category that it is part of from now on, with its products."
    )


@strawberry.input(description="The subcategory to delete.")
class DeleteSubcategoryInput:
    subcategory_id: strawberry.ID = strawberry.field(description="The subcategory.")


@strawberry.type(description="The category was made.")
class CreateCategoryPayload:
    category: Category = strawberry.field(description="The new category.")


@strawberry.type(description="The category was changed.")
class UpdateCategoryPayload:
    category: Category = strawberry.field(description="The category as it is now.")


@strawberry.type(description="The category is out of sight.")
class DeleteCategoryPayload:
    category_id: strawberry.ID = strawberry.field(description="The category that is gone.")


@strawberry.type(description="The subcategory was made.")
class CreateSubcategoryPayload:
    subcategory: Subcategory = strawberry.field(description="The new subcategory.")


@strawberry.type(description="The subcategory was changed.")
class UpdateSubcategoryPayload:
    subcategory: Subcategory = strawberry.field(description="The subcategory as it is now.")


@strawberry.type(description="The subcategory is out of sight.")
class DeleteSubcategoryPayload:
    subcategory_id: strawberry.ID = strawberry.field(description="The subcategory that is gone.")


CreateCategoryResult = Annotated[
    CreateCategoryPayload | InvalidInput, result("CreateCategoryResult", "making a category")
]
UpdateCategoryResult = Annotated[
    UpdateCategoryPayload | InvalidInput | NotFound,
    result("UpdateCategoryResult", "changing a category"),
]
DeleteCategoryResult = Annotated[
    DeleteCategoryPayload | CategoryInUse | NotFound,
    result("DeleteCategoryResult", "deleting a category"),
]
CreateSubcategoryResult = Annotated[
    CreateSubcategoryPayload | InvalidInput | NotFound,
    result("CreateSubcategoryResult", "making a subcategory"),
]
UpdateSubcategoryResult = Annotated[
    UpdateSubcategoryPayload | InvalidInput | NotFound,
    result("UpdateSubcategoryResult", "changing a subcategory"),
]
DeleteSubcategoryResult = Annotated[
    DeleteSubcategoryPayload | CategoryInUse | NotFound,
    result("DeleteSubcategoryResult", "deleting a subcategory"),
]


def _given(input: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(input, name)) is not UNSET}


async def _run(info: Info, use_case: Any, command: Any) -> UUID:
    actor = info.context.actor
    made: UUID = await info.context.write(lambda work: use_case(work, actor, command))
    return made


@strawberry.type
class CategoryMutation:
    """Writing categories; admins only."""

    @strawberry.mutation(description="Makes a category. ADMIN.")
    async def create_category(self, info: Info, input: CreateCategoryInput) -> CreateCategoryResult:
        command = categories.CreateCategory.of(
            title=input.title, subtitle=input.subtitle, image_url=input.image_url
        )
        category_id = await _run(info, categories.create_category, command)
        return CreateCategoryPayload(category=await info.context.load("category", category_id))

    @strawberry.mutation(description="Changes a category. ADMIN.")
    async def update_category(self, info: Info, input: UpdateCategoryInput) -> UpdateCategoryResult:
        command = categories.UpdateCategory.of(
            category_id=decode_id("cat", input.category_id, "input.categoryId"),
            **_given(input, "title", "subtitle", "image_url"),
        )
        category_id = await _run(info, categories.update_category, command)
        return UpdateCategoryPayload(category=await info.context.load("category", category_id))

    @strawberry.mutation(description="Deletes a category without active products, softly. ADMIN.")
    async def delete_category(self, info: Info, input: DeleteCategoryInput) -> DeleteCategoryResult:
        category_id = decode_id("cat", input.category_id, "input.categoryId")
        await _run(info, categories.delete_category, category_id)
        return DeleteCategoryPayload(category_id=input.category_id)

    @strawberry.mutation(description="Makes a subcategory. ADMIN.")
    async def create_subcategory(
        self, info: Info, input: CreateSubcategoryInput
    ) -> CreateSubcategoryResult:
        command = categories.CreateSubcategory.of(
            category_id=decode_id("cat", input.category_id, "input.categoryId"),
            name=input.name,
            group=input.group or SubcategoryGroup.MORE,
        )
        made = await _run(info, categories.create_subcategory, command)
        return CreateSubcategoryPayload(subcategory=await info.context.load("subcategory", made))

    @strawberry.mutation(description="Changes a subcategory. ADMIN.")
    async def update_subcategory(
        self, info: Info, input: UpdateSubcategoryInput
    ) -> UpdateSubcategoryResult:
        command = categories.UpdateSubcategory.of(
            subcategory_id=decode_id("sub", input.subcategory_id, "input.subcategoryId"),
            name=input.name,
            group=input.group,
            category_id=decode_optional("cat", input.category_id, "input.categoryId"),
        )
        made = await _run(info, categories.update_subcategory, command)
        return UpdateSubcategoryPayload(subcategory=await info.context.load("subcategory", made))

    @strawberry.mutation(
        description="Deletes a subcategory without active products, softly. ADMIN."
    )
    async def delete_subcategory(
        self, info: Info, input: DeleteSubcategoryInput
    ) -> DeleteSubcategoryResult:
        subcategory_id = decode_id("sub", input.subcategory_id, "input.subcategoryId")
        await _run(info, categories.delete_subcategory, subcategory_id)
        return DeleteSubcategoryPayload(subcategory_id=input.subcategory_id)

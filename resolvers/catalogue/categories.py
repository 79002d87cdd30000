"""Categories and subcategories: everybody reads them, admins write them
(spec/03-auctions.md#catalogue)."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, Permission
from core.commands import Changes, Command, IdOf, Marker, Text, Trimmed
from core.database import Columns, Database, UnitOfWork
from core.errors import InvalidInput, NotFound, raises
from core.ids import encode_id, new_id
from core.pages import ListRequest, Page, PageRequest
from models.catalogue import SubcategoryGroup
from models.catalogue import categories as sql
from models.catalogue.categories import (
    CategoryFilter,
    CategoryRow,
    LockedCategory,
    LockedSubcategory,
    SubcategoryFilter,
    SubcategoryRow,
)
from models.catalogue.tables import archived
from resolvers.audit import AuditAction, record
from resolvers.catalogue.errors import CategoryInUse
from resolvers.catalogue.events import CatalogueAction
from resolvers.pages import in_order, read_count, read_counts, read_page, read_pages

CategoryId = Annotated[UUID, IdOf("cat")]
SubcategoryId = Annotated[UUID, IdOf("sub")]
Title = Annotated[Text, Field(min_length=1, max_length=100)]
Subtitle = Annotated[Annotated[str, Field(max_length=200)] | None, Trimmed]
WebAddress = Annotated[
    Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")] | None, Trimmed
]


class CreateCategory(Command):
    """A new category."""

    title: Annotated[Title, "Its name, at most 100 characters."]
    subtitle: Annotated[Subtitle, "More of it, at most 200 characters."] = None
    image_url: Annotated[WebAddress, "A picture's address, at most 500 characters."] = None


class UpdateCategory(Changes):
    """What changes of a category; what is left out stays."""

    category_id: Annotated[CategoryId, "The category."]
    title: Annotated[Title | None, Marker.NULL_IS_DEFAULT, "Its new name."] = None
    subtitle: Annotated[Subtitle, "Its new subtitle; null removes it."] = None
    image_url: Annotated[WebAddress, "Its new picture; null removes it."] = None


class DeleteCategory(Command):
    """The category to delete."""

    category_id: Annotated[CategoryId, "The category."]


class CreateSubcategory(Command):
    """A new subcategory."""

    category_id: Annotated[CategoryId, "The category that it is part of."]
    name: Annotated[Title, "Its name, at most 100 characters."]
    group: Annotated[SubcategoryGroup, Marker.NULL_IS_DEFAULT, "Where it is shown."] = (
        SubcategoryGroup.MORE
    )


class UpdateSubcategory(Command):
    """What changes of a subcategory; what is left out stays."""

    subcategory_id: Annotated[SubcategoryId, "The subcategory."]
    name: Annotated[Title | None, "Its new name."] = None
    group: Annotated[SubcategoryGroup | None, "Where it is shown from now on."] = None
    category_id: Annotated[
        CategoryId | None, "The category that it is part of from now on, with its products."
    ] = None


class DeleteSubcategory(Command):
    """The subcategory to delete."""

    subcategory_id: Annotated[SubcategoryId, "The subcategory."]


async def categories_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[CategoryRow | None]:
    """Loader: categories."""
    return in_order(await database.rows(sql.categories_by_ids(actor, ids, columns)), ids)


async def subcategories_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[SubcategoryRow | None]:
    """Loader: subcategories."""
    return in_order(await database.rows(sql.subcategories_by_ids(actor, ids, columns)), ids)


async def list_categories(
    database: Database, actor: Actor, request: ListRequest[CategoryFilter, None]
) -> Page[CategoryRow]:
    """A page of categories by title. Raises BadUserInput."""
    return await read_page(database, actor, sql.CATEGORIES, request)


async def count_categories(
    database: Database, actor: Actor, request: ListRequest[CategoryFilter, None]
) -> int:
    """How many categories the list holds."""
    return await read_count(database, actor, sql.CATEGORIES, request)


async def list_subcategories(
    database: Database, actor: Actor, request: ListRequest[SubcategoryFilter, None]
) -> Page[SubcategoryRow]:
    """A page of subcategories by name. Raises BadUserInput."""
    return await read_page(database, actor, sql.SUBCATEGORIES, request)


async def count_subcategories(
    database: Database, actor: Actor, request: ListRequest[SubcategoryFilter, None]
) -> int:
    """How many subcategories the list holds."""
    return await read_count(database, actor, sql.SUBCATEGORIES, request)


async def subcategory_pages(
    database: Database,
    actor: Actor,
    keys: list[tuple[UUID, PageRequest]],
    columns: Columns = None,
) -> Sequence[Page[SubcategoryRow]]:
    """Loader: a page of subcategories for each pair of category and page."""
    return await read_pages(database, actor, sql.SUBCATEGORIES, keys, columns)


async def subcategory_counts(database: Database, actor: Actor, ids: list[UUID]) -> Sequence[int]:
    """Loader: how many subcategories each category shows."""
    return await read_counts(database, actor, sql.SUBCATEGORIES, ids)


@raises(InvalidInput)
async def create_category(work: UnitOfWork, actor: Actor, command: CreateCategory) -> UUID:
    """Makes a category and gives its id. Admins only. Raises Forbidden."""
    actor.require(Permission.MANAGE_CATEGORIES)
    category_id = new_id()
    values = command.model_dump()
    await work.execute(sql.add_category({"id": category_id, **values}))
    await _note(work, actor, CatalogueAction.CATEGORY_CREATE, category_id, {"after": values})
    return category_id


@raises(InvalidInput, NotFound)
async def update_category(work: UnitOfWork, actor: Actor, command: UpdateCategory) -> UUID:
    """Changes a category. Admins only. Raises Forbidden, NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    changes = command.model_dump(exclude_unset=True, exclude={"category_id"})
    row = await _require_category(work, command.category_id)
    if (difference := _difference(row, changes)) is not None:
        await work.execute(sql.change_category(command.category_id, changes))
        await _note(work, actor, CatalogueAction.CATEGORY_UPDATE, command.category_id, difference)
    return command.category_id


@raises(CategoryInUse, NotFound)
async def delete_category(work: UnitOfWork, actor: Actor, command: DeleteCategory) -> UUID:
    """Takes a category out of sight, softly. Admins only. Raises Forbidden, NotFound, CategoryInUse
    while it has active products."""
    actor.require(Permission.MANAGE_CATEGORIES)
    category_id = command.category_id
    await _require_category(work, category_id)
    _refuse_in_use(await work.count(sql.products_in_category(category_id)))
    await work.execute(sql.change_category(category_id, archived(await work.clock())))
    await _note(work, actor, CatalogueAction.CATEGORY_DELETE, category_id, {})
    return category_id


@raises(InvalidInput, NotFound)
async def create_subcategory(work: UnitOfWork, actor: Actor, command: CreateSubcategory) -> UUID:
    """Makes a subcategory of an active category and gives its id. Admins only. Raises Forbidden,
    NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    await _require_category(work, command.category_id)
    subcategory_id = new_id()
    values = command.model_dump(exclude={"group"}) | {"group_name": command.group}
    await work.execute(sql.add_subcategory({"id": subcategory_id, **values}))
    after = {name: _shown(value) for name, value in values.items()}
    await _note(work, actor, CatalogueAction.SUBCATEGORY_CREATE, subcategory_id, {"after": after})
    return subcategory_id


@raises(InvalidInput, NotFound)
async def update_subcategory(work: UnitOfWork, actor: Actor, command: UpdateSubcategory) -> UUID:
    """Changes a subcategory; moved to another category, its products move along. Admins only.
    Raises Forbidden, NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    row = await _require_subcategory(work, command.subcategory_id)
    changes: dict[str, object] = {}
    if command.name is not None:
        changes["name"] = command.name
    if command.group is not None:
        changes["group_name"] = command.group
    if command.category_id is not None:
        await _require_category(work, command.category_id)
        changes["category_id"] = command.category_id
    if (difference := _difference(row, changes)) is not None:
        await work.execute(sql.change_subcategory(command.subcategory_id, changes))
        await _note(
            work, actor, CatalogueAction.SUBCATEGORY_UPDATE, command.subcategory_id, difference
        )
    return command.subcategory_id


@raises(CategoryInUse, NotFound)
async def delete_subcategory(work: UnitOfWork, actor: Actor, command: DeleteSubcategory) -> UUID:
    """Takes a subcategory out of sight, softly. Admins only. Raises Forbidden, NotFound,
    CategoryInUse while it has active products."""
    actor.require(Permission.MANAGE_CATEGORIES)
    subcategory_id = command.subcategory_id
    await _require_subcategory(work, subcategory_id)
    _refuse_in_use(await work.count(sql.products_in_subcategory(subcategory_id)))
    changes = archived(await work.clock())
    await work.execute(sql.change_subcategory(subcategory_id, changes))
    await _note(work, actor, CatalogueAction.SUBCATEGORY_DELETE, subcategory_id, {})
    return subcategory_id


async def _require_category(work: UnitOfWork, category_id: UUID) -> LockedCategory:
    row = await work.first(sql.lock_category(category_id))
    if row is None or not row.is_active:
        raise NotFound("There is no such category.", path=["input", "categoryId"])
    return row


async def _require_subcategory(work: UnitOfWork, subcategory_id: UUID) -> LockedSubcategory:
    row = await work.first(sql.lock_subcategory(subcategory_id))
    if row is None or not row.is_active:
        raise NotFound("There is no such subcategory.", path=["input", "subcategoryId"])
    return row


def _difference(row: Any, changes: dict[str, Any]) -> dict[str, Any] | None:
    """What really changes, before and after; None when nothing does."""
    names = [name for name, value in changes.items() if getattr(row, name) != value]
    if not names:
        return None
    return {
        "before": {name: _shown(getattr(row, name)) for name in names},
        "after": {name: _shown(changes[name]) for name in names},
    }


def _shown(value: Any) -> Any:
    return encode_id("cat", value) if isinstance(value, UUID) else value


async def _note(
    work: UnitOfWork, actor: Actor, action: AuditAction, row_id: UUID, details: dict[str, Any]
) -> None:
    sub = action.value.startswith("sub")
    await record(
        work,
        actor,
        action,
        object_type="Subcategory" if sub else "Category",
        object_id=encode_id("sub" if sub else "cat", row_id),
        details=details,
    )


def _refuse_in_use(count: int) -> None:
    if count:
        raise CategoryInUse(
            f"It has {count} active products. Move or remove them first.", product_count=count
        )

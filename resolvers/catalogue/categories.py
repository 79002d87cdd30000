"""Categories and subcategories: admins write them (spec/03-auctions.md#catalogue)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from auth.actor import Actor, Permission
from core.commands import Command, Text, Trimmed
from core.database import UnitOfWork
from core.errors import NotFound
from core.ids import encode_id, new_id
from models.catalogue import Category, Product, Subcategory, SubcategoryGroup
from models.catalogue import statements as sql
from resolvers.audit import AuditAction, record
from resolvers.catalogue.errors import CategoryInUse

Title = Annotated[Text, Field(min_length=1, max_length=100)]
Subtitle = Annotated[Annotated[str, Field(max_length=200)] | None, Trimmed]
WebAddress = Annotated[
    Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")] | None, Trimmed
]


class CreateCategory(Command):
    """A new category."""

    title: Title
    subtitle: Subtitle = None
    image_url: WebAddress = None


class UpdateCategory(Command):
    """What changes of a category; what is not named stays."""

    category_id: UUID
    title: Title | None = None
    subtitle: Subtitle = None
    image_url: WebAddress = None


class CreateSubcategory(Command):
    """A new subcategory of a category."""

    category_id: UUID
    name: Title
    group: SubcategoryGroup = SubcategoryGroup.MORE


class UpdateSubcategory(Command):
    """What changes of a subcategory; what is not named stays."""

    subcategory_id: UUID
    name: Title | None = None
    group: SubcategoryGroup | None = None
    category_id: UUID | None = None


async def create_category(work: UnitOfWork, actor: Actor, command: CreateCategory) -> UUID:
    """Makes a category and gives its id. Admins only. Raises Forbidden."""
    actor.require(Permission.MANAGE_CATEGORIES)
    category_id = new_id()
    values = command.model_dump()
    await work.execute(sql.insert_row(Category, {"id": category_id, **values}))
    await _note(work, actor, AuditAction.CATEGORY_CREATE, category_id, {"after": values})
    return category_id


async def update_category(work: UnitOfWork, actor: Actor, command: UpdateCategory) -> UUID:
    """Changes a category. Admins only. Raises Forbidden, NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    changes = command.model_dump(exclude_unset=True, exclude={"category_id"})
    if changes.get("title", "") is None:
        del changes["title"]
    row = await _require(work, Category, command.category_id, "categoryId")
    if (difference := _difference(row, changes)) is not None:
        await work.execute(sql.update_row(Category, command.category_id, changes))
        await _note(work, actor, AuditAction.CATEGORY_UPDATE, command.category_id, difference)
    return command.category_id


async def delete_category(work: UnitOfWork, actor: Actor, category_id: UUID) -> UUID:
    """Takes a category out of sight, softly. Admins only. Raises Forbidden, NotFound, CategoryInUse
    while it has active products."""
    actor.require(Permission.MANAGE_CATEGORIES)
    await _require(work, Category, category_id, "categoryId")
    await _refuse_in_use(work, Product.category_id, category_id)
    await work.execute(sql.update_row(Category, category_id, sql.archived(await work.clock())))
    await _note(work, actor, AuditAction.CATEGORY_DELETE, category_id, {})
    return category_id


async def create_subcategory(work: UnitOfWork, actor: Actor, command: CreateSubcategory) -> UUID:
    """Makes a subcategory of an active category and gives its id. Admins only. Raises Forbidden,
    NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    await _require(work, Category, command.category_id, "categoryId")
    subcategory_id = new_id()
    values = command.model_dump(exclude={"group"}) | {"group_name": command.group}
    await work.execute(sql.insert_row(Subcategory, {"id": subcategory_id, **values}))
    after = {name: _shown(value) for name, value in values.items()}
    await _note(work, actor, AuditAction.SUBCATEGORY_CREATE, subcategory_id, {"after": after})
    return subcategory_id


async def update_subcategory(work: UnitOfWork, actor: Actor, command: UpdateSubcategory) -> UUID:
    """Changes a subcategory; moved to another category, its products move along. Admins only.
    Raises Forbidden, NotFound."""
    actor.require(Permission.MANAGE_CATEGORIES)
    row = await _require(work, Subcategory, command.subcategory_id, "subcategoryId")
    changes: dict[str, object] = {}
    if command.name is not None:
        changes["name"] = command.name
    if command.group is not None:
        changes["group_name"] = command.group
    if command.category_id is not None:
        await _require(work, Category, command.category_id, "categoryId")
        changes["category_id"] = command.category_id
    if (difference := _difference(row, changes)) is not None:
        await work.execute(sql.update_row(Subcategory, command.subcategory_id, changes))
        await _note(work, actor, AuditAction.SUBCATEGORY_UPDATE, command.subcategory_id, difference)
    return command.subcategory_id


async def delete_subcategory(work: UnitOfWork, actor: Actor, subcategory_id: UUID) -> UUID:
    """Takes a subcategory out of sight, softly. Admins only. Raises Forbidden, NotFound,
    CategoryInUse while it has active products."""
    actor.require(Permission.MANAGE_CATEGORIES)
    await _require(work, Subcategory, subcategory_id, "subcategoryId")
    await _refuse_in_use(work, Product.subcategory_id, subcategory_id)
    changes = sql.archived(await work.clock())
    await work.execute(sql.update_row(Subcategory, subcategory_id, changes))
    await _note(work, actor, AuditAction.SUBCATEGORY_DELETE, subcategory_id, {})
    return subcategory_id


async def _require(work: UnitOfWork, table: type, row_id: UUID, name: str) -> Any:
    row = await work.first(sql.locked(table, row_id))
    if row is None or not row.is_active:
        raise NotFound(f"There is no such {name.removesuffix('Id')}.", path=["input", name])
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


async def _refuse_in_use(work: UnitOfWork, column: object, row_id: UUID) -> None:
    count = await work.scalar(sql.active_products_in(column, row_id))
    if count:
        raise CategoryInUse(
            f"It has {count} active products. Move or remove them first.", product_count=count
        )

"""Adding and changing customers, by the person or by staff
(spec/02-identity.md#customers-seed-002)."""

from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from auth.actor import Actor, Permission
from core.commands import Command, Text, Trimmed
from core.database import UnitOfWork
from core.errors import AccountInactive, Conflict, InvalidInput, NotFound
from core.ids import encode_id, new_id
from models.customers import (
    add_customer,
    change_customer,
    customer_of_user,
    lock_customer,
)
from models.identity.accounts import account
from resolvers.audit import AuditAction, record
from resolvers.identity.fields import Email, Phone
from resolvers.identity.profile_fields import Country

PREFIX: Final = "cus"
_OLDEST: Final = timedelta(days=130 * 366)


def _present(value: str | None) -> str:
    if value is None:
        raise ValueError("is required")
    return value


Name = Annotated[Text, Field(min_length=1, max_length=100)]
MiddleName = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
Nationality = Annotated[Country, AfterValidator(_present)]
PhoneNumber = Annotated[Phone, AfterValidator(_present)]


class CreateCustomer(Command):
    """What a new customer takes. `user_id` is the account that it belongs to: one's own, or for
    staff anybody's or none."""

    user_id: UUID | None = None
    first_name: Name
    last_name: Name
    middle_name: MiddleName = None
    nationality: Nationality
    date_of_birth: date
    email: Email
    phone_number: PhoneNumber


class CustomerChanges(Command):
    """What changes of a customer; what is not named stays. Only the middle name can be emptied."""

    first_name: Name = ""
    last_name: Name = ""
    middle_name: MiddleName = None
    nationality: Nationality = ""
    date_of_birth: date = date.min
    email: Email = ""
    phone_number: PhoneNumber = ""


async def create_customer(work: UnitOfWork, actor: Actor, command: CreateCustomer) -> UUID:
    """Makes a customer and gives its id: for the actor's own account, or by staff for anybody's or
    for nobody's. Raises Unauthenticated, Forbidden for another's account, NotFound for one that is
    not there, AccountInactive, Conflict when the account has a customer, InvalidInput."""
    own_id = actor.member()
    is_staff = actor.may(Permission.MANAGE_CUSTOMERS)
    user_id = command.user_id if is_staff else command.user_id or own_id
    if user_id != own_id:
        actor.require(Permission.MANAGE_CUSTOMERS)
    if user_id is not None and await work.first(account(user_id)) is None:
        if user_id == own_id:
            raise AccountInactive("This account is closed. Log in again to restore it.")
        raise NotFound("There is no such account.", path=["input", "userId"])
    await _check_birth(work, command.date_of_birth)
    values = command.model_dump(exclude={"user_id"})
    customer_id = new_id()
    made = add_customer(id=customer_id, user_id=user_id, **values)
    if await work.first(made) is None:
        raise Conflict(
            "This account has a customer already. Change that one.", path=["input", "userId"]
        )
    if user_id != own_id:
        owner = None if user_id is None else encode_id("usr", user_id)
        after = {"user": owner, **values}
        await _note(work, actor, AuditAction.CUSTOMER_CREATE, customer_id, {"after": after})
    return customer_id


async def update_my_customer(work: UnitOfWork, actor: Actor, command: CustomerChanges) -> UUID:
    """Changes the customer of the actor's own account and gives its id. Raises Unauthenticated,
    NotFound, InvalidInput."""
    customer_id = await own_customer_id(work, actor)
    return await _update(work, actor, customer_id, command)


async def update_customer(
    work: UnitOfWork, actor: Actor, customer_id: UUID, command: CustomerChanges
) -> UUID:
    """Changes a customer, by staff, and gives its id. Raises Unauthenticated, Forbidden, NotFound,
    InvalidInput."""
    actor.require(Permission.MANAGE_CUSTOMERS)
    return await _update(work, actor, customer_id, command)


async def own_customer_id(work: UnitOfWork, actor: Actor) -> UUID:
    """The customer of the actor's own account. Raises Unauthenticated, NotFound."""
    found: UUID | None = await work.scalar(customer_of_user(actor.member()))
    if found is None:
        raise NotFound("You are not a customer yet: createCustomer makes you one.", path=["input"])
    return found


async def locked_customer(work: UnitOfWork, actor: Actor, customer_id: UUID) -> Any:
    """The row of a customer whom the actor may see, locked. Raises NotFound."""
    row = await work.first(lock_customer(actor, customer_id))
    if row is None:
        raise NotFound("There is no such customer.", path=["input", "customerId"])
    return row


async def _update(
    work: UnitOfWork, actor: Actor, customer_id: UUID, command: CustomerChanges
) -> UUID:
    row = await locked_customer(work, actor, customer_id)
    wanted = {name: getattr(command, name) for name in command.model_fields_set}
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if "date_of_birth" in changed:
        await _check_birth(work, command.date_of_birth)
    if changed:
        await work.execute(change_customer(customer_id, **changed))
        if row.user_id != actor.user_id:
            before = {name: getattr(row, name) for name in changed}
            details = {"before": before, "after": changed}
            await _note(work, actor, AuditAction.CUSTOMER_UPDATE, customer_id, details)
    return customer_id


async def _check_birth(work: UnitOfWork, born: date) -> None:
    today = (await work.clock()).date()
    if not today - _OLDEST < born <= today:
        raise InvalidInput(
            "dateOfBirth must lie in the past, within 130 years.", path=["input", "dateOfBirth"]
        )


async def _note(
    work: UnitOfWork, actor: Actor, action: AuditAction, customer_id: UUID, details: dict[str, Any]
) -> None:
    object_id = encode_id(PREFIX, customer_id)
    await record(work, actor, action, object_type="Customer", object_id=object_id, details=details)

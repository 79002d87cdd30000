"""Customers: the person reads and changes their own, staff all
(spec/02-identity.md#customers-seed-002). Every reading starts from whom the actor may see."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from auth.actor import Actor, Permission
from core.commands import Changes, Command, Filter, IdOf, Marker, ReadBy, SearchText, Text, Trimmed
from core.database import Columns, Database, UnitOfWork
from core.errors import (
    AccountInactive,
    BadUserInput,
    Conflict,
    InvalidInput,
    NotFound,
    raises,
)
from core.ids import encode_id, new_id
from core.pages import ListRequest, Page
from models.customers import customers as sql
from models.customers.customers import CustomerRow, CustomerSort
from models.identity.accounts import account
from resolvers.audit import AuditAction, record
from resolvers.customers.events import CustomerAction
from resolvers.identity.fields import Email, phone_of
from resolvers.identity.people import UserId
from resolvers.identity.profile_fields import countries, country_of
from resolvers.pages import in_order, read_count, read_page

PREFIX: Final = "cus"
_OLDEST: Final = timedelta(days=130 * 366)
CustomerId = Annotated[UUID, IdOf(PREFIX)]


Name = Annotated[Text, Field(min_length=1, max_length=100)]
MiddleName = Annotated[Annotated[str, Field(max_length=100)] | None, Trimmed]
Nationality = Annotated[Text, Field(max_length=2), AfterValidator(country_of)]
PhoneNumber = Annotated[Text, Field(max_length=40), AfterValidator(phone_of)]


class CreateCustomer(Command):
    """A new customer."""

    user_id: Annotated[
        UserId | None,
        "The account that the customer belongs to. Left out: your own; by staff: none.",
    ] = None
    first_name: Annotated[Name, "1 to 100 characters."]
    last_name: Annotated[Name, "1 to 100 characters."]
    middle_name: Annotated[MiddleName, "At most 100 characters."] = None
    nationality: Annotated[Nationality, "Two letters of a country (ISO 3166-1)."]
    date_of_birth: Annotated[date, "In the past, within 130 years."]
    email: Annotated[Email, "An e-mail address, at most 254 characters."]
    phone_number: Annotated[PhoneNumber, "With + and its country code (E.164)."]


class UpdateMyCustomer(Changes):
    """What changes of your customer; what is left out stays."""

    first_name: Annotated[Name, Marker.NULLABLE, "1 to 100 characters."] = ""
    last_name: Annotated[Name, Marker.NULLABLE, "1 to 100 characters."] = ""
    middle_name: Annotated[MiddleName, "At most 100 characters; null removes it."] = None
    nationality: Annotated[
        Nationality, Marker.NULLABLE, "Two letters of a country (ISO 3166-1)."
    ] = ""
    date_of_birth: Annotated[date, Marker.NULLABLE, "In the past, within 130 years."] = date.min
    email: Annotated[Email, Marker.NULLABLE, "At most 254 characters."] = ""
    phone_number: Annotated[
        PhoneNumber, Marker.NULLABLE, "With + and its country code (E.164)."
    ] = ""


class UpdateCustomer(UpdateMyCustomer):
    """What changes of a customer; what is left out stays."""

    customer_id: Annotated[CustomerId, "The customer."]


def _codes(values: Any, argument: str) -> tuple[str, ...]:
    codes = tuple(code.strip().upper() for code in values)
    if not countries().issuperset(codes):
        message = f"{argument}: two letters of a country (ISO 3166-1) are needed."
        raise BadUserInput(message, argument)
    return codes


class CustomerFilter(Filter):
    """Which customers a list holds; all conditions hold together."""

    name: Annotated[SearchText, "Words of which each stands in one of the names."] = None
    email: Annotated[SearchText, "A part of the e-mail address, whatever its case."] = None
    phone_number: Annotated[SearchText, "A part of the phone number."] = None
    nationality: Annotated[
        tuple[str, ...] | None,
        ReadBy(_codes),
        "Of one of these countries (ISO 3166-1, two letters).",
    ] = None
    user_id: Annotated[UserId | None, "Only the one of this account."] = None


async def customers_by_ids(
    database: Database, actor: Actor, ids: list[UUID], columns: Columns = None
) -> Sequence[CustomerRow | None]:
    """Loader: the customers of these ids whom the actor may see."""
    return in_order(await database.rows(sql.customers_by_ids(actor, ids, columns)), ids)


async def my_customer(database: Database, actor: Actor) -> UUID | None:
    """The id of the customer of the actor's own account, None without one. Raises
    Unauthenticated."""
    return await database.scalar(sql.customer_of_user(actor.member()))


async def list_customers(
    database: Database, actor: Actor, request: ListRequest[CustomerFilter, CustomerSort]
) -> Page[CustomerRow]:
    """A page of the customers whom the actor may see. Raises BadUserInput."""
    return await read_page(database, actor, sql.CUSTOMERS, request)


async def count_customers(
    database: Database, actor: Actor, request: ListRequest[CustomerFilter, CustomerSort]
) -> int:
    """How many customers the list holds."""
    return await read_count(database, actor, sql.CUSTOMERS, request)


@raises(InvalidInput, NotFound, Conflict, AccountInactive)
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
    made = sql.add_customer({"id": customer_id, "user_id": user_id, **values})
    if await work.first(made) is None:
        raise Conflict(
            "This account has a customer already. Change that one.", path=["input", "userId"]
        )
    if user_id != own_id:
        owner = None if user_id is None else encode_id("usr", user_id)
        after = {"user": owner, **values}
        await _note(work, actor, CustomerAction.CUSTOMER_CREATE, customer_id, {"after": after})
    return customer_id


@raises(InvalidInput, NotFound)
async def update_my_customer(work: UnitOfWork, actor: Actor, command: UpdateMyCustomer) -> UUID:
    """Changes the customer of the actor's own account and gives its id. Raises Unauthenticated,
    NotFound, InvalidInput."""
    customer_id = await own_customer_id(work, actor)
    return await _update(work, actor, customer_id, command)


@raises(InvalidInput, NotFound)
async def update_customer(work: UnitOfWork, actor: Actor, command: UpdateCustomer) -> UUID:
    """Changes a customer, by staff, and gives its id. Raises Unauthenticated, Forbidden, NotFound,
    InvalidInput."""
    actor.require(Permission.MANAGE_CUSTOMERS)
    return await _update(work, actor, command.customer_id, command)


async def own_customer_id(work: UnitOfWork, actor: Actor) -> UUID:
    """The customer of the actor's own account. Raises Unauthenticated, NotFound."""
    found = await work.scalar(sql.customer_of_user(actor.member()))
    if found is None:
        raise NotFound("You are not a customer yet: createCustomer makes you one.", path=["input"])
    return found


async def locked_customer(work: UnitOfWork, actor: Actor, customer_id: UUID) -> CustomerRow:
    """The row of a customer whom the actor may see, locked. Raises NotFound."""
    row = await work.first(sql.lock_customer(actor, customer_id))
    if row is None:
        raise NotFound("There is no such customer.", path=["input", "customerId"])
    return row


async def _update(
    work: UnitOfWork, actor: Actor, customer_id: UUID, command: UpdateMyCustomer
) -> UUID:
    row = await locked_customer(work, actor, customer_id)
    named = command.model_fields_set - {"customer_id"}
    wanted = {name: getattr(command, name) for name in named}
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if "date_of_birth" in changed:
        await _check_birth(work, command.date_of_birth)
    if changed:
        await work.execute(sql.change_customer(customer_id, changed))
        if row.user_id != actor.user_id:
            before = {name: getattr(row, name) for name in changed}
            details = {"before": before, "after": changed}
            await _note(work, actor, CustomerAction.CUSTOMER_UPDATE, customer_id, details)
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

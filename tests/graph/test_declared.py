"""What is declared twice, not wholly, or not as it is stops the start with a sentence that says
where."""

import sys
from types import ModuleType
from typing import Annotated, Any
from uuid import UUID

import pytest
import strawberry

from auth.actor import Actor
from auth.api_keys import ApiKeyScope
from core.commands import Command, IdOf
from core.database import UnitOfWork
from core.errors import DomainError, InvalidInput, raises
from core.wording import Row
from graph.columns import stored
from graph.domain import Misdeclared, build, gather, loaders_by_prefix
from graph.entity import Node, entity
from graph.inputs import input_of
from graph.mutations import mutation
from graph.payloads import Payload, payload, told
from graph.queries import query
from graph.relations import relation


class ThingRow(Row):
    """A thing."""

    id: UUID
    name: str


async def _rows(*_: Any) -> list[Any]:
    return []


@entity("thg", rows=_rows, row=ThingRow, description="A thing.")
class Thing(Node):
    name: str = stored("name", description="Its name.")


@query(scope=ApiKeyScope.READ, description="A thing.")
async def thing(context: Any) -> Thing | None:
    """Nothing."""
    return None


class Rename(Command):
    """A thing to rename."""

    thing_id: Annotated[UUID, IdOf("thg"), "The thing."]


class NoSuchName(DomainError, code="NO_SUCH_NAME"):
    """No thing has this name."""


class NeverGiven(DomainError, code="NEVER_GIVEN"):
    """No mutation gives this."""


@raises(InvalidInput)
async def rename(work: UnitOfWork, actor: Actor, command: Rename) -> UUID:
    """Renames nothing."""
    return command.thing_id


@payload("It is renamed.")
class RenamePayload(Payload):
    thing_id: strawberry.ID = told(prefix="thg", description="The thing.")


def module_of(**attributes: Any) -> ModuleType:
    """A module `things` with these attributes."""
    made = ModuleType("things")
    for name, value in attributes.items():
        if isinstance(value, type):
            value.__module__ = "things"
        setattr(made, name, value)
    return made


def renaming(use_case: Any = rename, **given: Any) -> Any:
    """The mutation."""
    said = {"description": "Renames.", "doing": "renaming", "scope": ApiKeyScope.WRITE, **given}
    return mutation(use_case, RenamePayload, **said)


def test_what_is_declared_wholly_is_built() -> None:
    schema = build([gather("things", module_of(thing=thing, rename=renaming(), Thing=Thing))])
    printed = schema.as_str()
    assert "rename(" in printed
    assert "thingId: ID!" in printed
    assert "INVALID_INPUT" in printed
    assert "NEVER_GIVEN" not in printed


def test_a_mutation_that_says_nothing_of_api_keys_stops_the_start() -> None:
    unsaid = mutation(rename, RenamePayload, description="Renames.", doing="renaming")
    with pytest.raises(Misdeclared, match=r"things\.rename: say which scope an API key needs"):
        build([gather("things", module_of(thing=thing, rename=unsaid))])


def test_two_root_fields_of_one_name_stop_the_start() -> None:
    domains = [gather(name, module_of(thing=thing)) for name in ("things", "others")]
    with pytest.raises(Misdeclared, match=r"things\.thing: things\.thing is called thing as well"):
        build(domains)


def test_two_entities_of_one_prefix_stop_the_start() -> None:
    @entity("thg", rows=_rows, description="Another thing.")
    class Other(Node):
        pass

    with pytest.raises(Misdeclared, match="another entity has the prefix thg already"):
        loaders_by_prefix([gather("things", module_of(Thing=Thing, Other=Other))])


def test_a_column_that_the_rows_have_not_stops_the_start() -> None:
    @entity("odd", rows=_rows, row=ThingRow, description="An odd thing.")
    class Odd(Node):
        size: int = stored("size", description="Its size.")

    with pytest.raises(Misdeclared, match=r"things\.Odd\.size: the rows of odd have no"):
        build([gather("things", module_of(thing=thing, Odd=Odd))])


def test_a_relation_to_what_is_no_entity_stops_the_start() -> None:
    @strawberry.type(description="No entity.")
    class Part:
        name: str = strawberry.field(description="Its name.")

    @entity("whl", rows=_rows, description="A whole.")
    class Whole(Node):
        part: Part = relation(column="id", description="A part of it.")

    with pytest.raises(Misdeclared, match=r"Whole\.part: things\.Part is no entity"):
        build([gather("things", module_of(thing=thing, Whole=Whole, Part=Part))])


def test_an_error_that_no_mutation_gives_stops_the_start() -> None:
    @raises(NoSuchName)
    async def forget(work: UnitOfWork, actor: Actor, command: Rename) -> UUID:
        """Forgets nothing."""
        return command.thing_id

    with pytest.raises(Misdeclared, match=r"test_declared\.NeverGiven: no mutation gives this"):
        build([gather("things", module_of(thing=thing, forget=renaming(forget)))])


def test_two_errors_of_one_name_or_code_stop_the_start() -> None:
    class Same(DomainError, code="SAME"):
        """One."""

    class Other(DomainError, code="SAME"):
        """Another."""

    Same.__module__ = Other.__module__ = DomainError.__module__

    @raises(Same, Other)
    async def forget(work: UnitOfWork, actor: Actor, command: Rename) -> UUID:
        """Forgets nothing."""
        return command.thing_id

    built = gather("things", module_of(thing=thing, forget=renaming(forget)))
    with pytest.raises(Misdeclared, match="share the code SAME: one of them says its summary"):
        build([built])
    Other.__name__ = "Same"
    with pytest.raises(Misdeclared, match="has an error Same as well"):
        build([built])


def test_what_is_no_use_case_is_refused_where_it_is_declared() -> None:
    async def other(work: UnitOfWork, command: Rename) -> UUID:
        return command.thing_id

    with pytest.raises(TypeError, match="other is no use case"):
        renaming(other)


def test_a_field_without_a_description_or_an_id_without_a_prefix_is_refused() -> None:
    class Bare(Command):
        name: str

    class Unknown(Command):
        thing_id: Annotated[UUID, "The thing."]

    sys.modules[__name__].__dict__.update(Bare=Bare, Unknown=Unknown)
    with pytest.raises(TypeError, match=r"Bare: name has no description"):
        input_of(Bare)
    with pytest.raises(TypeError, match=r"thing_id is an id"):
        input_of(Unknown)

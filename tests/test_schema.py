"""What clients are written against: the contract is kept, everything says what it is, and nothing
that was published breaks (spec/01-api-conventions.md#stability)."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_required_argument,
    is_required_input_field,
    is_specified_directive,
    print_ast,
    validate_schema,
)
from graphql.utilities import find_breaking_changes

from schema import build_schema as our_schema

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = build_schema((ROOT / "tests" / "contract.graphql").read_text())
OURS = build_schema(our_schema().as_str())
MEMBER = re.compile(r"[A-Za-z]\w*\.\w+")


def names(schema: GraphQLSchema) -> list[str]:
    return sorted(name for name in schema.type_map if not name.startswith("__"))


def default(value: Any) -> str:
    """As written in the SDL; `null` says the same as none."""
    written = value.ast_node.default_value
    return "null" if written is None else print_ast(written)


def input_differences(
    where: str, wanted: dict[str, Any], found: dict[str, Any], required: Any
) -> Iterator[str]:
    for name, value in wanted.items():
        if name not in found:
            yield f"{where}.{name} is missing"
        elif str(found[name].type) != str(value.type):
            yield f"{where}.{name} is {found[name].type}, the contract has {value.type}"
        elif default(found[name]) != default(value):
            yield f"{where}.{name} defaults to {default(found[name])}, not {default(value)}"
    for name in found.keys() - wanted.keys():
        if required(found[name]):
            yield f"{where}.{name} is required, and the contract does not have it"


def differences(wanted: GraphQLNamedType, found: Any) -> Iterator[str]:
    """What of one type of the contract another schema does not keep."""
    name = wanted.name
    same_kind = type(found) is type(wanted)
    if not same_kind:
        yield f"{name} is missing or of another kind"
    elif isinstance(wanted, GraphQLEnumType):
        yield from (f"{name}.{v} is missing" for v in wanted.values if v not in found.values)
    elif isinstance(wanted, GraphQLUnionType):
        members = {member.name for member in found.types}
        yield from (f"{name} lacks {m.name}" for m in wanted.types if m.name not in members)
    elif isinstance(wanted, GraphQLInputObjectType):
        yield from input_differences(name, wanted.fields, found.fields, is_required_input_field)
    elif isinstance(wanted, GraphQLObjectType | GraphQLInterfaceType):
        yield from object_differences(wanted, found)


def object_differences(
    wanted: GraphQLObjectType | GraphQLInterfaceType, found: Any
) -> Iterator[str]:
    implemented = {interface.name for interface in found.interfaces}
    for interface in wanted.interfaces:
        if interface.name not in implemented:
            yield f"{wanted.name} does not implement {interface.name}"
    for name, field in wanted.fields.items():
        where = f"{wanted.name}.{name}"
        if name not in found.fields:
            yield f"{where} is missing"
            continue
        ours = found.fields[name]
        if str(ours.type) != str(field.type):
            yield f"{where} is {ours.type}, the contract has {field.type}"
        yield from input_differences(where, field.args, ours.args, is_required_argument)


def test_the_contract_is_a_schema() -> None:
    assert validate_schema(CONTRACT) == []


@pytest.mark.parametrize("name", names(CONTRACT))
def test_the_contract_is_kept(name: str) -> None:
    assert list(differences(CONTRACT.type_map[name], OURS.type_map.get(name))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("bidCount: Int!", "bidCount: Int"), "AuctionProduct.bidCount is Int,"),
        (("phone: String }", "phone: String! }"), "RegisterUserInput.phone is String!,"),
        (("sort: ProductSort = NEWEST", "sort: ProductSort = PRICE_ASC"), "Query.products.sort"),
        (("idempotencyKey: String }", "key: String! }"), "PlaceBidInput.key is required"),
        (("auction(productId: ID!, after: String)", "auction(productId: ID!)"), "after is missing"),
        (("| NotAnAuction ", ""), "PlaceBidResult lacks NotAnAuction"),
        (("ENDING_SOONEST ", ""), "ProductSort.ENDING_SOONEST is missing"),
        (("type Bid implements Node", "type Bid"), "Bid does not implement Node"),
    ],
)
def test_a_schema_that_leaves_the_contract_is_caught(change: tuple[str, str], said: str) -> None:
    text = (ROOT / "tests" / "contract.graphql").read_text()
    assert change[0] in text
    other = build_schema(text.replace(*change), assume_valid=True)
    found = [
        difference
        for name in names(CONTRACT)
        for difference in differences(CONTRACT.type_map[name], other.type_map.get(name))
    ]
    assert any(said in difference for difference in found), found


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    """What has no description: types, fields, arguments, input fields, values, directives."""
    built_in = {"String", "Int", "Float", "Boolean", "ID"}
    for name in names(schema):
        type_: Any = schema.type_map[name]
        if name not in built_in and not type_.description:
            yield name
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{v}" for v, value in type_.values.items() if not value.description)
        for field_name, field in getattr(type_, "fields", {}).items():
            if not field.description:
                yield f"{name}.{field_name}"
            for argument, value in getattr(field, "args", {}).items():
                if not value.description:
                    yield f"{name}.{field_name}({argument})"
    for directive in schema.directives:
        if not is_specified_directive(directive) and not directive.description:
            yield f"@{directive.name}"


def test_everything_has_a_description() -> None:
    assert list(undescribed(OURS)) == []


def published() -> Iterator[str]:
    """The printed schema as it lies here and, in a checkout, as it was committed: printing it anew
    must not hide a break."""
    yield (ROOT / "schema.graphql").read_text()
    committed = subprocess.run(
        ["git", "show", "HEAD:./schema.graphql"], cwd=ROOT, capture_output=True, check=False
    )
    if committed.returncode == 0:
        yield committed.stdout.decode()


def breaking(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """What breaks the clients of the old schema, save what it had deprecated with a replacement
    named."""
    free = set(deprecated(old))
    return [
        change.description
        for change in find_breaking_changes(old, new)
        if not free & set(MEMBER.findall(change.description))
    ]


def deprecated(schema: GraphQLSchema) -> Iterator[str]:
    for name in names(schema):
        type_: Any = schema.type_map[name]
        members = {**getattr(type_, "fields", {}), **getattr(type_, "values", {})}
        for member, defined in members.items():
            if getattr(defined, "deprecation_reason", None):
                yield f"{name}.{member}"


def test_what_was_published_does_not_break() -> None:
    for old in published():
        assert breaking(build_schema(old), OURS) == []


def test_what_was_deprecated_may_go_and_nothing_else_may() -> None:
    old = build_schema(
        'type Query { a: Int b: Int @deprecated(reason: "Use `a`.") c(x: Int): Int e: E } '
        'enum E { F G @deprecated(reason: "Use `F`.") }'
    )
    new = build_schema("type Query { a: Int c: Int e: E } enum E { F }")
    assert breaking(old, new) == ["Argument Query.c(x:) was removed."]


def test_the_schema_names_a_replacement_for_what_it_deprecates() -> None:
    reasons = [
        f"{name}.{member}"
        for name in names(OURS)
        for member, field in getattr(cast(Any, OURS.type_map[name]), "fields", {}).items()
        if field.deprecation_reason is not None and "`" not in field.deprecation_reason
    ]
    assert reasons == []

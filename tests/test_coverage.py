"""docs/coverage.csv: every operation of the source documents, the field that serves it and the
tests that prove it. A row without a test is work of an issue that is still open."""

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema
from starlette.routing import Route

from app import create_app
from core.settings import Environment, Settings
from schema import build_schema as our_schema

ROOT = Path(__file__).resolve().parent.parent
HEADER = ["seed", "service", "operation", "route", "who", "rule", "graphql", "kind", "test"]
SEEDS = {"000": 33, "001": 199, "002": 10, "003": 19, "004": 216}
KINDS = {"query", "mutation", "subscription", "field", "rest"}
# Their issues are done, so each of their operations is served and proven. Of membership and admin
# (seed 003), points and rewards are still to come.
FINISHED = {"productListing", "categoryManagement", "accounts", "auth", "customers"}


def rows() -> list[dict[str, str]]:
    with (ROOT / "docs" / "coverage.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def named(row: dict[str, str]) -> str:
    return f"{row['seed']} {row['service']} {row['operation'][:60]}"


def parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


@cache
def schema() -> GraphQLSchema:
    return build_schema(our_schema().as_str())


@cache
def paths() -> frozenset[str]:
    unused = "postgresql://nobody@localhost/nowhere"
    app = create_app(Settings(env=Environment.TEST, database_url=unused, explorer=True))
    return frozenset(route.path for route in app.routes if isinstance(route, Route))


@cache
def functions_in(path: str) -> frozenset[str]:
    """The test functions of a file."""
    file = ROOT / path
    assert file.is_relative_to(ROOT / "tests"), path
    if not file.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    )


def served(target: str) -> bool:
    """True when a `Type.field` or `REST /path` exists."""
    if target.startswith("REST "):
        return target.removeprefix("REST ") in paths()
    type_name, _, field = target.partition(".")
    return field in getattr(schema().type_map.get(type_name), "fields", {})


def test_every_operation_of_the_source_documents_has_a_row() -> None:
    with (ROOT / "docs" / "coverage.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == HEADER
    assert Counter(row["seed"] for row in rows()) == SEEDS
    operations = Counter((row["seed"], row["service"], row["route"], row["rule"]) for row in rows())
    assert [found for found, times in operations.items() if times > 1] == []


def test_every_row_says_what_serves_it() -> None:
    for row in rows():
        empty = [column for column in HEADER[:-1] if not row[column].strip()]
        assert not empty, named(row)
        assert row["kind"] in KINDS, named(row)
        for target in parts(row["graphql"]):
            assert target.startswith("REST /") or target.count(".") == 1, named(row)


@pytest.mark.parametrize("row", [row for row in rows() if row["test"]], ids=named)
def test_a_row_with_a_test_is_served_and_its_tests_exist(row: dict[str, str]) -> None:
    assert [target for target in parts(row["graphql"]) if not served(target)] == []
    for node_id in parts(row["test"]):
        path, _, name = node_id.partition("::")
        assert name in functions_in(path), node_id


@pytest.mark.parametrize("row", [row for row in rows() if row["service"] in FINISHED], ids=named)
def test_every_row_of_a_finished_domain_is_proven(row: dict[str, str]) -> None:
    assert row["test"]
    assert [target for target in parts(row["graphql"]) if not served(target)] == []

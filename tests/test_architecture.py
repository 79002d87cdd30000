"""The rules of the house (design/architecture.md), read off the syntax trees: imports point one
way, rooms keep out of what is not theirs, files stay small, everything public says what it
promises."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may import of the others. Nothing else, in no function either.
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "auth": {"core"},
    "gateways": {"core"},
    "models": {"auth", "core", "rules"},
    "resolvers": {"models", "rules", "auth", "gateways", "core"},
    "subscriptions": {"models", "core"},
    "worker": {"resolvers", "models", "gateways", "core"},
    "rules": {"core"},
    "graph": {"serving", "subscriptions", "resolvers", "auth", "core", "execution"},
    "serving": {"graph", "subscriptions", "resolvers", "auth", "core", "execution"},
    "schema": {"graph", "serving", "subscriptions", "resolvers", "models", "auth", "core"},
    "rest": {"graph", "serving", "resolvers", "gateways", "auth", "core", "explorer"},
    "explorer": set(),
    "execution": set(),
    "demo": {"resolvers", "models", "rules", "auth", "gateways", "core"},
}
# Only these build SQL; core keeps the engine, subscriptions know the errors of a lost database.
SQL_ROOMS = {"models"}
SQL_WORDS = {"select", "insert", "update", "delete", "text"}
FOREIGN: dict[str, set[str]] = {
    "resolvers": {"strawberry", "starlette", "graphql", "uvicorn"},
    "models": {"strawberry", "starlette", "graphql", "httpx"},
    "core": {"strawberry", "starlette", "graphql"},
    "auth": {"strawberry", "starlette", "graphql", "sqlalchemy", "sqlmodel"},
    "subscriptions": {"strawberry", "starlette", "graphql"},
    "worker": {"strawberry", "starlette", "graphql"},
    "schema": {"sqlalchemy", "sqlmodel", "asyncpg"},
    "graph": {"sqlalchemy", "sqlmodel", "asyncpg"},
    "serving": {"sqlalchemy", "sqlmodel", "asyncpg"},
    "rules": {"strawberry", "starlette", "graphql", "sqlalchemy", "sqlmodel"},
    "execution": {"strawberry", "starlette", "sqlalchemy"},
}
LIMIT = 400
FUNCTION_LIMIT = 60


def files(room: str | None = None) -> Iterator[Path]:
    for name in [room] if room else [*ROOMS]:
        yield from sorted((ROOT / name).rglob("*.py"))
    if room is None:
        yield from (ROOT / "app.py", ROOT / "cli.py")


def ours(paths: Iterator[Path]) -> list[Path]:
    return [path for path in paths if "node_modules" not in path.parts]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imported(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            yield child.module


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    allowed = ROOMS[room] | {room}
    wrong = [
        f"{named(path)} imports {module}"
        for path in ours(files(room))
        for module in imported(tree(path))
        if module.split(".")[0] in {*ROOMS, "app", "cli", "tests", "bench"}
        and module.split(".")[0] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("room", FOREIGN)
def test_rooms_keep_out_of_what_is_not_theirs(room: str) -> None:
    wrong = [
        f"{named(path)} imports {module}"
        for path in ours(files(room))
        for module in imported(tree(path))
        if module.split(".")[0] in FOREIGN[room]
    ]
    assert not wrong


def test_only_models_build_statements() -> None:
    wrong = [
        f"{named(path)} imports {alias.name} of {node.module}"
        for room in set(ROOMS) - SQL_ROOMS - {"core", "execution", "explorer"}
        for path in ours(files(room))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("sqlalchemy", "sqlmodel"))
        for alias in node.names
        if alias.name in SQL_WORDS
    ]
    assert not wrong


def test_only_the_unit_of_work_commits() -> None:
    wrong = [
        f"{named(path)}:{node.lineno}"
        for path in ours(files())
        if path.parent.name not in {"core", "execution"}
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "begin", "begin_nested"}
    ]
    assert not wrong


def test_models_import_no_gateway_and_know_only_the_actor_of_auth() -> None:
    wrong = [
        f"{named(path)} imports {module}"
        for path in ours(files("models"))
        for module in imported(tree(path))
        if module.startswith("auth") and module != "auth.actor"
    ]
    assert not wrong


def test_files_stay_small() -> None:
    counted = {named(path): len(path.read_text().splitlines()) for path in ours(files())}
    counted |= {named(p): len(p.read_text().splitlines()) for p in (ROOT / "tests").rglob("*.py")}
    assert {name: lines for name, lines in counted.items() if lines > LIMIT} == {}


def test_functions_stay_small() -> None:
    wrong = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path in ours(files())
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LIMIT
    ]
    assert not wrong


def test_every_module_says_what_it_is_for() -> None:
    wrong = [
        named(path)
        for path in ours(files())
        if path.read_text().strip() and not ast.get_docstring(tree(path))
    ]
    assert not wrong


# A GraphQL field says what it is in its description, which clients read as well.
_DESCRIBED = (
    "strawberry.field",
    "strawberry.mutation",
    "strawberry.subscription",
    "strawberry.type",
    "payload(",
    "entity(",
    "variant(",
    "query(",
)


def _is_public(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.ClassDef]:
    return (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not any(
            ast.unparse(decorator) == "overload"  # the function behind says it
            or ast.unparse(decorator).startswith((*_DESCRIBED, "strawberry.in", "strawberry.enum"))
            for decorator in node.decorator_list
        )
    )


def test_everything_public_says_what_it_promises() -> None:
    wrong = []
    for path in ours(files()):
        module = tree(path)
        parents: list[ast.Module | ast.ClassDef] = [module]
        parents += [
            node
            for node in module.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]
        for parent in parents:
            for node in parent.body:
                if _is_public(node) and not ast.get_docstring(node):
                    wrong.append(f"{named(path)}:{node.lineno}")
    assert not wrong


def test_each_domain_has_the_same_name_in_each_room() -> None:
    for domain in ("catalogue", "auctions", "identity", "media"):
        for room in ("resolvers", "schema", "tests"):
            folder, module = ROOT / room / domain, ROOT / room / f"{domain}.py"
            assert folder.is_dir() or module.is_file(), f"{room} has no {domain}"

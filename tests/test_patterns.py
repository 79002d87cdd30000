"""No pattern can backtrack for long, whatever text it is given: none repeats without a bound, and
none repeats a part that itself varies in length. Then looking at one position takes a bounded
number of steps, and a search as many more as there are positions."""

import ast
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]  # typeshed leaves it out
from re import _parser as parser  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# bench/ reads files of its own only, when somebody runs it by hand.
ROOMS = (
    *("auth", "core", "demo", "execution", "explorer", "gateways", "migrations", "models"),
    *("resolvers", "rest", "schema", "subscriptions", "worker"),
)
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}
MOST = 1_000


def patterns() -> Iterator[tuple[str, str | bytes]]:
    """All patterns, each with its place. A pattern that is no literal is an error: it could not be
    judged here."""
    files = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "re":
                raise AssertionError(f"{path}: write `import re`, so that patterns are found")
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "re" and node.func.attr != "escape":
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                first = node.args[0]
                assert isinstance(first, ast.Constant), where
                assert isinstance(first.value, str | bytes), where
                yield where, first.value


def repeats(parsed: Any) -> Iterator[tuple[int, int, Any]]:
    """The repeats of a parsed pattern, those within others too: from, to, what."""
    for code, argument in parsed:
        if code in REPEATS:
            yield argument
            yield from repeats(argument[2])
        elif code is codes.SUBPATTERN:
            yield from repeats(argument[3])
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from repeats(branch)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from repeats(argument[1])
        elif code is codes.ATOMIC_GROUP:
            yield from repeats(argument)
        else:
            assert code not in (codes.GROUPREF, codes.GROUPREF_EXISTS), (
                "a group that is named again"
            )


def problem(pattern: str | bytes) -> str | None:
    """Why a pattern could take long, None when it cannot."""
    for least, most, inner in repeats(parser.parse(pattern)):
        if most > MOST:
            return "repeats without a bound: use str methods, or a bound such as {1,40}"
        if most > 1 and any(low != high for low, high, _ in repeats(inner)):
            return "repeats what varies in length"
        assert least <= most
    return None


def test_no_pattern_can_backtrack_for_long() -> None:
    found = list(patterns())
    assert len(found) > 10
    wrong = {where: problem(pattern) for where, pattern in found if problem(pattern)}
    assert wrong == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s*Did you mean",
        rb"\xff+([^\x00])",
        r"(a{1,9}){2,40}",
        r"(?:x|y(z*))",
        r"(?=.*b)a",
        r"a+?",
        r"(?>a*)b",
    ],
)
def test_a_pattern_that_can_is_found(pattern: str | bytes) -> None:
    assert problem(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [r"-?[0-9]{1,40}(\.[0-9]{1,40})?", r"[A-Z]{2}", r"(^|_)(pin|otp)($|_)", rb"\xff[^\0]"],
)
def test_a_pattern_that_cannot_is_let_through(pattern: str | bytes) -> None:
    assert problem(pattern) is None

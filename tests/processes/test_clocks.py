"""Application clocks may be wrong: what decides about auctions reads the database's clock alone
(design/reliability.md: application clocks 5 s off; spec/01-api-conventions.md#money-time-text)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DECIDING = ("models", "resolvers/auctions", "resolvers/catalogue", "worker/closing.py")
CLOCKS = {
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    "date.today",
    *(
        f"time.{name}"
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime")
    ),
    "time.gmtime",
}


def clocks_read(source: str) -> Iterator[str]:
    """Every use of this computer's clock in a module: `datetime.now`, `time.time`, also under the
    names that the module imports them by."""
    module = ast.parse(source)
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        if f"{node.module}.{alias.name}" in CLOCKS
        else alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names |= {
        alias.asname: alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    for node in ast.walk(module):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        first, _, rest = ast.unparse(node).partition(".")
        read = ".".join(filter(None, [names.get(first, first), rest]))
        if read in CLOCKS or read.removeprefix("datetime.") in CLOCKS:
            yield f"line {node.lineno}: {read}"


@pytest.mark.parametrize("place", DECIDING)
def test_nothing_that_decides_about_an_auction_reads_this_computers_clock(place: str) -> None:
    path = ROOT / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files, f"{place} is there"
    assert {
        str(file.relative_to(ROOT)): found
        for file in files
        if (found := list(clocks_read(file.read_text())))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "from datetime import datetime as moment\nnow = moment.utcnow()",
        "import datetime\nnow = datetime.datetime.now()",
        "import datetime as dt\nnow = dt.date.today()",
        "import time\nnow = time.time()",
        "import time as t\nnow = t.monotonic()",
        "from time import time as clock\nnow = clock()",
        "from datetime import datetime\nclock = datetime.now",
    ],
)
def test_every_way_to_read_this_computers_clock_is_found(source: str) -> None:
    assert list(clocks_read(source))


def test_the_databases_clock_and_plain_times_are_left_alone() -> None:
    source = "from datetime import datetime\nasync def f(work):\n    return await work.clock()"
    assert not list(clocks_read(source + "\nmoment = datetime.fromisoformat('2026-01-01')"))

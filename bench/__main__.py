"""`make bench`: fills a database, starts the contenders, measures them in turn, prints one table
and writes bench/results.json. Talks to 127.0.0.1 only and stops what it started."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import contenders as who
from bench.bidding import HotAuction
from bench.contenders import Contender, Missing, Running, running
from bench.flame import FLAME, draw
from bench.heartbeat import Heartbeat
from bench.house import House, house
from bench.identity import Identity
from bench.load import Job, Measured, measure
from bench.report import Figure, Report
from bench.workloads import Answers, Workload, reading

RESULTS = Path(__file__).with_name("results.json")
_BIDS, _IDENTITY, _HEARTBEAT = "hot-auction", "identity", "heartbeat"
_TRIES = 200
_BARE = "bare asyncpg"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: `seconds` is the length of a run of the first workload."""

    products: int
    runs: int
    seconds: float
    tries: int
    only: frozenset[str]
    contenders: tuple[Contender, ...]

    def wants(self, name: str) -> bool:
        """Whether a workload is to be measured."""
        return not self.only or name in self.only


def _plan(arguments: argparse.Namespace) -> Plan:
    names = set(arguments.contenders.split(",")) if arguments.contenders else None
    unknown = (names or set()) - {one.name for one in who.ALL}
    if unknown:
        sys.exit(f"Unknown contenders: {', '.join(sorted(unknown))}")
    return Plan(
        products=arguments.products or (10_000 if arguments.quick else 100_000),
        runs=arguments.runs or (1 if arguments.quick else 7),
        seconds=arguments.seconds or 1.5,
        tries=60 if arguments.quick else _TRIES,
        only=frozenset(arguments.only.split(",")) if arguments.only else frozenset(),
        contenders=tuple(one for one in who.ALL if names is None or one.name in names),
    )


@contextmanager
def _all_running(
    plan: Plan, built: House, needed: set[Contender], report: Report
) -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="souk-bench-logs-")))
        found = {}
        for contender in plan.contenders:
            if contender not in needed:
                continue
            try:
                found[contender.name] = stack.enter_context(running(contender, built.url, folder))
            except Missing as missing:
                report.missing[contender.name] = str(missing)
            except RuntimeError as failed:
                if contender is not who.POSTGRAPHILE_4:
                    raise  # what is ours must run; Node here may be too old for what is not
                report.missing[contender.name] = str(failed)
        yield found


def _in_turn(plan: Plan, workload: Workload, serving: dict[str, Running]) -> dict[str, Figure]:
    """Each contender once, and all of them again: what disturbs one run disturbs a run of each."""
    entries = [entry for entry in workload.entries if entry.contender.name in serving]
    runs: dict[str, list[Measured]] = {entry.name: [] for entry in entries}
    for number in range(plan.runs * workload.times + 1):
        for entry in entries:
            warming = number == 0
            seconds = min(1.0, plan.seconds) if warming else plan.seconds * workload.share
            one = serving[entry.contender.name]
            found = measure(Job(one.port, entry.shots(one), workload.connections, seconds))
            if not warming:
                runs[entry.name].append(found)
    return {name: Figure.of(found) for name, found in runs.items()}


async def _hot_auction(plan: Plan, built: House, servers: list[Running]) -> dict[str, Figure]:
    auction = HotAuction(built, await built.tokens(), plan.seconds)
    runs: dict[str, list[Measured]] = {one.contender.name: [] for one in servers}
    for one in servers:
        runs[_bare_beside(one.contender)] = []
        await auction.souk(one)
    for _ in range(plan.runs):
        for one in servers:
            found = await auction.souk(one)
            runs[one.contender.name].append(found)
            bare = await auction.bare(1 - found.counted / found.answers)
            runs[_bare_beside(one.contender)].append(bare)
    return {name: Figure.of(found, accepted=True) for name, found in runs.items()}


def _bare_beside(server: Contender) -> str:
    """The bare transaction that is refused as often as this server's bids are."""
    return f"{_BARE}, refused as {server.name}"


def _targets(report: Report) -> None:
    souk, page = who.SOUK.name, "page"
    report.compare(page, souk, who.USUAL.name, 10, "the page, Souk to the usual way")
    report.compare(page, souk, who.POSTGRAPHILE_4.name, 1.5, "the page, Souk to PostGraphile 4")
    report.compare(
        page, souk, who.HANDWRITTEN.name, 0.6, "the page, Souk to five statements by hand"
    )
    report.compare(
        "public",
        "souk, 304 by its ETag",
        who.CONSTANT.name,
        0.5,
        "a public query's ETag to a constant answer",
    )
    for server, processes in ((who.SOUK, "one process"), (who.SOUK_TWICE, "two processes")):
        what = f"a hot auction, Souk in {processes} to bare asyncpg"
        report.compare(_BIDS, server.name, _bare_beside(server), 0.6, what)


async def _measured(plan: Plan, report: Report) -> None:
    async with house(plan.products) as built:
        print(f"{plan.products:,} products stand; starting the contenders", flush=True)
        await _read(plan, built, report)
        await _written(plan, built, report)
    _targets(report)


async def _read(plan: Plan, built: House, report: Report) -> None:
    workloads = reading(Answers(built))
    wanted = {name: workload for name, workload in workloads.items() if plan.wants(name)}
    needed = {entry.contender for one in wanted.values() for entry in one.entries}
    with _all_running(plan, built, needed, report) as serving:
        for name, workload in wanted.items():
            print(f"measuring: {workload.what}", flush=True)
            report.titles[name] = workload.what
            try:
                found = await asyncio.to_thread(_in_turn, plan, workload, serving)
                report.figures[name] = found
            except Missing as missing:
                report.missing[name] = str(missing)
        report.memory = {name: one.memory_mib() for name, one in serving.items()}


async def _written(plan: Plan, built: House, report: Report) -> None:
    """What writes, when those who only read are gone: all of them together would have more
    connections than the database takes."""
    needed = {who.SOUK, who.SOUK_TWICE} if plan.wants(_BIDS) else set()
    if plan.wants(_IDENTITY):
        needed.add(who.SOUK)
    if plan.wants(_HEARTBEAT):
        needed.add(who.SOUK_BEATING)
    with _all_running(plan, built, needed, report) as serving:
        bidding = [one for one in serving.values() if one.contender is not who.SOUK_BEATING]
        if bidding and plan.wants(_BIDS):
            report.titles[_BIDS] = "one auction, 16 bidders, refusals counted"
            print(f"measuring: {report.titles[_BIDS]}", flush=True)
            report.figures[_BIDS] = await _hot_auction(plan, built, bidding)
        souk = serving.get(who.SOUK.name)
        if souk is not None and plan.wants(_IDENTITY):
            print("measuring: logins and password resets", flush=True)
            await Identity(built, souk, plan.tries).measured(report)
        beating = serving.get(who.SOUK_BEATING.name)
        if beating is not None and plan.wants(_HEARTBEAT):
            print("measuring: the silence of an event loop that gets what grows", flush=True)
            await Heartbeat(built, beating).measured(report)
        found = {name: one.memory_mib() for name, one in serving.items()}
        report.memory = {**found, **report.memory}


async def _profiled(plan: Plan) -> None:
    async with house(plan.products) as built:
        await asyncio.to_thread(draw, built)


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one run each of few seconds, two of the page, fewer products",
    )
    parser.add_argument("--only", help="workloads, comma between them: page,page-cold,hot-auction")
    parser.add_argument("--contenders", help="such as souk,handwritten")
    parser.add_argument("--products", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seconds", type=float, help="of a run of the first workload")
    parser.add_argument("--profile", action="store_true", help="draw bench/flame.svg instead")
    parser.add_argument("--write", action="store_true", help="write results.json in any case")
    arguments = parser.parse_args()
    plan = _plan(arguments)
    # Whatever way we are told to stop, what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    if arguments.profile:
        asyncio.run(_profiled(plan))
        print(f"written to {FLAME.relative_to(who.ROOT)}")
        return
    settings = {"products": plan.products, "runs": plan.runs, "seconds": plan.seconds}
    report = Report(settings)
    try:
        asyncio.run(_measured(plan, report))
    finally:
        report.print()  # also what was measured before something went wrong
    print(f"\n{time.monotonic() - began:.0f} s in all")
    whole = not (arguments.quick or arguments.only or arguments.contenders)
    if whole or arguments.write:
        report.write(RESULTS)
        print(f"written to {RESULTS.relative_to(who.ROOT)}")


if __name__ == "__main__":
    main()

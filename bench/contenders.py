"""Who is measured: one process each, its command and surroundings, and how much memory it has. All
run on 127.0.0.1 and are stopped by whoever started them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

ROOT = Path(__file__).resolve().parent.parent
POSTGRAPHILE = Path(__file__).with_name("postgraphile")
PUBLIC_URL = "https://souk.example"
SECRET = "bench-only-secret-of-more-than-32-characters"
_STARTS_WITHIN = 60.0
_INSTALLS_WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to make the answers. `module` is an ASGI application of bench/, None for those that
    are programs of their own; `settings` are its own environment."""

    name: str
    what: str
    module: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


# It makes every answer anew, so that no kept answer is measured instead of a made one.
SOUK = Contender("souk", "Souk", settings=(("SOUK_PUBLIC_CACHE_SECONDS", "0"),))
# As many processes as the target machine has processors; they tell each other of bids through the
# database.
SOUK_TWICE = Contender(
    "souk-2-processes",
    "Souk in two processes",
    settings=(
        ("SOUK_PUBLIC_CACHE_SECONDS", "0"),
        ("WEB_CONCURRENCY", "2"),
        ("BROADCAST_URL", ""),
    ),
)
SOUK_AS_IS = Contender("souk-as-is", "Souk with its ordinary settings: it keeps public answers")
# With a heartbeat on its event loop, and the ordinary limit of one operation.
SOUK_BEATING = Contender(
    "souk-beating",
    "Souk with a heartbeat on its event loop",
    settings=(("SOUK_PUBLIC_CACHE_SECONDS", "0"), ("SOUK_LIMIT_COST", "5000")),
)
USUAL = Contender("usual", "the usual way: Strawberry, dataloaders, SQLModel entities", "usual")
POSTGRAPHILE_4 = Contender("postgraphile", "PostGraphile 4")
HANDWRITTEN = Contender("handwritten", "five statements by hand, no GraphQL", "handwritten")
ONE_STATEMENT = Contender("one-statement", "one SQL statement that returns JSON", "one_statement")
CONSTANT = Contender("constant", "a constant answer", "constant")
PAGES = (USUAL, POSTGRAPHILE_4, SOUK, HANDWRITTEN, ONE_STATEMENT, CONSTANT)
SERVERS = (SOUK, SOUK_AS_IS, SOUK_TWICE)
ALL = (*PAGES, SOUK_AS_IS, SOUK_TWICE, SOUK_BEATING)


class Missing(Exception):
    """A contender cannot run here; the words say why."""


@dataclass(slots=True)
class Running:
    """A contender that serves."""

    contender: Contender
    port: int
    process: subprocess.Popen[bytes]
    log: Path = field(repr=False)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def memory_mib(self) -> float:
        """The resident memory of its processes, now."""
        own = psutil.Process(self.process.pid)
        total: int = sum(part.memory_info().rss for part in [own, *own.children(recursive=True)])
        return round(total / (1 << 20), 1)

    def last_words(self) -> str:
        """The end of what it has printed."""
        return self.log.read_text(errors="replace")[-1500:]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(url: str, port: int) -> dict[str, str]:
    """The surroundings of a contender: production rules, budgets that are never spent, nothing of
    the caller's own Souk."""
    unwanted = {"DATABASE_READ_URL", "WEB_CONCURRENCY", "HOST"}
    own = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {
        **{name: value for name, value in own.items() if not name.startswith("SOUK_")},
        "PORT": str(port),
        "DATABASE_URL": url,
        "BROADCAST_URL": "memory://",
        "NODE_ENV": "production",
        "SOUK_ENV": "production",
        "SOUK_SECRET": SECRET,
        "SOUK_PUBLIC_URL": PUBLIC_URL,
        "SOUK_ADMIN_PASSWORD": "bench-only-0815-horse",
        "SOUK_TRUSTED_PROXIES": '["127.0.0.1"]',
        "SOUK_LIMIT_BUDGET_ACTOR": "1000000000",
        "SOUK_LIMIT_BUDGET_ADDRESS": "1000000000",
        "SOUK_LIMIT_COST": "100000",
    }


def command(contender: Contender, port: int) -> list[str]:
    """What starts it. Raises Missing."""
    if contender in SERVERS:
        return [sys.executable, str(ROOT / "cli.py"), "serve"]
    if contender is SOUK_BEATING:
        return [sys.executable, "-m", "bench.beating"]
    if contender is POSTGRAPHILE_4:
        return [_node(), str(POSTGRAPHILE / "server.js")]
    return [
        *[sys.executable, "-m", "uvicorn", f"bench.{contender.module}:app"],
        *["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"],
        *["--log-level", "warning", "--no-access-log", "--lifespan", "on"],
    ]


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def _node() -> str:
    node, npm = _program("node"), _program("npm")
    if node is None or npm is None:
        raise Missing("no Node here")
    lock, done = POSTGRAPHILE / "package-lock.json", POSTGRAPHILE / "node_modules" / ".done"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        try:
            ran = subprocess.run(
                install,
                cwd=POSTGRAPHILE,
                env={**os.environ, "PATH": path},
                capture_output=True,
                timeout=_INSTALLS_WITHIN,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Missing("npm ci took too long") from None
        if ran.returncode != 0:
            lines = ran.stderr.decode(errors="replace").strip().splitlines()
            raise Missing(f"npm ci failed: {lines[0] if lines else ran.returncode}"[:120])
        done.touch()
    return node


@contextmanager
def running(contender: Contender, url: str, folder: Path) -> Iterator[Running]:
    """A contender that serves, stopped afterwards. Raises Missing, and RuntimeError with its last
    words when it does not start."""
    port = free_port()
    starts = command(contender, port)
    log = folder / f"{contender.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            starts,
            cwd=ROOT,
            env={
                **environment(url, port),
                "SOUK_DATA_DIR": str(folder / contender.name),
                **dict(contender.settings),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    found = Running(contender, port, process, log)
    try:
        _wait_until_open(found)
        yield found
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    # With its children: the installed `node` is a small program that starts the real one.
    try:
        own = psutil.Process(process.pid)
        parts = [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        parts = []
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.terminate()
    _, left = psutil.wait_procs(parts, timeout=20)
    for part in left:
        with suppress(psutil.NoSuchProcess):
            part.kill()
    process.wait()


def _wait_until_open(found: Running) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and found.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", found.port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{found.contender.name} did not start:\n{found.last_words()}")

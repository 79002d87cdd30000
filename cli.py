"""The command line: what `make` calls. Prepares a database and starts servers; holds no rule."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from fasteners import InterProcessLock  # type: ignore[import-untyped]  # it ships no types
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from starlette.applications import Starlette

from core import migrations
from core.database import Database
from core.embedded import EmbeddedPostgres, running_url, signals_held
from core.settings import Settings
from core.telemetry import configure_logging
from subscriptions.doorbell import Doorbell
from subscriptions.relay import Relay

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(stderr=True, highlight=False)


@contextmanager
def database_of(settings: Settings, *, alone: bool = False) -> Iterator[str]:
    """The URL of the configured database, or of the embedded one, which is stopped afterwards by
    the process that had its data folder first. `alone` ends the command when another has it."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    folder = settings.data_dir / "postgres"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # Held as long as the process lives, also by one that is killed: what it leaves is taken over.
    claim = InterProcessLock(settings.data_dir / "souk.lock")
    if not claim.acquire(blocking=False):
        url = running_url(folder)
        if alone or url is None:
            console.print(f"Another Souk uses {settings.data_dir}: stop it or set SOUK_DATA_DIR.")
            raise typer.Exit(1)
        yield url
        return
    embedded: EmbeddedPostgres | None = None
    try:
        with signals_held():
            embedded = EmbeddedPostgres(folder)
            url = embedded.url
        yield url
    finally:
        if embedded is not None:
            with signals_held():
                embedded.stop()
        claim.release()


async def prepare(url: str, settings: Settings) -> None:
    """Brings a database to where a server can use it: migrated, with a super admin and, where demo
    data is wanted, with that."""
    from demo.load import load_demo
    from demo.refresh import refresh_demo
    from resolvers.identity import ensure_super_admin

    await migrations.migrate(url)
    database = Database(url, pool=2)
    try:
        password = await ensure_super_admin(database, settings)
        if password is not None:
            console.print(f"Super admin: {settings.admin_email}  password: {password}")
            console.print("This password is shown once. Set SOUK_ADMIN_PASSWORD to choose it.")
        if settings.loads_demo:
            with Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
            ) as progress:
                task = progress.add_task("Demo data", total=None)
                loaded = await load_demo(
                    database,
                    settings,
                    lambda done, total: progress.update(task, completed=done, total=total),
                )
                progress.update(task, visible=loaded is not None)
            if loaded is None:
                await refresh_demo(database)
    finally:
        await database.close()


def _require_free_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            console.print(f"Port {settings.port} cannot be used ({error.strerror}): set PORT.")
            raise typer.Exit(1) from None


def served_app(settings: Settings | None = None, database_url: str | None = None) -> Starlette:
    """The application of a process that does nothing else. What stands now stands for good, so the
    garbage collector need not look at it again and again; and it looks rarely, because requests
    leave no cycles behind (docs/decisions/0022-reads.md)."""
    # Imported late: it is most of the time that a start takes, and other commands need none of it.
    from app import create_app

    app = create_app(settings, database_url)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    return app


@cli.command()
def serve() -> None:
    """Start the server, with its own database when none is configured. Ctrl-C stops everything."""
    settings = Settings()
    _require_free_port(settings)
    # Whatever way we are told to stop, the embedded database is stopped with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with database_of(settings, alone=True) as url:
        asyncio.run(prepare(url, settings))
        if settings.web_concurrency > 1:
            os.environ["DATABASE_URL"] = url
        console.print(f"Souk serves on http://{settings.host}:{settings.port}/graphql")
        _run_server(settings, url)


def _run_server(settings: Settings, url: str) -> None:
    several = settings.web_concurrency > 1
    uvicorn.run(
        "cli:served_app" if several else served_app(settings, url),
        factory=several,
        workers=settings.web_concurrency if several else None,
        **server_options(settings),
    )


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves the application, in however many processes."""
    from rest.heads import BoundedHttp  # late, as in served_app

    return {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": BoundedHttp,
        "ws": "websockets-sansio",
        "ws_max_size": settings.limits.websocket_frame_bytes,
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": 10,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "log_level": "warning",
        "access_log": False,
    }


@cli.command()
def worker() -> None:
    """Run only the background work, beside servers with SOUK_WORKER=false."""
    from worker.runner import Worker

    settings = Settings()
    configure_logging(settings)

    async def run(url: str) -> None:
        database = Database(url, pool=settings.database_pool)
        doorbell = Doorbell(settings.doorbell_url)
        relay = Relay(doorbell)
        database.on_commit = relay.announce
        parts = (doorbell, relay, Worker(database, settings))
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, stopped.set)
        for part in parts:
            await part.start()
        await stopped.wait()
        for part in reversed(parts):
            await part.stop()
        await database.close()

    with database_of(settings) as url:
        asyncio.run(run(url))


@cli.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    with database_of(Settings()) as url:
        asyncio.run(migrations.migrate(url))


@cli.command()
def schema(
    check: Annotated[bool, typer.Option(help="Fail when the printed schema differs.")] = False,
) -> None:
    """Print the schema to schema.graphql."""
    from schema import build_schema

    printed = build_schema().as_str() + "\n"
    path = Path(__file__).parent / "schema.graphql"
    if check:
        if not path.exists() or path.read_text() != printed:
            console.print("schema.graphql is not what the server prints: run `make schema`.")
            raise typer.Exit(1)
        return
    path.write_text(printed)


@cli.command("check-migrations")
def check_migrations() -> None:
    """Fail when models and migrations differ, on a database of its own."""
    import tempfile

    import models  # noqa: F401  importing registers the tables

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        embedded = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            url = embedded.url
            asyncio.run(migrations.migrate(url))
            found = asyncio.run(migrations.differences(url))
        finally:
            embedded.stop()
    for difference in found:
        console.print(str(difference))
    if found:
        raise typer.Exit(1)


@cli.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Bid histories, as demo/ebay_bids.csv.")],
    url: Annotated[str | None, typer.Option(help="The running server.")] = None,
    expect_equal: Annotated[int | None, typer.Option(help="Prices that must be equal.")] = None,
    expect_with_reserve: Annotated[
        int | None, typer.Option(help="Prices that must be equal with a reserve.")
    ] = None,
) -> None:
    """Play real bid histories through the API of the running server and compare the prices."""
    from demo.replay import ReplayFailed, replay_file

    settings = Settings()
    try:
        report = asyncio.run(replay_file(file, url or settings.base_url, settings, console))
    except ReplayFailed as failed:
        console.print(str(failed))
        raise typer.Exit(1) from None
    print(report.line())  # noqa: T201  the answer of the command
    wanted = ((expect_equal, report.equal), (expect_with_reserve, report.equal_with_reserve))
    if any(expected is not None and expected != found for expected, found in wanted):
        raise typer.Exit(1)


if __name__ == "__main__":
    cli()

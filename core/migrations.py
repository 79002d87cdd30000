"""Running Alembic on a database: to the newest revision, or to see whether models and migrations
agree. Writes no migration."""

from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from core.database import DATABASE_ERRORS, Database

ROOT = Path(__file__).resolve().parent.parent
# Two servers that start at once must not migrate at once (PostgreSQL: advisory lock).
_LOCK = 7_246_011


def _config(connection: Connection | None = None) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    return config


_REVISION = text("SELECT version_num FROM alembic_version")


@cache
def head() -> str | None:
    """The newest revision in the repository."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def async_url(url: str) -> str:
    """The URL as SQLAlchemy takes it, whatever form of `postgresql://` was configured."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


async def _on(url: str, action: Any) -> Any:
    engine = create_async_engine(async_url(url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(action)
    finally:
        await engine.dispose()


async def migrate(url: str) -> None:
    """Brings the database to the newest revision. Waits at most 10 s for a lock that running
    requests hold, so that a migration never stops the traffic behind it."""

    def upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        try:
            command.upgrade(_config(connection), "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()

    await _on(url, upgrade)


async def current(url: str) -> str | None:
    """The revision that the database is at."""
    revision: str | None = await _on(
        url, lambda connection: MigrationContext.configure(connection).get_current_revision()
    )
    return revision


async def is_current(database: Database) -> bool:
    """True when a running server's database is at the newest revision; asks over its own pool."""
    try:
        return bool(await database.scalar(_REVISION) == head())
    except DATABASE_ERRORS:
        return False


async def differences(url: str) -> list[Any]:
    """What the models describe and the migrated database does not have, or the other way round;
    empty when they agree."""

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and (name or "").startswith("pgqueuer"))
                ),
            },
        )
        found: list[Any] = compare_metadata(context, SQLModel.metadata)
        return found

    return list(await _on(url, compare))

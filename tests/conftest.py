"""Fixtures: one real PostgreSQL for the run, a migrated database for each test that wants one."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from core.database import Database
from core.embedded import EmbeddedPostgres
from core.migrations import migrate
from core.settings import Environment, Settings
from resolvers.identity.authentication import Authenticator
from tests.clients.client import Client, Souk, running_souk
from tests.clients.market import Market


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The run's own PostgreSQL server, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # as root the server runs as another account, which must get in
        server = EmbeddedPostgres(Path(folder) / "pg")
        yield server
        server.stop()


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database that others are copied from."""
    admin = await asyncpg.connect(postgres.url)
    # Nothing of a test run has to survive the machine, and copying databases is most of its time.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await admin.execute(f"ALTER SYSTEM SET {setting} = off")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.execute("CREATE DATABASE souk_template")
    await admin.close()
    url = postgres.url_of("souk_template")
    await migrate(url)
    await _with_signing_key(url)
    return "souk_template"


async def _with_signing_key(url: str) -> None:
    # Making an RSA key takes longer than most tests: all copies start with the same one.
    database = Database(url, pool=2)
    authenticator = Authenticator(database, Settings(env=Environment.TEST, database_url=url))
    await authenticator.start()
    await authenticator.stop()
    await database.close()


async def _copied(postgres: EmbeddedPostgres, template: str) -> str:
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await admin.close()
    return name


async def _dropped(postgres: EmbeddedPostgres, name: str) -> None:
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A fresh database with every migration run, dropped after the test."""
    name = await _copied(postgres, template)
    yield postgres.url_of(name)
    await _dropped(postgres, name)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of a test's server: development rules without demo data."""
    return Settings(
        env=Environment.TEST,
        database_url=database_url,
        data_dir=tmp_path,
        worker=False,
        demo=False,
    )


@pytest.fixture
async def souk(settings: Settings) -> AsyncIterator[Souk]:
    """A server in this process with its own database, and what a test needs around it."""
    async with running_souk(settings) as server:
        yield server


@pytest.fixture
async def market(souk: Souk) -> Market:
    """A shelf to put goods on."""
    return await Market.opened(souk)


@pytest.fixture
async def seller(souk: Souk) -> Client:
    """Who sells."""
    return await souk.member("Sally Seller")


@pytest.fixture
async def alice(souk: Souk) -> Client:
    """A bidder."""
    return await souk.member("Alice Allison")


@pytest.fixture
async def bob(souk: Souk) -> Client:
    """Another bidder."""
    return await souk.member("Bob Benson")

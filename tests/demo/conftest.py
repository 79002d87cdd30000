"""A server whose database holds the demo: loaded once for the run, copied for each test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from core.database import Database
from core.embedded import EmbeddedPostgres
from core.settings import Environment, Settings
from demo.load import DemoLoaded, load_demo
from tests.clients.client import Souk, running_souk


@dataclass
class Loaded:
    """A database with the demo in it, from which others are copied; what the load said, the
    progress that it told, and where its pictures lie."""

    template: str
    loaded: DemoLoaded
    progress: list[tuple[int, int]]
    folder: Path


@dataclass
class Demo:
    """A server with the demo, and how that was loaded."""

    souk: Souk
    load: Loaded


async def copied(postgres: EmbeddedPostgres, template: str) -> str:
    """The name of a fresh copy of a database."""
    name = f"demo_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await admin.close()
    return name


@pytest.fixture(scope="session")
async def loaded(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Loaded:
    """The demo, loaded into a database of its own."""
    folder = tmp_path_factory.mktemp("demo")
    name = await copied(postgres, template)
    database = Database(postgres.url_of(name), pool=2)
    told: list[tuple[int, int]] = []
    settings = Settings(env=Environment.DEVELOPMENT, data_dir=folder)
    found = await load_demo(database, settings, lambda *step: told.append(step))
    await database.close()
    assert found is not None
    return Loaded(name, found, told, folder)


@pytest.fixture
def development(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a development server that lets one address ask a lot."""
    monkeypatch.setenv("SOUK_LIMIT_BUDGET_ADDRESS", "1000000")
    return settings.model_copy(update={"env": Environment.DEVELOPMENT})


@pytest.fixture
async def demo(
    postgres: EmbeddedPostgres, loaded: Loaded, development: Settings
) -> AsyncIterator[Demo]:
    """A server of a demo of its own."""
    name = await copied(postgres, loaded.template)
    own = {"database_url": postgres.url_of(name), "data_dir": loaded.folder}
    async with running_souk(development.model_copy(update=own)) as souk:
        yield Demo(souk, loaded)
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()

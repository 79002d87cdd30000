"""Fixtures: the small server of tests/http/world.py, with the limits of the specification."""

from collections.abc import AsyncIterator

import pytest

from tests.http.world import World, ran, running_world, settings_of


@pytest.fixture(scope="package")
async def shared_world() -> AsyncIterator[World]:
    """One server for the tests that leave it as it was."""
    async with running_world(settings_of()) as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> World:
    """The shared server, with nothing executed so far."""
    ran.clear()
    return shared_world

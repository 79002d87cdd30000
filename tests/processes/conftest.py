"""Fixtures of the tests on real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.servers import folder


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for a server's data and for logs."""
    with folder() as path:
        yield path

"""A PostgreSQL of a test's own, to be stopped and started under running servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.embedded import EmbeddedPostgres


@contextmanager
def own_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server on a folder, stopped afterwards."""
    running = EmbeddedPostgres(folder / "postgres")
    try:
        yield running
    finally:
        running.stop()


def started_again(folder: Path) -> EmbeddedPostgres:
    """The same server, after it was stopped."""
    return EmbeddedPostgres(folder / "postgres")

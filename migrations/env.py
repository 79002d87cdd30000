"""Alembic's entry: runs the migrations on the connection that core.migrations hands over."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import models  # noqa: F401  importing registers the tables

# Tables that the job queue's library makes and keeps itself.
FOREIGN = "pgqueuer"


def ours(name: str | None, kind: str, _: Any) -> bool:
    """True for what the models describe; the job queue's tables are not ours to compare."""
    return not (kind == "table" and name is not None and name.startswith(FOREIGN))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    include_name=ours,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

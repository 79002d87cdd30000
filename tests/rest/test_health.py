"""Plain HTTP for machines: alive, ready, figures (spec/04-orders-payments.md, health)."""

from sqlalchemy import text

from tests.clients.client import Souk


async def test_a_server_is_alive_and_ready(souk: Souk) -> None:
    assert (await souk.http.get("/healthz")).json() == {"alive": True}
    ready = await souk.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": True, "migrations": True})


async def test_a_database_of_another_revision_is_not_ready(souk: Souk) -> None:
    await souk.database.rows(text("UPDATE alembic_version SET version_num = 'x' RETURNING 1"))
    ready = await souk.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"database": True, "migrations": False})


async def test_figures_are_in_the_prometheus_format(souk: Souk) -> None:
    figures = await souk.http.get("/metrics")
    assert figures.headers["content-type"].startswith("text/plain")
    assert "process_cpu_seconds_total" in figures.text

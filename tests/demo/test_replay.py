"""Replaying real auctions through the API of a running server: figures, and what can go wrong."""

from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from core.embedded import EmbeddedPostgres, running_url
from core.settings import Settings
from demo.api import ReplayFailed
from demo.bidders import url_of
from demo.histories import EBAY_BIDS, read_histories
from demo.replay import ReplayReport, replay
from tests.auctions.test_history_arithmetic import play
from tests.clients.client import Souk, running_souk
from tests.demo.conftest import copied

# Auctions of the file by how they come out (tests/auctions/test_history_arithmetic.py).
PLAIN = ("8213034705", "8212145833")
NEVER = ("3016587753", "8213922989")


def written(path: Path, auction_ids: set[str]) -> Path:
    """A file of some of the auctions of the real one."""
    header, *rows = EBAY_BIDS.read_text().splitlines()
    chosen = [row for row in rows if row.split(",")[0] in auction_ids]
    path.write_text("\n".join([header, *chosen]) + "\n")
    return path


def met_reserves(count: int) -> set[str]:
    """Auctions whose hidden reserve was met: equal only with a reserve of the final price."""
    found = [
        history.auction_id
        for history in read_histories(EBAY_BIDS)
        if play(history).price != history.final_minor
        and play(history, reserve_minor=history.final_minor).price == history.final_minor
    ]
    return set(found[:count])


async def test_prices_are_compared_plain_and_with_a_reserve(souk: Souk, tmp_path: Path) -> None:
    with_reserve = met_reserves(2)
    file = written(tmp_path / "some.csv", {*PLAIN, *NEVER, *with_reserve})
    told: list[tuple[int, int]] = []
    report = await replay(file, souk.url, souk.settings, lambda *step: told.append(step))
    assert (report.auctions, report.equal, report.equal_with_reserve) == (6, 2, 4)
    assert set(report.unequal) == set(NEVER)
    bids = len(file.read_text().splitlines()) - 1
    assert told[0] == (0, bids)
    assert told[-1] == (bids, bids)
    stored = await souk.database.scalar(
        text(
            "SELECT count(*) FROM bid b JOIN product p ON p.id = b.product_id"
            " WHERE p.reserve_minor IS NULL"
        )
    )
    assert stored == bids - report.refused
    rows = await souk.database.rows(
        text("SELECT count(*) AS sent, title LIKE 'Replay %' AS named FROM product GROUP BY named")
    )
    assert [(row.sent, row.named) for row in rows] == [(6 + 4, True)]
    assert report.line().startswith(
        "auctions 6 · prices equal 2 · equal with reserve 4 · "
        f"bids refused {report.refused} · bids/s "
    )


async def test_refused_bids_are_counted_in_the_first_playing_only(
    souk: Souk, tmp_path: Path
) -> None:
    file = tmp_path / "refused.csv"
    header = EBAY_BIDS.read_text().splitlines()[0]
    rows = (
        "1,100,0.5,bidder1,0,10,150,xbox,3",  # the price stays at 10
        "1,10.20,0.6,bidder2,0,10,150,xbox,3",  # below 10.50: refused
        "1,90,0.7,bidder1,0,10,150,xbox,3",  # below the leader's own maximum: refused
        "1,50,0.8,bidder2,0,10,150,xbox,3",
    )
    file.write_text("\n".join([header, *rows]) + "\n")
    report = await replay(file, souk.url, souk.settings, lambda *_: None)
    assert (report.auctions, report.equal, report.equal_with_reserve) == (1, 0, 0)
    assert report.refused == 2
    assert report.bids == 8


async def test_a_second_replay_bids_anew(souk: Souk, tmp_path: Path) -> None:
    file = written(tmp_path / "one.csv", {PLAIN[0]})
    for _ in range(2):
        report = await replay(file, souk.url, souk.settings, lambda *_: None)
        assert (report.equal, report.auctions) == (1, 1)
    assert await souk.database.scalar(text("SELECT count(*) FROM bid")) == 2 * report.bids
    accounts = text("SELECT count(*) FROM user_account")
    assert await souk.database.scalar(accounts) == 4 + 1, "the bidders' accounts are used again"


async def test_rate_limits_are_waited_for_and_no_bid_is_lost_or_doubled(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Full, a bucket holds two bids; the seller's has to be waited for before every listing.
    monkeypatch.setenv("SOUK_LIMIT_BUDGET_ACTOR", "24")
    monkeypatch.setenv("SOUK_LIMIT_BUDGET_ACTOR_PER_SECOND", "24")
    async with running_souk(settings) as souk:
        file = written(tmp_path / "few.csv", set(PLAIN) | met_reserves(1))
        report = await replay(file, souk.url, settings, lambda *_: None)
        assert (report.auctions, report.equal, report.equal_with_reserve) == (3, 2, 3)
        assert report.waits > 0
        numbers = await souk.database.rows(
            text("SELECT count(*) AS bids, max(number) AS last FROM bid GROUP BY product_id")
        )
        assert all(row.bids == row.last for row in numbers)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a,b\n1,2\n", "line 1, column auction_id: must stand in the header once"),
        (None, "No such file"),
        (EBAY_BIDS.read_text().splitlines()[0] + "\n", "holds no bids"),
    ],
)
async def test_a_wrong_file_is_told_in_one_line(
    settings: Settings, tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "wrong.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ReplayFailed, match=problem) as failed:
        await replay(file, "http://127.0.0.1:1", settings, lambda *_: None)
    assert "\n" not in str(failed.value)


async def test_no_server_is_told_in_one_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.api._LOST", 1)
    file = written(tmp_path / "one.csv", {PLAIN[0]})
    with pytest.raises(ReplayFailed, match=r"No server answers at http://127.0.0.1:1"):
        await replay(file, "http://127.0.0.1:1", settings, lambda *_: None)


async def test_the_database_of_another_server_is_told_in_one_line(
    souk: Souk, tmp_path: Path, postgres: EmbeddedPostgres, template: str
) -> None:
    other = await copied(postgres, template)
    connection = await asyncpg.connect(postgres.url_of(other))
    await connection.execute("DELETE FROM signing_key")  # it came with the copy
    await connection.close()
    file = written(tmp_path / "one.csv", {PLAIN[0]})
    settings = souk.settings.model_copy(update={"database_url": postgres.url_of(other)})
    with pytest.raises(ReplayFailed, match="does not accept the bidders' tokens"):
        await replay(file, souk.url, settings, lambda *_: None)


def test_the_embedded_database_of_a_running_server_is_found_and_none_is_started(
    postgres: EmbeddedPostgres, settings: Settings, tmp_path: Path
) -> None:
    assert running_url(Path(postgres._server.pgdata)) == postgres.url_of("souk")
    alone = settings.model_copy(update={"database_url": None, "data_dir": tmp_path / "none"})
    with pytest.raises(ReplayFailed, match="start the server with `make run`"):
        url_of(alone)
    assert not (tmp_path / "none").exists()


def test_the_report_is_the_line_that_the_issue_gives() -> None:
    report = ReplayReport(314, 296, 311, 28, bids=5_500, seconds=11.0)
    assert report.line() == (
        "auctions 314 · prices equal 296 · equal with reserve 311 · bids refused 28 · bids/s 500"
    )

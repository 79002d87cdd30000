"""What leaves as a line of the log: no row of the database, whatever an error says of it."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from core.telemetry import without_rows
from tests.steps import Work, growth

TRACE = (
    "UniqueViolationError: duplicate key\n"
    "DETAIL:  Failing row contains (1, secret,\n two lines DETAIL: more).\n"
    "[SQL: INSERT INTO code]\n\nThe above exception was the direct cause:\n"
    "DETAIL: Key (email)=(somebody@souk.example).\n\nDuring handling"
)


def logged(trace: str) -> str:
    """What of a trace is logged."""
    event: str = without_rows(None, "error", {"exception": trace})["exception"]
    return event


def test_the_rows_of_database_errors_are_left_out_and_the_rest_stays() -> None:
    shown = logged(TRACE)
    assert "secret" not in shown
    assert "somebody" not in shown
    assert shown == (
        "UniqueViolationError: duplicate key\nDETAIL: left out\n[SQL: INSERT INTO code]\n\n"
        "The above exception was the direct cause:\nDETAIL: left out\n\nDuring handling"
    )
    assert without_rows(None, "error", {"event": "DETAIL: kept"}) == {"event": "DETAIL: kept"}


PIECES = ("DETAIL:", " x", "\n", "\n[SQL", "\n\nThe above", "\n\nDuring", "[SQL")


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_a_detail_goes_on_to_where_the_trace_does(trace: str) -> None:
    ends = r"DETAIL:.*?(?=\n\[SQL|\n\nThe above|\n\nDuring|\Z)"
    assert logged(trace) == re.sub(ends, "DETAIL: left out", trace, flags=re.DOTALL)


def test_a_trace_of_many_details_takes_steps_as_it_is_long() -> None:
    def work_of(size: int) -> Work:
        trace = "DETAIL: a\n[SQL b" * size
        return lambda: logged(trace)

    assert growth(work_of, 200) < 2.2

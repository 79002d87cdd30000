"""Logs: structured lines for people or machines. Must not hold a secret: whoever logs
names ids, never tokens, codes, passwords or maxima."""

import logging
import sys
from typing import Any

import structlog

from core.settings import Environment, Settings

# PostgreSQL's detail of a violated constraint is the whole row, with whatever secret it holds. It
# ends where SQLAlchemy, or the next part of a trace, goes on.
_DETAIL = "DETAIL:"
_AFTER_DETAIL = ("\n[SQL", "\n\nThe above", "\n\nDuring")


def without_rows(_logger: object, _name: str, event: Any) -> Any:
    """Takes the rows of database errors out of a trace (a structlog processor)."""
    if _DETAIL in event.get("exception", ""):
        event["exception"] = _without_details(event["exception"])
    return event


def _without_details(trace: str) -> str:
    """The trace with its details left out. Reads it once: each part behind a mark is searched for
    its own end only."""
    before, *parts = trace.split(_DETAIL)
    kept, inside = [before], False
    for part in parts:
        ends = [end for mark in _AFTER_DETAIL if (end := part.find(mark)) >= 0]
        kept.append("" if inside else f"{_DETAIL} left out")
        kept.append(part[min(ends) :] if ends else "")
        inside = not ends
    return "".join(kept)


def configure_logging(settings: Settings) -> None:
    """One line a record: coloured text on a terminal, JSON in production or with SOUK_LOG_JSON."""
    as_json = settings.production if settings.log_json is None else settings.log_json
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = logging.WARNING if settings.env is Environment.TEST else logging.INFO
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_rows,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s"
    )

"""How log lines are written: to standard error, one a line, with nothing in them that could pass for another line."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

from arena.domain.text import printable


def configure(log_format: Literal["console", "json"]) -> None:
    """Set structlog up for this process."""
    last = structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _printable,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Control characters are written out; of a traceback the line ends stay."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = (
                "\n".join(printable(line) for line in value.split("\n")) if key == "exception" else printable(value)
            )
    return event

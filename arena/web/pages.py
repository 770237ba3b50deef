"""Templates and static files, read once when the app is made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from arena.domain.vocabulary import HUMAN
from arena.reports.tables import estimand_words, interval_words
from arena.web.render import language_tag, markdown, visible

_MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_WORDS = {
    "tie_good": "Both good",
    "tie_bad": "Both bad",
    "cannot_judge": "Cannot judge",
    "outside_expertise": "outside my expertise",
    "question_unclear": "the question is unclear",
    "answers_alike": "the answers are alike",
    "recognised": "I recognise an answer's author",
    "other": "another reason",
    "bradley-terry": "Bradley–Terry",
    "elo": "Elo",
}


_OPTION = re.compile(r"(?<!\S)--(?=[a-z])")


@dataclass(frozen=True)
class StaticFile:
    """One static file's bytes, under a name that changes with them."""

    url: str
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Pages:
    """Turns a template's name and its view data into a response."""

    environment: Environment
    static: Mapping[str, StaticFile]

    def __call__(self, template: str, code: int = 200, /, **view: Any) -> HTMLResponse:
        """Render `template` with `view`; `code` is the response's status."""
        return HTMLResponse(self.environment.get_template(template).render(**view), status_code=code)


class _Rated(Protocol):
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def load_pages(templates: Path, *, session_hours: int) -> Pages:
    """Read the static files and make the template environment. Pages say how long a browser stays signed in."""
    served = [path for path in sorted((templates / "static").iterdir()) if path.suffix in _MEDIA]
    files = {path.name: _static_file(path) for path in served}
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.globals["static"] = lambda name: files[name].url
    environment.globals["signed_in_for"] = hours_words(session_hours)
    environment.filters |= {
        "markdown": markdown,
        "language_tag": language_tag,
        "words": words,
        "dashed": lambda text: str(text).replace("_", "-"),
        "day": lambda moment: _day(moment),
        "percent": percent,
        "whole_percent": lambda share: "–" if share is None else f"{100 * share:.0f}%",
        "thousands": lambda number: f"{number:,}",
        "rating": rating,
        "source": source_words,
        "anchor": anchor_words,
        "interval": interval_words,
        "estimand": estimand_words,
    }
    return Pages(environment, {Path(file.url).name: file for file in files.values()})


def _static_file(path: Path) -> StaticFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return StaticFile(f"/static/{path.stem}.{digest}{path.suffix}", _MEDIA[path.suffix], body)


def _finalize(value: Any) -> Any:
    """No hidden character of a name or title reaches a page, whoever wrote it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def words(word: str) -> str:
    """A word of the domain as a page writes it."""
    return _WORDS.get(word) or str(word).replace("_", " ").capitalize()


def sentence(message: str) -> str:
    """An error's message as a page sets it: with a capital and a full stop, a command's option as a plain word."""
    message = _OPTION.sub("", message.strip())
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "!", "?")) else ".")


def source_words(source: str) -> str:
    """Who cast the votes of a board."""
    return "people" if source == HUMAN else source.replace("judge:", "judge ", 1)


def anchor_words(anchor: Mapping[str, Any]) -> str:
    """What a board's scale is tied to."""
    if "mean" in anchor:
        return f"the mean of all rated contenders is {anchor['mean']:g}"
    if "name" in anchor:
        return f"{anchor['name']} is {anchor['value']:g}"
    return json.dumps(dict(anchor))


def hours_words(hours: int) -> str:
    """A span of time in whole days, or in hours where it is no such number."""
    number, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def percent(share: float) -> str:
    """A share as a percentage, with a decimal only where it has one."""
    return f"{round(100 * share, 1):g}%"


def rating(value: float | None, rows: Sequence[_Rated]) -> str:
    """A rating with no more digits than the board's intervals allow."""
    if value is None:
        return "–"
    widths = [row.high - row.low for row in rows if row.low is not None and row.high is not None]
    decimals = 0 if not widths or min(widths) >= 2 else 1
    return f"{value:.{decimals}f}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"

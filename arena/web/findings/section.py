"""The parts of the analysis page: what each section holds, whichever analysis it shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_SIMULATED = re.compile(r"votes are simulated\.$")


@dataclass(frozen=True)
class Table:
    """Cells under their headings; the columns `words` are text, the others numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...]


@dataclass(frozen=True)
class Absent:
    """Why a section has nothing to show, and the command that would show it."""

    reason: str
    command: str = ""


@dataclass(frozen=True)
class Section:
    """What was found: one sentence, further ones, tables with their names, a plot, and warnings."""

    answer: str
    notes: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]
    warnings: tuple[str, ...]
    plot: Markup | None = None


def kept(warnings: Sequence[str]) -> tuple[str, ...]:
    """Warnings but for the number of simulated votes, which the page's heading tells."""
    return tuple(warning for warning in warnings if not _SIMULATED.search(warning))


def each_once(sections: Sequence[Section | Absent]) -> list[tuple[str, ...]]:
    """The warnings of each section that no earlier one has."""
    seen: set[str] = set()
    left = []
    for section in sections:
        own = () if isinstance(section, Absent) else section.warnings
        left.append(tuple(warning for warning in own if warning not in seen))
        seen.update(own)
    return left

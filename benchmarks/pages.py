"""Tables that a command writes into the documentation, between two comments."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def put(page: str, target: str, table: str) -> None:
    """Put the table where `page` of docs/ keeps what `make TARGET` wrote. The two comments must be there."""
    path = DOCS / page
    opening, closing = f"<!-- written by make {target} -->", f"<!-- end of what make {target} wrote -->"
    before, rest = path.read_text(encoding="utf-8").split(opening)
    _, after = rest.split(closing)
    path.write_text(f"{before}{opening}\n\n{table}\n\n{closing}{after}", encoding="utf-8")


def machine(packages: Sequence[str]) -> str:
    """A sentence on the machine, Python and these packages."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    system = f"{platform.machine()}, {platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({system}), Python {platform.python_version()}, {versions}"


def today() -> str:
    """The date as the pages write it."""
    return f"{datetime.now(UTC):%d %B %Y}"


def rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    rule = "|".join("---" for _ in head)
    return [f"| {' | '.join(head)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in body)]

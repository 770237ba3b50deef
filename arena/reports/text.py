"""Tables of any analysis as text: for a terminal, as Markdown, CSV and JSON. The same values give the same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from arena.domain.text import csv_safe, display_width, printable

NOTICE = "Not for clinical use."

_MARKUP = re.compile(r"[!#$&*<>@\[\\\]^_`{|}~]|:(?=\S)|(?<=www)\.|^[-+=]|^\d+[.)](?=\s|$)", re.IGNORECASE)


def table_text(cells: Sequence[Sequence[str]], *, left: Sequence[int] = ()) -> list[str]:
    """Aligned lines for a terminal of any width, the first row as headings: nothing is wrapped or cut.

    The columns `left` are aligned to the left. What is hidden in a cell does not act (`printable`).
    """
    shown = [[printable(cell) for cell in row] for row in cells]
    widths = [max(map(display_width, column)) for column in zip(*shown, strict=True)]
    lines = [_aligned(row, widths, left) for row in shown]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def table_markdown(cells: Sequence[Sequence[str]], *, left: Sequence[int] = ()) -> list[str]:
    """The lines of a table in GitHub's Markdown, the first row as headings; cells can be nothing but text."""
    headings, *rows = [[markdown_text(cell) for cell in row] for row in cells]
    rule = ["---" if column in left else "---:" for column in range(len(headings))]
    return [f"| {' | '.join(row)} |" for row in (headings, rule, *rows)]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a header; null is an empty cell, and text is kept from acting as a formula (`csv_safe`)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([csv_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def json_text(value: Mapping[str, object]) -> str:
    """Indented JSON with a newline at the end. Raises ValueError for NaN and infinity."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no table cell, link, emphasis, code, heading, list or HTML comes of it.

    Signs are written as character references, which Markdown never takes for structure. (Only a bare mail address may
    still be linked by GitHub's extension; it links to what it says.)
    """
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found.group()), printable(text))


def number(value: float | None, digits: int = 0) -> str:
    """A number with so many digits after the point; a dash for what cannot be said."""
    return "–" if value is None else f"{value:.{digits}f}"


def _aligned(cells: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    parts = []
    for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        blank = " " * (width - display_width(cell))
        parts.append(cell + blank if column in left else blank + cell)
    return "  ".join(parts).rstrip()

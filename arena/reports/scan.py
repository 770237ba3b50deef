"""The reports on answers that name their system, and on where a study's answers come from. Never for a rater."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from arena.domain.naming import AnswersOf, Place, Scan
from arena.reports.text import NOTICE, json_text, table_text


def document(study: str, found: Scan, file_format: Literal["table", "json"], *, listed: bool) -> str:
    """How many answers of each contender name a system; with `listed` each place too."""
    if file_format == "json":
        rows = [{"contender": row.contender, "answers": row.answers, "naming": row.naming} for row in found.rows]
        places = {"places": [vars(place) for place in found.places]} if listed else {}
        return json_text({"study": study, **_sums(found), "contenders": rows, **places})
    cells = [("Contender", "Answers", "Naming"), *((row.contender, *_counts(row)) for row in found.rows)]
    lines = [*table_text(cells, left=(0,)), ""]
    if listed and found.places:
        headings = ("Question", "Contender", "Words", "Context")
        lines += [*table_text([headings, *map(_place, found.places)], left=range(4)), ""]
    sums = _sums(found)
    lines.append(f"{sums['naming']:,} of {sums['answers']:,} answers name a system or its maker.")
    return "\n".join([*lines, NOTICE, ""])


def provenance(rows: Iterable[AnswersOf]) -> str:
    """Where the answers of each contender come from."""
    headings = ("Contender", "Origin", "Model", "Version", "Answers", "Cut", "Naming")
    cells = [
        (
            row.contender,
            row.origin,
            _names(row.models),
            _names(row.versions),
            *map(str, (row.answers, row.cut, row.naming)),
        )
        for row in rows
    ]
    return "\n".join([*table_text([headings, *cells], left=range(4)), "", NOTICE, ""])


def _sums(found: Scan) -> dict[str, int]:
    return {"answers": sum(row.answers for row in found.rows), "naming": sum(row.naming for row in found.rows)}


def _counts(row: AnswersOf) -> tuple[str, str]:
    return f"{row.answers:,}", f"{row.naming:,}"


def _names(names: set[str]) -> str:
    """The names, the first few of many; a dash for none."""
    first = ", ".join(sorted(names)[:3])
    return first + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "–"


def _place(place: Place) -> tuple[str, str, str, str]:
    context = f"{place.before}[{place.words}]{place.after}"
    return place.question, place.contender, place.words, " ".join(context.split())

"""Shrunk ratings of categories as text, after the boards of the categories."""

from __future__ import annotations

import json
from typing import Literal

from arena.domain.text import printable
from arena.ratings.shrinkage import Shrunk, ShrunkCategory
from arena.reports.tables import CLUSTERS
from arena.reports.text import NOTICE, json_text, markdown_text, number, table_markdown, table_text


def with_shrunk(document: str, found: Shrunk, file_format: Literal["table", "json", "md"]) -> str:
    """A document of boards by category with the shrunk ratings after them; JSON has them under the key `shrunk`."""
    match file_format:
        case "json":
            return json_text({**json.loads(document), "shrunk": found.to_dict()})
        case "table":
            lines = ["Categories drawn towards the whole", "", *table_text(_cells(found), left=(0, 1))]
            return "\n".join([document, *lines, "", *(printable(line) for line in _notes(found)), ""])
        case "md":
            lines = ["## Categories drawn towards the whole", "", *table_markdown(_cells(found), left=(0, 1))]
            return "\n".join([document, *lines, "", *(f"- {markdown_text(line)}" for line in _notes(found)), ""])


def _cells(found: Shrunk) -> list[tuple[str, ...]]:
    headings = ("Category", "Contender", "Rating", f"{found.level * 100:g}% interval", "Votes", "Note")
    return [headings, *(row for category in found.categories for row in _rows(category))]


def _rows(category: ShrunkCategory) -> list[tuple[str, ...]]:
    return [
        (
            category.category,
            row.model,
            number(row.rating),
            f"{number(row.low)} to {number(row.high)}",
            str(row.votes),
            "few" if row.few else "",
        )
        for row in category.rows
    ]


def _notes(found: Shrunk) -> list[str]:
    return [
        f"Ratings of a contender differ between categories by a standard deviation of {number(found.spread)} Elo points"
        f" ({number(found.spread_low)} to {number(found.spread_high)}); the fewer votes a category has, the more it is"
        " drawn towards the mean of all.",
        f"few: under {found.few} votes of the contender in the category; the rating is the whole's more than its own.",
        f"Votes clustered by {CLUSTERS.get(found.cluster, found.cluster)}.",
        *(f"Warning: {warning}" for warning in found.warnings),
        NOTICE,
    ]

"""The Clinical Elo table that others have published: reference values to stand beside a board, never part of one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class PublishedRow:
    """One system and its rating as published: a whole number, without an interval."""

    model: str
    rating: int


@dataclass(frozen=True)
class PublishedTable:
    """A leaderboard as its authors published it, rows in falling order of rating, and what is known of its protocol."""

    label: str
    title: str
    source: str
    protocol: str
    not_disclosed: tuple[str, ...]
    rows: tuple[PublishedRow, ...]


def published_table() -> PublishedTable:
    """Read the published Clinical Elo table (source: Med42-v2 model card) from the package."""
    table = tomllib.loads(files("arena.reports").joinpath("published.toml").read_text(encoding="utf-8"))
    return PublishedTable(
        label=table["label"],
        title=table["title"],
        source=table["source"],
        protocol=table["protocol"],
        not_disclosed=tuple(table["not_disclosed"]),
        rows=tuple(PublishedRow(model=row["model"], rating=row["rating"]) for row in table["rows"]),
    )

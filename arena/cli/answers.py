"""`arena answers`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arena.cli.common import StudyOption, opened, progress, say, write
from arena.domain.naming import Scan
from arena.domain.study import Study
from arena.domain.text import printable
from arena.reports import scan as report
from arena.services import scan as service
from arena.services import studies
from arena.store.engine import Database


def scan(
    study: StudyOption,
    listed: Annotated[bool, typer.Option("--list", help="Each place, with the text around it.")] = False,
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
) -> None:
    """Find answers that name their system or its maker, by which a rater could tell whose they are.

    Nothing is changed. Before the study opens, such answers should be taken out or masked in the file by hand.

    Examples: arena answers scan --study kqa;
    arena answers scan --study kqa --list --format json
    """
    with opened() as db:
        found = looked_through(db, studies.get(db, study))
    write(report.document(study, found, file_format, listed=listed))


def looked_through(db: Database, study: Study) -> Scan:
    """What a look through a study's answers finds."""
    with progress("looking for names") as told:
        return service.scan(db, study, progress=told)


def say_naming(db: Database, study: str) -> None:
    """Say how many answers of each contender name a system, where any does."""
    found = looked_through(db, studies.get(db, study))
    named = [f"{printable(row.contender)} {row.naming:,}" for row in found.rows if row.naming]
    if named:
        say(f"answers that name their system: {', '.join(named)}; see arena answers scan --study {study} --list")

"""The options that say which votes a command looks at, and the votes that they name."""

from __future__ import annotations

from typing import Annotated

import typer

from arena.cli.common import binary, opened, progress
from arena.cli.exchange import records
from arena.errors import BadInput
from arena.services import counted, studies
from arena.services.counted import Counted
from arena.services.files import FileFormat
from arena.services.imports import check_source

Study = Annotated[str | None, typer.Option("--study", "-s", help="A study in the database.", show_default=False)]
Votes = Annotated[str | None, typer.Option(help="A file of votes; no database is needed.", show_default=False)]
Ledger = Annotated[str | None, typer.Option(help="An exported ledger; no database is needed.", show_default=False)]
Source = Annotated[str, typer.Option(help="Whose votes: human, or judge:NAME.")]
InputFormat = Annotated[
    FileFormat | None,
    typer.Option(help="The format of --votes, where its ending does not tell.", show_default=False),
]
INPUT_FORMAT = "--input-format"


def votes_of(
    study: str | None,
    votes: str | None,
    ledger: str | None,
    *,
    source: str,
    input_format: FileFormat | None = None,
    grouped: bool = False,
) -> Counted:
    """The counted votes of the one that is given. Raises BadInput where none or several are, Conflict without votes."""
    check_source(source)
    found = _found(study, votes, ledger, source, input_format, grouped)
    found.require_votes()
    return found


def _found(
    study: str | None,
    votes: str | None,
    ledger: str | None,
    source: str,
    input_format: FileFormat | None,
    grouped: bool,
) -> Counted:
    if sum(what is not None for what in (study, votes, ledger)) != 1:
        raise BadInput("say which votes: one of --study NAME, --votes FILE and --ledger FILE")
    if votes is not None:
        return counted.of_votes(records(votes, input_format, option=INPUT_FORMAT), source, grouped=grouped)
    if ledger is not None:
        with binary(ledger) as file:
            return counted.of_ledger(file, ledger, source)
    with opened() as db, progress("packing") as report:
        there = studies.get(db, study or "")
        counted.keep_packed(db, there, source, report)
        return counted.of_study(db, there, source)

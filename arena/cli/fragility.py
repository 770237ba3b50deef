"""`arena fragility`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, deliver, progress
from arena.ratings import BothBad
from arena.reports.fragility import fragility_json, fragility_text
from arena.services.fragility import of_counted, origin


def fragility(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="NAME NAME", help="Two contenders whose order is looked at besides.", show_default=False),
    ] = None,
    both_bad: Annotated[BothBad, typer.Option(help="Count a both_bad as half a win each, or drop it.")] = "half",
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
    input_format: given.InputFormat = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Say how few votes, raters or questions, removed or flipped, change first place and the order of neighbours.

    Beside it stands how far each contender moves when one rater, or one question, is left out. None of this says
    anything of sampling error: it stands beside the intervals of the leaderboard.

    Examples: arena fragility --study kqa;
    arena fragility --votes votes.csv --pair alpha beta --format json
    """
    counted = given.votes_of(study, votes, ledger, source=source, input_format=input_format)
    with progress("searching") as report:
        found = of_counted(counted, pair=pair, both_bad=both_bad, progress=report)
    write_as = fragility_json if file_format == "json" else fragility_text
    text = write_as(found, origin(counted))
    deliver(text, output, found.warnings)

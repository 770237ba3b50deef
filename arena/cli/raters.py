"""`arena raters`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, deliver, progress
from arena.reports import raters as report
from arena.services import raters as service


def raters(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    rounds: Annotated[int, typer.Option(min=200, max=100_000, help="Simulated honest raters beside each.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same report.")] = 0,
    level: Annotated[float, typer.Option(help="The intervals' level, between 0 and 1.")] = 0.95,
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
    input_format: given.InputFormat = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Report on the raters: how reliable each is, which side each likes, and whose votes are unlike the others'.

    It is to be read: no vote is weighed or excluded by it, and votes unlike the others' prove nothing by themselves.

    Examples: arena raters --study kqa;
    arena raters --votes votes.csv --format json --output raters.json
    """
    counted = given.votes_of(study, votes, ledger, source=source, input_format=input_format)
    with progress("simulating raters") as told:
        found, origin = service.of_counted(counted, rounds=rounds, seed=seed, level=level, progress=told)
    text = report.document(found, origin, file_format)
    deliver(text, output, found.warnings)

"""`arena agreement`."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, deliver, opened, progress
from arena.cli.exchange import records
from arena.errors import BadInput
from arena.ratings import Progress
from arena.ratings.agreement.labels import BothBadLabel
from arena.ratings.agreement.result import Agreement
from arena.reports.agreement import agreement_json, agreement_text
from arena.services import agreement as agreements
from arena.services import studies
from arena.services.agreement import AgreementRequest, Field
from arena.services.files import FileFormat

_OF_SOURCE = re.compile(r"(human|judge:[^=]*)=(.*)", re.DOTALL)


def agreement(
    study: given.Study = None,
    votes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SOURCE=]FILE",
            help="A file of votes, with the source that they are from (human or judge:NAME), else what its column"
            " source states, or human; may be given several times. No database is needed.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[Field | None, typer.Option(help="Each value by itself, too.", show_default=False)] = None,
    both_bad: Annotated[BothBadLabel, typer.Option(help="Take a both_bad as a tie, or as a label of its own.")] = "tie",
    bootstrap: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rounds of resampling.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same intervals.")] = 0,
    level: Annotated[float, typer.Option(help="The intervals' level, between 0 and 1.")] = 0.95,
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
    input_format: given.InputFormat = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Say how far raters agree: people with each other, with judges, judges with each other, and each with themselves.

    Raw agreement, the coefficients of Cohen, Fleiss, Randolph, Gwet and Krippendorff, the tie rate, and which side is
    preferred, all with intervals by question.

    Examples: arena agreement --study kqa --by category;
    arena agreement --votes crowd.csv --votes judge:gpt-4=gpt4.csv --format json
    """
    request = AgreementRequest(by, both_bad, bootstrap, level, seed)
    with progress("resampling") as report:
        found = _found(study, votes or [], input_format, request, report)
    text = agreement_json(found) if file_format == "json" else agreement_text(found)
    deliver(text, output, found.warnings)


def _found(
    study: str | None, votes: list[str], input_format: FileFormat | None, request: AgreementRequest, report: Progress
) -> Agreement:
    if (study is None) == (not votes):
        raise BadInput("say which votes: either --study NAME or --votes FILE, the latter once or more")
    if study is not None:
        with opened() as db:
            return agreements.of_study(db, studies.get(db, study), request, progress=report)
    with ExitStack() as files:
        named = [
            (source, files.enter_context(records(file, input_format, option=given.INPUT_FORMAT)))
            for source, file in map(_source_and_file, votes)
        ]
        return agreements.of_votes(named, request, progress=report)


def _source_and_file(text: str) -> tuple[str | None, str]:
    named = _OF_SOURCE.fullmatch(text)
    return (named[1], named[2]) if named else (None, text)

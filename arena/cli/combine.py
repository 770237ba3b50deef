"""`arena combine`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, deliver, progress
from arena.cli.exchange import records
from arena.domain.vocabulary import HUMAN
from arena.errors import BadInput
from arena.ratings import BothBad
from arena.reports.combine import combined_json, combined_text
from arena.services import combine as combining
from arena.services.combine import CombineRequest
from arena.services.counted import Counted
from arena.services.files import FileFormat

_JUDGE = "judge:"


def combine(
    judge: Annotated[str, typer.Option(metavar="NAME", help="The judge whose votes help.", show_default=False)],
    study: given.Study = None,
    votes: given.Votes = None,
    judge_votes: Annotated[
        str | None, typer.Option(help="The file of the judge's votes, beside --votes.", show_default=False)
    ] = None,
    ledger: given.Ledger = None,
    probabilities: Annotated[
        str | None,
        typer.Option(
            help="A file with the columns question_id and probability: with what chance each question was to get human"
            " votes. Without it they are taken as a random sample.",
            show_default=False,
        ),
    ] = None,
    pool_as_equals: Annotated[
        bool, typer.Option("--pool-as-equals", help="Count the judge's votes as people's, whatever its bias.")
    ] = False,
    both_bad: Annotated[BothBad, typer.Option(help="Count a both_bad as half a win each, or drop it.")] = "half",
    bootstrap: Annotated[int, typer.Option(min=1, max=1_000_000, help="Draws for the ranks.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same ranks.")] = 0,
    level: Annotated[float, typer.Option(help="The intervals' level, between 0 and 1.")] = 0.95,
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
    input_format: given.InputFormat = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Rate by human votes with the help of a judge that voted on many more questions.

    The judge's own bias cancels: only what it says of the other questions beside the human-labelled ones counts, as far
    as it goes together with the human votes. These questions have to be a random sample of all, or their probabilities
    be given.

    Examples: arena combine --study kqa --judge gpt-4;
    arena combine --votes people.csv --judge-votes judge.csv --judge gpt-4 --format json
    """
    request = CombineRequest(both_bad, bootstrap, seed, level, pool_as_equals)
    human, judged = _sources(study, votes, judge_votes, ledger, judge, input_format)
    chances = None
    if probabilities is not None:
        chances = combining.read_probabilities(records(probabilities, input_format, option=given.INPUT_FORMAT))
    with progress("combining") as report:
        found = combining.combined(human, judged, request, probabilities=chances, progress=report)
    text = combined_json(found) if file_format == "json" else combined_text(found)
    deliver(text, output, found.warnings)


def _sources(
    study: str | None,
    votes: str | None,
    judge_votes: str | None,
    ledger: str | None,
    judge: str,
    input_format: FileFormat | None,
) -> tuple[Counted, Counted]:
    if (votes is None) != (judge_votes is None):
        raise BadInput("a file of human votes and one of the judge's go together: give --votes and --judge-votes")
    source = judge if judge.startswith(_JUDGE) else _JUDGE + judge
    human = given.votes_of(study, votes, ledger, source=HUMAN, input_format=input_format)
    return human, given.votes_of(study, judge_votes, ledger, source=source, input_format=input_format)

"""`arena plan`: how much a study needs, what to show next, and when it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, progress, say, write
from arena.domain.text import printable
from arena.ratings.needed import Needed
from arena.ratings.selection import Target
from arena.reports import planning as pages
from arena.reports.text import json_text
from arena.services import planning
from arena.services.counted import Counted
from arena.services.files import FileFormat
from arena.services.files.writing import replacing
from arena.services.planning import Assumptions

Format = Literal["table", "json"]

_Contenders = Annotated[
    int | None, typer.Option(min=2, max=1000, help="How many contenders, without a pilot (8).", show_default=False)
]
_Ties = Annotated[
    float | None, typer.Option(help="The share of ties between equals, without a pilot (0).", show_default=False)
]
_QuestionSd = Annotated[
    float | None,
    typer.Option(
        help="How much a contender's strength varies from question to question: the standard deviation in Elo points;"
        " by default what the pilot tells, or 0.",
        show_default=False,
    ),
]
_RaterSd = Annotated[
    float | None, typer.Option(help="The same from rater to rater, in Elo points.", show_default=False)
]
_Raters = Annotated[
    list[int] | None, typer.Option(min=1, help="How many raters; may be repeated (8, 12, 20).", show_default=False)
]
_VotesPerPairing = Annotated[
    list[int] | None,
    typer.Option(min=1, help="Votes on each pairing; may be repeated (1, 3).", show_default=False),
]
_Pairs = Annotated[
    int | None, typer.Option(min=1, help="Pairs shown on each question; by default all.", show_default=False)
]
_Minutes = Annotated[float | None, typer.Option(help="Minutes for a vote, to count hours.", show_default=False)]
_Level = Annotated[float, typer.Option(help="The level, between 0 and 1.")]
_Format = Annotated[Format, typer.Option("--format", help="How to write it.")]
_Output = Annotated[str, typer.Option("--output", "-o", help="The file to write; - is standard output.")]


def width(
    within: Annotated[
        float, typer.Option(help="How far every interval may reach to either side, in Elo points.", show_default=False)
    ],
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    input_format: given.InputFormat = None,
    contenders: _Contenders = None,
    gap: Annotated[
        float | None,
        typer.Option(help="Elo points from each contender to the next, without a pilot (0).", show_default=False),
    ] = None,
    ties: _Ties = None,
    question_sd: _QuestionSd = None,
    rater_sd: _RaterSd = None,
    raters: _Raters = None,
    votes_per_pairing: _VotesPerPairing = None,
    pairs_per_question: _Pairs = None,
    level: _Level = 0.95,
    minutes: _Minutes = None,
    file_format: _Format = "table",
    output: _Output = STANDARD_STREAM,
) -> None:
    """Votes, questions and raters for intervals of a width, from a pilot's votes or from assumptions.

    Examples: arena plan width --study pilot --within 30 --raters 12 --minutes 4;
    arena plan width --contenders 8 --question-sd 120 --rater-sd 60 --within 30
    """
    pilot = _pilot(study, votes, ledger, source, input_format)
    said = Assumptions(contenders, gap, ties, question_sd, rater_sd)
    work = planning.work(raters or [8, 12, 20], votes_per_pairing or [1, 3], pairs_per_question, minutes)
    _write_needed(planning.width(pilot, said, work, within, level), file_format, output)


def separate(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    input_format: given.InputFormat = None,
    between: Annotated[
        list[str] | None, typer.Option(help="A contender of the pilot; give two.", show_default=False)
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(
            help="How far the two are apart, in Elo points; by default what the pilot says of them. Without a pilot,"
            " all neighbours are as far apart.",
            show_default=False,
        ),
    ] = None,
    power: Annotated[float, typer.Option(help="The chance to find them apart, between 0 and 1.")] = 0.8,
    contenders: _Contenders = None,
    ties: _Ties = None,
    question_sd: _QuestionSd = None,
    rater_sd: _RaterSd = None,
    raters: _Raters = None,
    votes_per_pairing: _VotesPerPairing = None,
    pairs_per_question: _Pairs = None,
    level: _Level = 0.95,
    minutes: _Minutes = None,
    file_format: _Format = "table",
    output: _Output = STANDARD_STREAM,
) -> None:
    """Votes, questions and raters to tell two contenders apart that were chosen beforehand.

    Examples: arena plan separate --votes pilot.csv --between alpha --between beta;
    arena plan separate --gap 50 --contenders 4 --question-sd 120
    """
    pilot = _pilot(study, votes, ledger, source, input_format)
    said = Assumptions(contenders, gap, ties, question_sd, rater_sd)
    work = planning.work(raters or [8, 12, 20], votes_per_pairing or [1, 3], pairs_per_question, minutes)
    _write_needed(planning.separate(pilot, said, work, between or [], power, level), file_format, output)


def next_(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    input_format: given.InputFormat = None,
    target: Annotated[
        Target,
        typer.Option(help="Narrow the widest intervals, tell neighbours in the order apart, or the first from all."),
    ] = "widths",
    floor: Annotated[float, typer.Option(help="The share of the choice that is spread over all pairs alike.")] = 0.2,
    ahead: Annotated[int, typer.Option(min=1, max=100_000, help="For how many votes, before asking anew.")] = 100,
    file_format: _Format = "table",
    output: _Output = STANDARD_STREAM,
) -> None:
    """With which probability to show which pair next, by what a vote on it is expected to gain.

    Examples: arena plan next --study kqa;
    arena plan next --votes votes.csv --target order --format json
    """
    found = planning.following(
        given.votes_of(study, votes, ledger, source=source, input_format=input_format), target, floor, ahead
    )
    _write(pages.selection_text(found), found.to_dict(), found.warnings, file_format, output)


def settled(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    source: given.Source = "human",
    input_format: given.InputFormat = None,
    contender: Annotated[
        list[str] | None,
        typer.Option(help="Only the pairs among these; repeat it. Choose before looking.", show_default=False),
    ] = None,
    level: _Level = 0.95,
    file_format: _Format = "table",
    output: _Output = STANDARD_STREAM,
) -> None:
    """Which pairs are settled: the votes may be looked at after every question, and all pairs hold together.

    It holds where the questions were chosen at random from those that it is to speak of.

    Examples: arena plan settled --study kqa;
    arena plan settled --votes votes.csv --contender alpha --contender beta
    """
    counted = given.votes_of(study, votes, ledger, source=source, input_format=input_format)
    with progress("settling") as report:
        found = planning.settled(counted, level, contender or [], report)
    _write(pages.settled_text(found), found.to_dict(), found.warnings, file_format, output)


def _pilot(
    study: str | None, votes: str | None, ledger: str | None, source: str, input_format: FileFormat | None
) -> Counted | None:
    """The votes of the pilot that is named; None where none is."""
    if study is votes is ledger is None:
        return None
    return given.votes_of(study, votes, ledger, source=source, input_format=input_format)


def _write_needed(needed: Needed, file_format: Format, output: str) -> None:
    _write(pages.needed_text(needed), needed.to_dict(), needed.warnings, file_format, output)


def _write(
    text: str, values: Mapping[str, object], warnings: tuple[str, ...], file_format: Format, output: str
) -> None:
    written = json_text(values) if file_format == "json" else text
    if output == STANDARD_STREAM:
        write(written)
    else:
        with replacing(Path(output)) as file:
            file.write(written.encode())
    for warning in warnings:
        say(f"warning: {printable(warning)}")

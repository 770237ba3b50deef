"""`arena leaderboard`."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, binary, deliver, opened, progress
from arena.cli.exchange import records
from arena.errors import BadInput
from arena.ratings import Board, BothBad, Cluster, Estimand, IntervalMethod, Method, Progress
from arena.ratings.board import read_anchor
from arena.reports import tables
from arena.reports.categories import with_shrunk
from arena.reports.tables import Groups
from arena.services import categories, counted, studies
from arena.services import leaderboard as boards
from arena.services.files import FileFormat
from arena.services.imports import check_source
from arena.services.leaderboard import BoardRequest, Field

Format = Literal["table", "csv", "json", "md"]


def leaderboard(
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    counts: Annotated[
        str | None, typer.Option(help="A file of counts of votes; no database is needed.", show_default=False)
    ] = None,
    method: Annotated[Method, typer.Option(help="How ratings are estimated.")] = "bradley-terry",
    interval: Annotated[IntervalMethod, typer.Option(help="How intervals are estimated.")] = "bootstrap",
    cluster: Annotated[
        Cluster,
        typer.Option(
            help="Votes that are alike: of one question, of one rater, of either, or none (vote); auto: of one"
            " question, and of one rater from 8 raters on."
        ),
    ] = "auto",
    estimand: Annotated[
        Estimand,
        typer.Option(
            help="What the intervals hold for: other questions like these, of which these are a sample, or these alone"
            " (auto then takes no questions as alike)."
        ),
    ] = "questions-like-these",
    source: given.Source = "human",
    by: Annotated[Field | None, typer.Option(help="One board for each value, too.", show_default=False)] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="With --by: ratings of categories drawn towards the whole, too.")
    ] = False,
    bootstrap: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rounds of resampling, or draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same intervals.")] = 0,
    level: Annotated[float, typer.Option(help="The intervals' level, between 0 and 1.")] = 0.95,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NAME=VALUE", help="Fix one rating; default: their mean is 1000.", show_default=False),
    ] = None,
    both_bad: Annotated[BothBad, typer.Option(help="Count a both_bad as half a win each, or drop it.")] = "half",
    at: Annotated[
        int | None, typer.Option(min=1, help="The board as it was at this ledger position.", show_default=False)
    ] = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="How to write it; by default what the ending of --output tells, or a table."),
    ] = None,
    input_format: Annotated[
        FileFormat | None,
        typer.Option(help="The format of --votes or --counts, where its ending does not tell.", show_default=False),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Rate the contenders: ratings with intervals, rank ranges, votes, wins, losses and ties.

    Same ledger position, settings and seed: the same bytes, everywhere.

    Examples: arena leaderboard --study kqa --output board.csv;
    arena leaderboard --votes votes.csv --seed 7;
    arena leaderboard --counts counted.csv --interval sandwich
    """
    fixed = None if anchor is None else read_anchor(anchor)
    check_source(source)
    request = BoardRequest(method, bootstrap, seed, level, fixed, source, both_bad, by, at, interval, cluster, estimand)
    what, wanted = _Given(study, votes, ledger, counts), file_format or _format_of(output)
    with progress("rating") as report:
        if shrink:
            overall, text = _with_shrunk(what, input_format, request, wanted, report)
        else:
            overall, groups = _rated(what, input_format, request, report)
            text = tables.document(overall, groups, by=by, file_format=wanted)
    deliver(text, output, overall.warnings)


def _format_of(output: str) -> Format:
    endings: dict[str, Format] = {".csv": "csv", ".json": "json", ".md": "md"}
    return endings.get(Path(output).suffix.lower(), "table")


@dataclass(frozen=True)
class _Given:
    """What is to be rated; one of them."""

    study: str | None
    votes: str | None
    ledger: str | None
    counts: str | None


def _with_shrunk(
    what: _Given, input_format: FileFormat | None, request: BoardRequest, wanted: Format, report: Progress
) -> tuple[Board, str]:
    """The overall board, and the document of the boards by category with the shrunk ratings after them."""
    if request.by is None or request.at is not None or what.counts is not None:
        raise BadInput("--shrink goes with --by category, and without --at and --counts")
    if wanted == "csv":
        raise BadInput("--shrink writes a table, md or json; state another --format")
    votes = given.votes_of(
        what.study, what.votes, what.ledger, source=request.source, input_format=input_format, grouped=True
    )
    overall, groups = boards.of_counted(votes, request, progress=report)
    found = categories.shrunk(votes, request, progress=report)
    return overall, with_shrunk(tables.document(overall, groups, by=request.by, file_format=wanted), found, wanted)


def _rated(
    what: _Given, input_format: FileFormat | None, request: BoardRequest, report: Progress
) -> tuple[Board, Groups]:
    if sum(each is not None for each in astuple(what)) != 1:
        raise BadInput("say what to rate: one of --study NAME, --votes FILE, --ledger FILE and --counts FILE")
    if what.votes is not None:
        return boards.of_votes(records(what.votes, input_format, option=given.INPUT_FORMAT), request, progress=report)
    if what.counts is not None:
        return boards.of_counts(
            records(what.counts, input_format, option=given.INPUT_FORMAT), request, progress=report
        ), {}
    if what.ledger is not None:
        with binary(what.ledger) as file:
            return boards.of_ledger(file, what.ledger, request, progress=report)
    with opened() as db:
        study = studies.get(db, what.study or "")
        counted.keep_packed(db, study, request.source, report)
        return boards.grouped(db, study, request, progress=report)

"""`arena style`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from arena.cli import given
from arena.cli.common import STANDARD_STREAM, deliver, opened, progress
from arena.cli.exchange import records
from arena.errors import BadInput
from arena.reports import style as report
from arena.services import studies
from arena.services import style as service
from arena.services.files import FileFormat
from arena.services.imports import check_source
from arena.services.style import Measured, Texts


def style(
    control: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="What to control for: length, lists, headings, bold, position, or a column of --votes (NAME, or NAME_a"
            " and NAME_b), with commas between; default: these five, as far as the answers differ in them.",
            show_default=False,
        ),
    ] = None,
    study: given.Study = None,
    votes: given.Votes = None,
    ledger: given.Ledger = None,
    answers: Annotated[
        str | None,
        typer.Option(help="A file of answers, in which length and the like are counted.", show_default=False),
    ] = None,
    source: given.Source = "human",
    level: Annotated[float, typer.Option(help="The intervals' level, between 0 and 1.")] = 0.95,
    file_format: Annotated[Literal["table", "json"], typer.Option("--format", help="How to write it.")] = "table",
    input_format: given.InputFormat = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Rate the contenders as if their answers did not differ in style, beside the board, and say what style does.

    Lengths are in characters; lists, headings and bold passages are counted in the answers' Markdown.

    Examples: arena style --study kqa;
    arena style --votes votes.csv --answers answers.jsonl --control length,position;
    arena style --votes votes.csv --control length (with the columns length_a and length_b)
    """
    names = None if control is None else service.names_of(control)
    measured, texts = _measured(study, votes, ledger, answers, source, input_format)
    with progress("rating") as told:
        found, origin = service.controlled(measured, texts, names, level=level, progress=told)
    text = report.document(found, origin, file_format)
    deliver(text, output, found.warnings)


def _measured(
    study: str | None,
    votes: str | None,
    ledger: str | None,
    answers: str | None,
    source: str,
    input_format: FileFormat | None,
) -> tuple[Measured, Texts | None]:
    """The votes, and the texts of the answers where they are known."""
    check_source(source)
    if votes is not None and study is None and ledger is None:
        measured = service.of_votes(records(votes, input_format, option=given.INPUT_FORMAT), source)
    else:
        measured = service.of_counted(given.votes_of(study, votes, ledger, source=source))
    if study is None:
        return measured, None if answers is None else service.texts_in(records(answers, None))
    if answers is not None:
        raise BadInput("--answers goes with --votes and --ledger; a study has its answers")
    with opened() as db:
        return measured, service.texts_of(db, studies.get(db, study))

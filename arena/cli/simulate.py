"""`arena simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from arena.cli.common import (
    STANDARD_STREAM,
    binary,
    count,
    counting,
    now,
    opened,
    progress,
    say,
    standard_output,
    write,
)
from arena.cli.exchange import OutFormat, Output
from arena.domain.study import check_name
from arena.domain.text import printable
from arena.errors import BadInput
from arena.ratings.simulation import Simulated, Truth
from arena.ratings.simulation import simulate as drawn
from arena.reports.text import json_text
from arena.services import simulation
from arena.services.files import FileFormat, format_by_ending
from arena.services.files.writing import replacing
from arena.services.simulated_rows import write_votes


def simulate(
    truth: Annotated[
        str | None, typer.Option(help="A TOML file that states the truth; default: no effect.", show_default=False)
    ] = None,
    contenders: Annotated[
        int | None, typer.Option(min=2, help="So many, evenly spread, where no file states them.", show_default=False)
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=1, help="Questions, in place of what the truth says.", show_default=False)
    ] = None,
    raters: Annotated[
        int | None, typer.Option(min=0, help="Raters, in place of what the truth says.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="TABLE.KEY=VALUE", help="Any other setting; may be repeated.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same study.")] = 0,
    as_: Annotated[
        Literal["votes", "study"], typer.Option("--as", help="A file of votes, or a study in the database.")
    ] = "votes",
    study: Annotated[
        str | None, typer.Option("--study", "-s", help="The name of the study to make.", show_default=False)
    ] = None,
    output: Output = STANDARD_STREAM,
    file_format: OutFormat = None,
    truth_out: Annotated[
        str | None, typer.Option(help="Write what is true of it as JSON: the ratings to find.", show_default=False)
    ] = None,
) -> None:
    """Draw votes, or a whole study, from a stated truth. They are labelled simulated for ever.

    Examples: arena simulate --output votes.csv --truth-out truth.json;
    arena simulate --truth truth.toml --as study --study trial;
    arena simulate --questions 5000 --set questions.sd=0.5 --set raters.tie_share=0.1 --output votes.parquet
    """
    chosen = _chosen(as_, study, output, file_format)
    if truth_out == STANDARD_STREAM and chosen is not None and output == STANDARD_STREAM:
        raise BadInput("votes and truth cannot both go to standard output: give --output or --truth-out a file")
    stated = _stated(truth, contenders, questions, raters, set_ or [])
    with progress("simulating") as report:
        made = drawn(stated, seed, progress=report)
    if chosen is None:
        _store(made, study or "")
    else:
        _write(made, output, chosen)
    if truth_out is not None:
        _write_truth(made, truth_out)


def _chosen(as_: str, study: str | None, output: str, file_format: FileFormat | None) -> FileFormat | None:
    """The format of the file to write; None where a study is to be made."""
    if as_ == "study":
        if study is None or output != STANDARD_STREAM or file_format is not None:
            raise BadInput("--as study makes a study in the database: give --study NAME, and no --output or --format")
        check_name(study)
        return None
    if study is not None:
        raise BadInput("--study NAME names the study to make: give --as study with it")
    if output == STANDARD_STREAM:
        return file_format or "jsonl"
    if output.lower().endswith(".gz"):
        raise BadInput(f"{output}: files are written without compression; leave out .gz")
    return file_format or format_by_ending(output)[0]


def _stated(
    file: str | None, contenders: int | None, questions: int | None, raters: int | None, settings: list[str]
) -> Truth:
    sizes = {"questions": questions, "raters": raters}
    more = [f"{table}.number={number}" for table, number in sizes.items() if number is not None]
    text = _text(file)
    try:
        return simulation.read_truth(text, contenders=contenders, settings=[*settings, *more])
    except BadInput as error:
        raise error if file is None else BadInput(f"{file}: {error}") from error


def _text(file: str | None) -> str:
    if file is None:
        return ""
    with binary(file) as stream:
        content = stream.read()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: is not UTF-8 text (byte {error.start})") from error


def _store(made: Simulated, name: str) -> None:
    with opened(create=True) as db, counting("importing") as report:
        simulation.make_study(db, name, made, now=now(), on_read=report)
    say(f"made the study '{name}', a draft with {_summary(made)}")


def _write(made: Simulated, output: str, file_format: FileFormat) -> None:
    with progress("writing") as report:
        if output == STANDARD_STREAM:
            with standard_output() as stream:
                write_votes(made, stream, file_format, progress=report)
        else:
            with replacing(Path(output)) as file:
                write_votes(made, file, file_format, progress=report)
    say(f"wrote {_summary(made)}")


def _write_truth(made: Simulated, target: str) -> None:
    text = json_text(simulation.document(made))
    if target == STANDARD_STREAM:
        write(text)
        return
    with replacing(Path(target)) as file:
        file.write(text.encode())
    say(f"wrote what is true of it to {printable(target)}")


def _summary(made: Simulated) -> str:
    questions = count(made.truth.questions.number, "question")
    return f"{count(len(made), 'simulated vote')} on {questions}: nobody cast them. Not for clinical use."

"""`arena import` and `arena export`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from arena import settings as configuration
from arena.cli.answers import say_naming
from arena.cli.common import (
    STANDARD_STREAM,
    StudyOption,
    binary,
    counting,
    now,
    opened,
    say,
    standard_input,
    standard_output,
)
from arena.domain.text import printable
from arena.domain.vocabulary import StudyState
from arena.errors import BadInput
from arena.services import exports, imports, restore, studies
from arena.services.files import FileFormat, Limits, Records, format_by_ending, read_records
from arena.services.imports import Imported
from arena.services.recorded import Match, Origin, matched_by, read_recorded
from arena.services.recorded.matching import by_text
from arena.settings import Settings
from arena.store.engine import Database

File = Annotated[str, typer.Argument(metavar="FILE", help="The file; - is standard input.", show_default=False)]
InFormat = Annotated[
    FileFormat | None,
    typer.Option("--format", help="The file's format, where its ending does not tell.", show_default=False),
]
Output = Annotated[str, typer.Option("--output", "-o", help="The file to write; - is standard output.")]
OutFormat = Annotated[
    FileFormat | None,
    typer.Option("--format", help="The format; by default what the ending tells, or jsonl.", show_default=False),
]


def import_questions(file: File, study: StudyOption, file_format: InFormat = None) -> None:
    """Add questions to a draft: fields id and text; may have context, task, category, language, source, reference,
    must_have, and others, which are kept.

    All of the file is stored or nothing; the same file twice changes nothing.

    Example: arena import questions questions.jsonl --study kqa
    """
    with opened() as db, _records(file, file_format) as given:
        done = imports.import_questions(db, study, given, now=now())
    _report(done, study)


def import_answers(
    file: File,
    study: StudyOption,
    file_format: InFormat = None,
    from_: Annotated[
        Origin | None,
        typer.Option("--from", help="The program that recorded the answers, where it is another.", show_default=False),
    ] = None,
    contender: Annotated[
        str | None, typer.Option(help="With --from: whose answers they are, in this study.", show_default=False)
    ] = None,
    match: Annotated[
        Match | None,
        typer.Option(help="With --from: how questions are found, by id or by exact text.", show_default=False),
    ] = None,
) -> None:
    """Add answers to a draft: fields question_id, contender, text; others are provenance. Contenders are created.

    With --from the file is one of lm-evaluation-harness (samples_*.jsonl), AlpacaEval (model_outputs.json), MT-Bench
    (model_answer/*.jsonl) or the output of OpenAI's Batch API. Answers that name their system are counted.

    Examples: arena import answers answers.jsonl --study kqa;
    arena import answers samples_kqa.jsonl --study kqa --from lm-eval --contender Med42-v2-8B --match text
    """
    if from_ is None and (contender is not None or match is not None):
        raise BadInput("--contender and --match belong to --from; our own files say both themselves")
    if from_ is not None and file_format is not None:
        raise BadInput("--format and --from: a format of another program is what it is; leave out --format")
    with opened() as db:
        with (
            _records(file, file_format)
            if from_ is None
            else _recorded(db, study, file, from_, contender, match) as given
        ):
            done = imports.import_answers(db, study, given, now=now())
        _report(done, study)
        if done.new:
            say_naming(db, study)


def import_votes(
    file: File,
    study: StudyOption,
    as_: Annotated[str, typer.Option("--as", help="Who cast them: human, or judge:NAME.")] = "human",
    file_format: InFormat = None,
) -> None:
    """Add votes cast elsewhere: fields model_a, model_b, winner; may have question_id, judge, tstamp, id, and others.

    winner is model_a, model_b, tie or both_bad (also "tie (bothbad)"). Who voted is stored as the file names them, in
    a record that cannot be erased: use pseudonyms.

    Example: arena import votes votes.csv --study kqa --as judge:gpt-4
    """
    with opened() as db, _records(file, file_format) as given:
        done = imports.import_votes(db, study, given, source=as_, now=now())
    _report(done, study)


def import_ledger(file: File) -> None:
    """Rebuild a study from its exported ledger, which is checked first.

    Example: arena import ledger kqa-ledger.jsonl
    """
    settings = configuration.load()
    with opened(create=True, settings=settings) as db, binary(file) as source:
        study, is_new = restore.restore(db, source, file, now=now(), limits=limits_of(settings))
    say(f"restored the study '{study.name}'" if is_new else f"'{study.name}' is here already: nothing changed")
    if is_new and study.state is StudyState.DRAFT:
        say(f"note: a draft's plan is not in its ledger; set it again with `arena study plan set {study.name} …`")


def export_questions(study: StudyOption, output: Output = STANDARD_STREAM, file_format: OutFormat = None) -> None:
    """Write a study's questions.

    Example: arena export questions --study kqa --output questions.csv
    """
    _export("questions", study, output, file_format)


def export_answers(study: StudyOption, output: Output = STANDARD_STREAM, file_format: OutFormat = None) -> None:
    """Write a study's answers. They name the contenders: not for raters' eyes.

    Example: arena export answers --study kqa --output answers.parquet
    """
    _export("answers", study, output, file_format)


def export_votes(
    study: StudyOption,
    source: Annotated[str | None, typer.Option(help="Only those from human or judge:NAME.", show_default=False)] = None,
    output: Output = STANDARD_STREAM,
    file_format: OutFormat = None,
) -> None:
    """Write a study's votes, with the LMArena columns first.

    Example: arena export votes --study kqa --source human --output votes.csv
    """
    _export("votes", study, output, file_format, source)


def export_ledger(study: StudyOption, output: Output = STANDARD_STREAM) -> None:
    """Write a study's ledger: who holds it can audit it, recompute the board and rebuild the study.

    Example: arena export ledger --study kqa --output kqa-ledger.jsonl
    """
    _export("ledger", study, output, "jsonl")


def records(file: str, file_format: FileFormat | None, *, option: str = "--format") -> Records:
    """Open a file of records within the limits of the settings; `option` states its format, as messages name it."""
    limits, stream = limits_of(configuration.load()), file == STANDARD_STREAM
    source, name = (standard_input(), "standard input") if stream else (Path(file), file)
    return read_records(source, name=name, file_format=file_format, limits=limits, option=option)


@contextmanager
def _records(file: str, file_format: FileFormat | None) -> Iterator[Records]:
    """The same, with a count of what was read while the import runs."""
    with counting("importing") as count, records(file, file_format) as given:
        given.on_read = count
        yield given


@contextmanager
def _recorded(
    db: Database, study: str, file: str, origin: Origin, contender: str | None, match: Match | None
) -> Iterator[Records]:
    """The records of another program's file."""
    is_by_text = matched_by(origin, match) == "text"
    texts = by_text(db, studies.get(db, study)) if is_by_text else None
    limits, stream = limits_of(configuration.load()), file == STANDARD_STREAM
    source, name = (standard_input(), "standard input") if stream else (Path(file), file)
    found = read_recorded(source, name=name, origin=origin, texts=texts, contender=contender, limits=limits)
    with counting("importing") as count, found as given:
        given.on_read = count
        yield given


def limits_of(settings: Settings) -> Limits:
    return Limits(
        file_bytes=settings.import_file_bytes,
        decompressed_bytes=settings.import_decompressed_bytes,
        rows=settings.import_rows,
        field_chars=settings.import_field_chars,
        depth=settings.import_depth,
    )


def _report(done: Imported, study: str) -> None:
    if not done.new:
        say(f"'{study}' has these {done.known:,} {done.what} already: nothing changed")
        return
    known = f"; it had {done.known:,} of them already" if done.known else ""
    say(f"imported {done.new:,} {done.what} into '{study}'{known}")


def _export(
    what: exports.What, name: str, output: str, file_format: FileFormat | None, source: str | None = None
) -> None:
    to_stream = output == STANDARD_STREAM
    chosen = file_format or ("jsonl" if to_stream else format_by_ending(output)[0])
    with opened() as db:
        study = studies.get(db, name)
        if to_stream:
            with standard_output() as stream:
                exports.export(db, study, what, stream, chosen, source=source)
        else:
            exports.export(db, study, what, Path(output), chosen, source=source)
        aside = sum(count.set_aside for count in studies.overview(db, study).sources) if what == "votes" else 0
    if aside:
        say(f"note: excluded and withdrawn votes are left out, {aside:,} in all; the ledger has them")
    if not to_stream:
        say(f"wrote the {what} of '{name}' to {printable(output)}")

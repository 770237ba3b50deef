"""`arena batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arena import settings as configuration
from arena.cli.common import (
    STANDARD_STREAM,
    StudyOption,
    count,
    counting,
    now,
    opened,
    say,
    standard_input,
    standard_output,
)
from arena.cli.exchange import File, Output, limits_of
from arena.domain.text import printable
from arena.errors import Incomplete
from arena.services import batches, generation, studies
from arena.services.batches import Imported
from arena.services.files.foreign import read_unchecked

SHOWN = 20
"""Requests that failed and are listed one by one."""


def export(
    study: StudyOption,
    contender: Annotated[str, typer.Option(help="Whose answers are asked for.", show_default=False)],
    output: Output = STANDARD_STREAM,
) -> None:
    """Write what a contender has not answered as an OpenAI batch file: the prompts and settings of arena generate.

    Example: arena batch export --study kqa --contender Med42-v2-8B --output batch.jsonl
    """
    with opened() as db:
        found = studies.get(db, study)
        wanted = generation.missing(db, found, [contender])
        if not wanted[0].questions:
            say(f"there is nothing to ask of {contender}: every answer is there")
            return
        if output == STANDARD_STREAM:
            with standard_output() as stream:
                number = batches.export(found, wanted, stream)
        else:
            number = batches.export(found, wanted, Path(output))
    recipe = wanted[0].recipe
    say(
        f"{count(number, 'request')} of the model {recipe.id}"
        + (f", revision {recipe.revision}" if recipe.revision else "")
    )
    if recipe.format != "chat":
        say("its prompts are written here: run it with vllm run-batch --trust-request-chat-template")


def import_(file: File, study: StudyOption) -> None:
    """Store a batch's results as arena generate stores answers; what is there already is passed over.

    Failed requests are listed. Where something is still missing, the exit status is 1: export and run that again.

    Example: arena batch import results.jsonl --study kqa
    """
    limits, stream = limits_of(configuration.load()), file == STANDARD_STREAM
    with opened() as db, counting("importing") as told:
        source, name = (standard_input(), "standard input") if stream else (Path(file), file)
        records = read_unchecked(source, name=name, limits=limits)
        records.on_read = told
        done = batches.import_results(db, study, records, now=now())
    _end(done)


def _end(done: Imported) -> None:
    """Say how it went. Raises Incomplete where something is still missing."""
    known = f"; {count(done.known, 'answer')} there already" if done.known else ""
    say(f"{count(done.stored, 'answer')} stored{known}")
    for what, counted in (("were cut at the limit of tokens", done.cut), ("name their system", done.naming)):
        told = [f"{name} {number}" for name, number in sorted(counted.items()) if number]
        if told:
            say(f"answers that {what}: {', '.join(told)}")
    for name, question, reason in done.failed[:SHOWN]:
        say(f"failed: {name}, question {printable(question)}: {printable(reason)}")
    if done.missing:
        left = ", ".join(f"{name} {number:,}" for name, number in sorted(done.missing.items()))
        raise Incomplete(
            f"{count(len(done.failed), 'request')} failed; answers still missing: {left}; export them again"
        )

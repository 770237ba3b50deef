"""`arena generate` and `arena study contenders add`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from arena.backends.server import Server, keys_of
from arena.cli.common import StudyOption, count, now, opened, progress, say, write
from arena.contenders import catalogue
from arena.domain.text import printable
from arena.errors import BadInput, Incomplete
from arena.services import generation, studies
from arena.services.generation import Generated, Missing
from arena.services.work import Pace

SHOWN = 20
"""Answers that were given up and are listed one by one."""
BYTES_A_TOKEN = 4
"""A rough measure for English, for estimates only."""

Own = Annotated[
    list[Path] | None,
    typer.Option("--file", help="A file of one's own in the catalogue's form; may be repeated.", show_default=False),
]


def add_contenders(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The study's name.", show_default=False)],
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Names of the catalogue.", show_default=False)],
    file: Own = None,
) -> None:
    """Add systems of the catalogue to a draft; `arena generate` makes their answers.

    Example: arena study contenders add kqa Med42-v2-8B Llama3-8B-Instruct
    """
    entries = [catalogue.find(name, file or ()) for name in names]
    with opened() as db:
        new = generation.add_contenders(db, study, entries, now=now())
    say(f"{count(len(new), 'new contender')} in '{study}'" + (f": {', '.join(new)}" if new else ""))


def generate(
    study: StudyOption,
    base_url: Annotated[
        list[str] | None,
        typer.Option(
            help="Where a server answers, such as http://127.0.0.1:8000; may be repeated.", show_default=False
        ),
    ] = None,
    contender: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this contender's answers; added from the catalogue where the study has it not yet; may be"
            " repeated.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="Requests in flight on each server.")] = 64,
    tries: Annotated[int, typer.Option(min=1, max=100, help="Tries for each answer before it is given up.")] = 5,
    timeout: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds that one answer may take.")] = 600,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the work, and ask nobody.")] = False,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN,OUT", help="Prices of a million tokens, for --dry-run.", show_default=False),
    ] = None,
    file: Own = None,
) -> None:
    """Ask servers for the answers that a draft lacks, and keep them. Run again, it asks only for what is missing.

    Any server with OpenAI's routes will do, vLLM first. A key for one stands in a variable ARENA_KEY_NAME, as its
    origin, a space and the key. Ctrl-C lets what is in flight come in.

    Examples: arena generate --study kqa --base-url http://127.0.0.1:8000;
    arena generate --study kqa --contender Med42-v2-8B --dry-run
    """
    prices = _prices(price)
    with opened() as db:
        found = studies.get(db, study)
        there = generation.names(db, found)
        entries = {name: catalogue.find(name, file or ()) for name in contender or () if name not in there}
        if entries and not dry_run:
            generation.add_contenders(db, study, list(entries.values()), now=now())
        names = [entries[name].name if name in entries else name for name in contender or ()]
        wanted = generation.missing(db, found, names)
        if not any(one.questions for one in wanted):
            say("there is nothing to ask: " + ("every answer is there" if wanted else _no_contender(study)))
            return
        if dry_run:
            _tell(wanted, found.plan.answer_tokens, prices)
            return
        if not base_url:
            raise BadInput("say which server to ask: --base-url http://127.0.0.1:8000")
        keys = keys_of(os.environ)
        servers = [Server(url, keys=keys, timeout=timeout, connections=concurrency) for url in base_url]
        with progress("answers") as report:
            pace = Pace(concurrency=concurrency, tries=tries)
            done = generation.generate(db, found, wanted, servers, pace=pace, clock=now, report=report)
    _end(done)


def _no_contender(study: str) -> str:
    return f"'{study}' has no contender whose answers are made here; arena study contenders add {study} NAME"


def _tell(wanted: list[Missing], answer_tokens: int, prices: tuple[float, float] | None) -> None:
    """What there is to do, a line for each contender: answers, estimated tokens of prompts, most tokens of answers."""
    total = 0.0
    for one in wanted:
        asked = sum(len(text.encode()) for text in one.questions.values()) // BYTES_A_TOKEN
        answers = len(one.questions) * answer_tokens
        line = f"{one.contender}\t{len(one.questions)} answers\t~{asked} tokens in\t<={answers} tokens out"
        if prices:
            cost = (asked * prices[0] + answers * prices[1]) / 1e6
            total += cost
            line += f"\t<={cost:.2f}"
        write(line + "\n")
    if prices:
        write(f"all\t<={total:.2f}\n")


def _prices(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--price '{text}' is not of the form IN,OUT, such as 2.5,10") from None
    return first, second


def _end(done: Generated) -> None:
    """Say how it went. Raises Incomplete where something is still missing."""
    say(f"{count(done.stored, 'answer')} stored")
    for what, counted in (("were cut at the limit of tokens", done.cut), ("name their system", done.naming)):
        say_of = [f"{name} {number}" for name, number in sorted(counted.items()) if number]
        if say_of:
            say(f"answers that {what}: {', '.join(say_of)}")
    for name, question, reason in done.given_up[:SHOWN]:
        say(f"given up: {name}, question {printable(question)}: {printable(reason)}")
    left = [f"{count(len(done.given_up), 'answer')} given up"] if done.given_up else []
    left += [f"no server serves {', '.join(done.unserved)}"] if done.unserved else []
    left += ["stopped before the end"] if done.stopped else []
    if left:
        raise Incomplete("; ".join(left) + "; run the command again for what is missing")

"""What the commands share: the database, the clock, progress, and where output goes.

Standard output carries data only; everything said to a person goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from arena import assets
from arena import settings as configuration
from arena.domain.text import printable
from arena.errors import BadInput, Incomplete
from arena.ratings import Progress as Report
from arena.services.files.writing import replacing
from arena.settings import Settings
from arena.store import schema
from arena.store.engine import Database, check_durable, open_database

StudyOption = Annotated[str, typer.Option("--study", "-s", help="The study's name.", show_default=False)]
STANDARD_STREAM = "-"


def say(text: str) -> None:
    """Tell the person at the terminal something, on standard error."""
    if sys.stderr is not None:  # where it is closed, print would turn to standard output
        print(text, file=sys.stderr)  # noqa: T201


def write(text: str) -> None:
    """Write data to standard output, as it is."""
    with standard_output() as stream:
        stream.write(text.encode())


def deliver(text: str, output: str, warnings: Iterable[str] = ()) -> None:
    """Write a document to a file, whole or not at all, or to standard output; then say what to beware of."""
    if output == STANDARD_STREAM:
        write(text)
    else:
        with replacing(Path(output)) as file:
            file.write(text.encode())
    for warning in warnings:
        say(f"warning: {printable(warning)}")


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Standard output, for data; at the end of the block all of it is written. Raises Incomplete."""
    if sys.stdout is None:
        raise Incomplete("standard output is closed: there is nowhere to write to")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Incomplete(f"standard output was not written: {error.strerror or error}") from error


def standard_input() -> BinaryIO:
    """Standard input, as bytes. Raises BadInput where it is closed."""
    if sys.stdin is None:
        raise BadInput("standard input is closed: there is nothing to read")
    return sys.stdin.buffer


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


@contextmanager
def opened(*, create: bool = False, settings: Settings | None = None) -> Iterator[Database]:
    """The database of the settings, at the newest revision; with `create` it is made or upgraded first."""
    settings = settings or configuration.load()
    db = open_database(settings.database_url)
    try:
        if not create and is_missing(db):
            where = printable(str(Path(db.engine.url.database or "").absolute()))
            raise Incomplete(
                f"there is no database at {where}; change to its directory, set ARENA_DATABASE_URL, "
                "or make it with `arena study create` or `arena db upgrade`"
            )
        if create:
            upgrade(db)
        else:
            schema.require_current(db, assets.path("migrations"))
        check_durable(db)
        yield db
    finally:
        db.close()


def is_missing(db: Database) -> bool:
    """Whether the database is an SQLite file that is not there: opening it would leave an empty one behind."""
    return db.kind == "sqlite" and not Path(db.engine.url.database or "").exists()


def upgrade(db: Database) -> None:
    """Create or upgrade the tables, and say so where that changed anything."""
    before, after = schema.upgrade(db, assets.path("migrations"))
    if before != after:
        where = printable(db.engine.url.render_as_string(hide_password=True))
        say(f"{'created' if before is None else 'upgraded'} the database {where}")


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """A progress bar on standard error, where that is a terminal; it is gone when the work is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A running count on standard error, where that is a terminal, for work whose end is not known beforehand."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def binary(path: str) -> Iterator[BinaryIO]:
    """A file opened for reading; `-` is standard input. Raises BadInput."""
    if path == STANDARD_STREAM:
        yield standard_input()
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; only opening is guarded here
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    with file:
        yield file


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: `1 vote`, `2,000 votes`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"

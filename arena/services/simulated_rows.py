"""A simulated study as exchange files: its votes by the column, its questions and answers by the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from arena.domain.text import csv_safe
from arena.domain.vocabulary import Choice, Winner
from arena.ratings.comparisons.votes import OUTCOMES
from arena.ratings.simulation import Simulated, answer_lengths
from arena.services.files import FileFormat

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, object]
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
AT_ONCE = 100_000
"""Votes that are written at a time."""
VOTE_COLUMNS = ("id", "question_id", "model_a", "model_b", "winner", "judge", "tstamp", "choice", "simulated")
MORE_COLUMNS = ("source", "category", "length_a", "length_b")
"""What a file of votes has besides; in a study it stands with the questions and answers."""

_FILLER = " This text only stands for an answer of its length; it says nothing."
_CHOICES: list[str] = [*(str(Winner(outcome).choice) for outcome in OUTCOMES), str(Choice.CANNOT_JUDGE)]


def write_votes(
    study: Simulated,
    target: BinaryIO,
    file_format: FileFormat,
    *,
    rows: np.ndarray[Any, Any] | None = None,
    columns: Sequence[str] = VOTE_COLUMNS + MORE_COLUMNS,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write votes (all, or `rows` of them) as an exchange file. Parquet holds all in memory, the others take turns."""
    chosen = np.arange(len(study)) if rows is None else rows
    names = _names(study, safe=file_format == "csv")
    parts = []
    for start in range(0, len(chosen), AT_ONCE):
        part = _frame(study, chosen[start : start + AT_ONCE], columns, names)
        if file_format == "csv":
            part.write_csv(target, include_header=not start)
        elif file_format == "jsonl":
            part.write_ndjson(target)
        else:
            parts.append(part)
        if progress:
            progress(min(start + AT_ONCE, len(chosen)), len(chosen))
    if parts:
        import polars as pl

        pl.concat(parts).write_parquet(target, compression="zstd")


def question_rows(study: Simulated) -> Iterator[Row]:
    """The questions, each with a text that says that it is simulated."""
    categories = [*(category.name for category in study.truth.categories), None]
    for name, category in zip(study.questions, study.category.tolist(), strict=True):
        yield {
            "id": name,
            "text": f"Simulated question {name}. Nobody asked it.",
            "category": categories[category],
            "simulated": True,
        }


def answer_rows(study: Simulated) -> Iterator[Row]:
    """Every contender's answer to every question: a text that says that it is simulated, of the length drawn."""
    questions = iter(study.questions)
    for lengths in answer_lengths(study.truth, study.seed):
        for row, question in zip(lengths.tolist(), questions, strict=False):
            for contender, length in zip(study.truth.contenders, row, strict=True):
                family = {} if contender.family is None else {"family": contender.family}
                yield {
                    "question_id": question,
                    "contender": contender.name,
                    "text": answer_text(length),
                    "simulated": True,
                    **family,
                }


def answer_text(length: int) -> str:
    """A text of so many characters (at least 40) that says what it is and names no contender."""
    text = "Simulated: nobody wrote this answer." + _FILLER * (length // len(_FILLER) + 1)
    return f"{text[: length - 1]}."


def _names(study: Simulated, *, safe: bool) -> dict[str, pl.Series]:
    """What the numbers of a column stand for; -1 is the last. `safe` text cannot act as a formula in a spreadsheet."""
    import polars as pl

    truth = study.truth
    named: dict[str, list[str | None]] = {
        "question": [*study.questions],
        "contender": [*truth.names],
        "outcome": [*OUTCOMES, None],
        "choice": [*_CHOICES],
        "source": [*study.sources],
        "voter": [*study.people.names, *(judge.name for judge in truth.judges)],
        "category": [*(category.name for category in truth.categories), None],
    }
    return {
        what: pl.Series([csv_safe(name) if safe and name else name for name in names], dtype=pl.String)
        for what, names in named.items()
    }


def _frame(
    study: Simulated, rows: np.ndarray[Any, Any], columns: Sequence[str], names: Mapping[str, pl.Series]
) -> pl.DataFrame:
    """These votes as a table."""
    import polars as pl

    def named(what: str, index: np.ndarray[Any, Any]) -> pl.Series:
        return names[what].gather(np.where(index < 0, len(names[what]) - 1, index))

    source, outcome, question = study.source[rows], study.outcome[rows], study.question[rows]
    voter = np.where(source == 0, study.rater[rows], len(study.people.slope) + source - 1)
    seconds = pl.Series(study.time[rows]) + int(FIRST_DAY.timestamp())
    make: dict[str, Callable[[], pl.Series]] = {
        "id": lambda: _ids(rows, len(study)),
        "question_id": lambda: named("question", question),
        "model_a": lambda: named("contender", study.a[rows]),
        "model_b": lambda: named("contender", study.b[rows]),
        "winner": lambda: named("outcome", outcome),
        "judge": lambda: named("voter", voter),
        "tstamp": lambda: (seconds * 1_000_000).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "choice": lambda: named("choice", outcome),
        "simulated": lambda: pl.repeat(True, len(rows), eager=True),
        "source": lambda: named("source", source),
        "category": lambda: named("category", study.category[question]),
        "length_a": lambda: pl.Series(study.length_a[rows]),
        "length_b": lambda: pl.Series(study.length_b[rows]),
    }
    return pl.DataFrame({column: make[column]() for column in columns})


def _ids(rows: np.ndarray[Any, Any], total: int) -> pl.Series:
    """Numbers in the order of time: `sim-0001`."""
    import polars as pl

    digits = pl.Series(rows + 1).cast(pl.String).str.zfill(len(str(total)))
    return "sim-" + digits

"""Style control of a study's votes, or of a file's: what was measured of the answers, joined to the votes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from arena.domain.features import FEATURES, Features, features_of
from arena.domain.ledger import Head
from arena.domain.study import Study
from arena.errors import BadInput, Conflict
from arena.ratings import Progress
from arena.ratings.covariates import POSITION, Controlled, control
from arena.services.counted import Counted
from arena.services.files import Records, parse_answers, parse_votes
from arena.services.imports import stated_source
from arena.store import content
from arena.store.engine import Database

COLUMNS = ("model_a", "model_b", "winner", "question_id", "rater")
Texts = Mapping[tuple[str, str], str]
"""The answers' texts, by question and contender."""


@dataclass
class Measured:
    """The counted votes of one source as columns, what a file says of each besides, and where they come from."""

    source: str
    columns: Mapping[str, Any]
    extra: Sequence[Mapping[str, object]] = ()
    study: str | None = None
    head: Head | None = None
    notes: tuple[str, ...] = ()


def of_counted(votes: Counted) -> Measured:
    """The votes of a study or a ledger."""
    notes = (*votes.notes, *_simulated(int(sum(votes.simulated)), len(votes.simulated)))
    return Measured(votes.source, votes.columns(), study=votes.study, head=votes.head, notes=notes)


def of_votes(records: Records, source: str) -> Measured:
    """The votes of a file with their further columns. Votes that state another source are left out.

    Raises BadRecords, and Conflict where no vote is left.
    """
    columns: dict[str, list[str | None]] = {name: [] for name in COLUMNS}
    extra: list[Mapping[str, object]] = []
    simulated = 0
    with records:
        for located in parse_votes(records, name=records.name, digest=records.digest):
            vote = located.record
            if vote.choice.winner is not None and stated_source(vote) in (None, source):
                row = (vote.model_a, vote.model_b, str(vote.choice.winner), vote.question_id, vote.rater)
                for name, value in zip(COLUMNS, row, strict=True):
                    columns[name].append(value)
                extra.append(json.loads(vote.extra))
                simulated += vote.simulated
    if not extra:
        raise Conflict(f"there is no vote to count from '{source}' in {records.name}")
    return Measured(source, columns, extra, notes=_simulated(simulated, len(extra)))


def texts_of(db: Database, study: Study) -> Texts:
    """The texts of a study's answers."""
    with db.read() as tx:
        return {(one.question_id, one.contender): one.text for _, one, _ in content.answers(tx, study.id)}


def texts_in(records: Records) -> Texts:
    """The texts of a file of answers. Raises BadRecords."""
    with records:
        found = parse_answers(records, name=records.name)
    return {(one.record.question_id, one.record.contender): one.record.text for one in found}


def controlled(
    measured: Measured,
    texts: Texts | None,
    names: Sequence[str] | None,
    *,
    level: float = 0.95,
    progress: Progress | None = None,
) -> tuple[Controlled, dict[str, object]]:
    """Ratings without and with control for `names`, and where the votes come from.

    `position` is the side; length, lists, headings and bold are counted in `texts`, and all else (and these, without
    `texts`) is a column of the votes' file: NAME, the difference, or NAME_a and NAME_b. Without `names` it is the side
    and what is usually counted, as far as the answers differ in it. Raises BadInput.
    """
    notes = measured.notes
    if names is None:
        names, left_out = _usual(measured, texts)
        notes = (*notes, *left_out)
    counted = [name for name in names if name in FEATURES and texts is not None]
    columns: dict[str, Sequence[float]] = {}
    if texts is not None and counted:
        columns |= _counted(measured.columns, texts, counted)
    for name in names:
        if name not in (*counted, POSITION):
            columns |= _stated(measured.extra, name)
    found = control(measured.columns, columns, position=POSITION in names, level=level, progress=progress)
    head = measured.head
    return replace(found, warnings=(*notes, *found.warnings)), {
        "study": measured.study,
        "source": measured.source,
        "ledger": {"position": head.position, "head": head.hash} if head else None,
    }


def _usual(measured: Measured, texts: Texts | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is usually controlled for and can be here; and a sentence on what cannot."""
    if texts is not None:
        columns = _counted(measured.columns, texts, FEATURES)
    else:
        known = measured.extra[0].keys() if measured.extra else ()
        stated = [name for name in FEATURES if name in known or f"{name}_a" in known]
        columns = {name: _difference(_stated(measured.extra, name), name) for name in stated}
    used = tuple(name for name in FEATURES if len(set(columns.get(name, ()))) > 1)
    missing = [name for name in FEATURES if name not in used]
    note = f"Left out, as the answers are not known to differ in it: {', '.join(missing)}."
    return (*used, POSITION), (note,) if missing else ()


def _difference(columns: Mapping[str, Sequence[float]], name: str) -> list[float]:
    if name in columns:
        return list(columns[name])
    return [a - b for a, b in zip(columns[f"{name}_a"], columns[f"{name}_b"], strict=True)]


def names_of(text: str) -> tuple[str, ...]:
    """The names in a list with commas. Raises BadInput for an empty one and for one that stands twice."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise BadInput(f"--control '{text}' is not a list of different names, such as length,lists,position")
    return names


def _simulated(number: int, votes: int) -> tuple[str, ...]:
    return (f"{number} of the {votes} votes are simulated.",) if number else ()


def _counted(votes: Mapping[str, Any], texts: Texts, names: Sequence[str]) -> dict[str, list[float]]:
    """What A's answer has more of than B's. Raises BadInput where a vote's answer is not there."""
    features: dict[tuple[str, str | None], Features] = {key: features_of(text) for key, text in texts.items()}
    columns: dict[str, list[float]] = {name: [] for name in names}
    sides = zip(votes["question_id"], votes["model_a"], votes["model_b"], strict=True)
    for row, (question, *contenders) in enumerate(sides, start=1):
        if question is None:
            raise BadInput(f"vote {row} names no question, so that its answers are not known")
        missing = next((name for name in contenders if (question, name) not in features), None)
        if missing is not None:
            raise BadInput(f"vote {row}: there is no answer of {missing!r} to the question {question!r}")
        first, second = (features[question, name] for name in contenders if name is not None)
        for name, column in columns.items():
            column.append(float(getattr(first, name) - getattr(second, name)))
    return columns


def _stated(extra: Sequence[Mapping[str, object]], name: str) -> dict[str, list[float]]:
    """The columns of a file that hold a covariate. Raises BadInput where there is none, or where one is no number."""
    pair = [f"{name}_a", f"{name}_b"]
    for wanted in (pair, [name]):
        if extra and all(column in extra[0] for column in wanted):
            return {column: [_number(row, column, at) for at, row in enumerate(extra, 1)] for column in wanted}
    raise BadInput(
        f"there is nothing to tell {name} by: give a file of votes with the columns {pair[0]} and {pair[1]}"
        + (", or --answers FILE" if name in FEATURES else f", or {name} (the difference)")
    )


def _number(row: Mapping[str, object], column: str, at: int) -> float:
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadInput(f"vote {at}, {column}: there is no number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise BadInput(f"vote {at}, {column}: {value!r} is no number") from None

"""Human votes and a judge's as one leaderboard: of a study, of an exported ledger, or of files of votes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from arena.errors import Conflict
from arena.ratings import BothBad, Progress
from arena.ratings.prediction_powered.combined import combine
from arena.ratings.prediction_powered.result import Combined
from arena.services.counted import Counted
from arena.services.files import Records
from arena.services.files.fields import Fields
from arena.services.files.parsing import collect
from arena.services.files.raw import BadField, shown

PROBLEMS_SHOWN = 10


@dataclass(frozen=True)
class CombineRequest:
    """The settings of `arena.ratings.prediction_powered.combined.combine`."""

    both_bad: BothBad = "half"
    rounds: int = 1000
    seed: int = 0
    level: float = 0.95
    pool_as_equals: bool = False


def combined(
    human: Counted,
    judge: Counted,
    request: CombineRequest,
    *,
    probabilities: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Combined:
    """The combined leaderboard, with what is to be said of both sources before its own warnings.

    Raises BadInput as `combine`, and Conflict where votes came in between the reading of the two.
    """
    if human.head != judge.head:
        raise Conflict("votes were recorded while the two sources were read; run it again")
    stated = {**human.categories, **judge.categories}
    found = combine(
        human.columns(),
        judge.columns(),
        probabilities=probabilities,
        categories=stated,
        both_bad=request.both_bad,
        rounds=request.rounds,
        level=request.level,
        seed=request.seed,
        study=human.study,
        judge_name=judge.source,
        pool_as_equals=request.pool_as_equals,
        progress=progress,
    )
    return replace(found, warnings=(*_notes(human), *_notes(judge), *found.warnings))


def read_probabilities(records: Records) -> dict[str, float]:
    """The columns `question_id` and `probability` of a file: with what chance each question was to be human-labelled.

    Raises BadRecords for what is no such record; whether the numbers are probabilities is asked where they are used.
    """
    with records:
        rows = collect(records, records.name, PROBLEMS_SHOWN, _probability, lambda row: ("question_id", row[0], row[0]))
    return dict(row.record for row in rows)


def _probability(fields: Fields, _: int) -> tuple[str, float]:
    question = fields.name("question_id")
    given = json.loads(fields.rest()).get("probability")  # a number in JSON and Parquet, text in CSV
    try:
        return question, float("" if given is None or isinstance(given, bool | list | dict) else given)
    except ValueError:
        raise BadField("probability", f"is {shown(given)}; it must be a number above 0 and up to 1") from None


def _notes(counted: Counted) -> tuple[str, ...]:
    notes = [f"{counted.source}: {note}" for note in counted.notes]
    simulated = int(sum(counted.simulated))
    if simulated:
        notes.append(f"{counted.source}: {simulated} of its {len(counted.simulated)} votes are simulated.")
    return tuple(notes)

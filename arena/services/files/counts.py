"""Counts instead of votes: how often one contender won, lost and tied against another, a record for each pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from arena.errors import BadInput
from arena.services.files.fields import Fields
from arena.services.files.parsing import collect, contenders_of, rater_of
from arena.services.files.raw import BadField, Entry


@dataclass(frozen=True)
class _Count:
    model_a: str
    model_b: str
    wins_a: int
    wins_b: int
    ties: int
    both_bad: int
    question_id: str | None
    rater: str | None


def parse_counts(records: Iterable[Entry], *, name: str, limit: int = 10) -> dict[str, list[object]]:
    """The columns `model_a, model_b, wins_a, wins_b, ties, both_bad, question_id, rater` of the file `name`.

    A record is a pair, in either order, and what was counted of it; several records of one pair add up. `both_bad`,
    `question_id` and `rater` (or `judge`, `worker`) may be absent, and other fields are passed over. Raises BadRecords
    with the file's first `limit` problems, and BadInput where every count is 0.
    """
    counts = [found.record for found in collect(records, name, limit, _count)]
    if not any(count.wins_a or count.wins_b or count.ties or count.both_bad for count in counts):
        raise BadInput(f"{name}: every count is 0; there are no votes to rate")
    return {field: [getattr(count, field) for count in counts] for field in _Count.__dataclass_fields__}


def _count(fields: Fields, _: int) -> _Count:
    model_a, model_b = contenders_of(fields)
    return _Count(
        model_a=model_a,
        model_b=model_b,
        wins_a=_needed(fields, "wins_a"),
        wins_b=_needed(fields, "wins_b"),
        ties=_needed(fields, "ties"),
        both_bad=fields.count("both_bad") or 0,
        question_id=fields.optional_name("question_id"),
        rater=rater_of(fields),
    )


def _needed(fields: Fields, field: str) -> int:
    count = fields.count(field)
    if count is None:
        raise BadField(field, "is missing or empty; it must be a whole number from 0")
    return count

"""A combined leaderboard as text for a terminal, and as JSON. The same values give the same bytes."""

from __future__ import annotations

from arena.domain.text import printable
from arena.ratings.prediction_powered.result import Combined, CombinedRow
from arena.reports.tables import cluster_words, ranks
from arena.reports.text import NOTICE, json_text, number, table_text

_NAME = 2
"""The column of the contender's name: the one aligned to the left."""


def combined_json(found: Combined) -> str:
    """The JSON contract, indented, with a newline at the end."""
    return json_text(found.to_dict())


def combined_text(found: Combined) -> str:
    """An aligned table for a terminal of any width, and how the numbers came about."""
    interval = f"{found.interval.level * 100:g}% interval"
    together = "Pooled" if found.judge_weight is None else "Combined"
    head = ("Rank", "At once", "Contender", together, interval, "Human", interval, "Judge", interval)
    lines = table_text([(*head, "Votes", "Worth"), *map(_cells, found.rows)], left=(_NAME,))
    return "\n".join([*lines, "", *(printable(line) for line in _notes(found)), ""])


def _cells(row: CombinedRow) -> tuple[str, ...]:
    return (
        str(row.rank),
        ranks(row.rank_set_low, row.rank_set_high),
        row.model,
        *_rating(row.rating, row.low, row.high),
        *_rating(row.human_rating, row.human_low, row.human_high),
        *_rating(row.judge_rating, row.judge_low, row.judge_high),
        str(row.human_votes),
        number(row.effective_votes),
    )


def _rating(rating: float, low: float, high: float) -> tuple[str, str]:
    return number(rating), f"{number(low)} to {number(high)}"


def _notes(found: Combined) -> list[str]:
    lines = _how(found)
    lines.append(
        f"{found.human_votes:,} human votes on {found.labelled_questions:,} questions, {found.judge_votes:,} votes of"
        f" {found.judge}; {found.questions:,} questions in all. Bradley-Terry ratings on the Elo scale (400 points are"
        f" odds of 10 to 1), their mean 1000; {found.interval.level * 100:g}% intervals from a sandwich variance by"
        f" {cluster_words(found.interval)}, for questions like these, seed {found.interval.seed}."
    )
    lines += [f"Warning: {warning}" for warning in found.warnings]
    return [*lines, NOTICE]


def _how(found: Combined) -> list[str]:
    """What was done, and what it assumes; nothing of that for pooled votes, whose warning says it."""
    if found.judge_weight is None:
        return []
    correlation = "" if found.correlation is None else f", correlation by question {found.correlation:.2f}"
    gain = (
        f"Combined: human + λ (judge on all questions - judge on the human-labelled ones), λ {found.judge_weight:.2f}"
        f"{correlation}. The {found.human_votes:,} human votes are worth {number(found.effective_votes)}."
    )
    return [gain, _choice(found)]


def _choice(found: Combined) -> str:
    if found.choice["taken_as"] != "random sample":
        return "Human votes are weighted by the inverse of the given probabilities that their question was chosen."
    p_value = found.choice["p_value"]
    told = f"a test finds p = {p_value:.2g}" if isinstance(p_value, float) else "there is nothing to test that on"
    return f"The human-labelled questions are taken as a random sample of all ({told}; it can refute, and not prove)."

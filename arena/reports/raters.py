"""The report on raters as text: how reliable each is, which side each likes, and whose votes are unlike the others'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from arena.domain.text import printable
from arena.ratings.raters import RaterRow, Raters
from arena.reports.text import NOTICE, json_text, number, table_text


def document(found: Raters, origin: Mapping[str, object], file_format: Literal["table", "json"]) -> str:
    """The whole report; `origin` says where the votes come from."""
    if file_format == "json":
        return json_text({**origin, **found.to_dict()})
    return _text(found)


def _text(found: Raters) -> str:
    level = f"{found.level * 100:g}% interval"
    headings = [("Rater", "Votes", "Ties", "Slope", level, "Side A", level, "Likelihood", "Lean", "Of", "p", "Note")]
    told = [row for row in found.rows if row.unlike is not None]
    unlike = sum(bool(row.unlike) for row in told)
    return "\n".join(
        [
            *table_text([*headings, *map(_row, found.rows)], left=(0, 9, 11)),
            "",
            "Slope: how closely votes follow the contenders' strengths; 1 is usual, towards 0 they follow them less.",
            "Side A: liking for side A, in logits. Both are drawn towards the usual, the more the fewer the votes.",
            "Likelihood, Lean: standard scores beside simulated honest raters: how likely the votes are by the others'",
            "votes, and how far they lean towards (+) or away from (-) the contender or side named. p: the probability",
            "of an honest rater's being so far out.",
            f"Votes unlike the others' (p at most {found.threshold:g}): {unlike} of {len(told)} raters;"
            f" by chance alone {found.threshold * len(told):.1f} are expected.",
            "This is to be read and is no accusation: who knows better also votes unlike the others. No vote is",
            "weighed or excluded by it.",
            f"{found.votes:,} votes; {found.rounds:,} rounds of simulation at most, seed {found.seed}.",
            *(f"Warning: {printable(warning)}" for warning in found.warnings),
            NOTICE,
            "",
        ]
    )


def _row(row: RaterRow) -> tuple[str, ...]:
    sign = "-" if row.leans == "away" else "+"
    return (
        row.rater,
        str(row.votes),
        f"{row.tie_rate * 100:.0f}%",
        number(row.slope, 2),
        f"{number(row.slope_low, 2)} to {number(row.slope_high, 2)}",
        number(row.side, 2),
        f"{number(row.side_low, 2)} to {number(row.side_high, 2)}",
        number(row.likelihood, 1),
        "–" if row.lean is None else sign + number(row.lean, 1),
        row.towards or "–",
        number(row.probability, 3),
        "unlike the others'" if row.unlike else "",
    )

"""On those who vote: whether they agree, which side they like, and what analysts read of each."""

from __future__ import annotations

from collections.abc import Sequence

from arena.ratings.agreement.position import Side
from arena.ratings.agreement.resampling import Estimate
from arena.ratings.agreement.result import Agreement, Comparison
from arena.ratings.raters import RaterRow, Raters
from arena.reports.text import number
from arena.web.findings.section import Section, Table, kept
from arena.web.pages import percent, source_words


def agreeing(found: Agreement) -> Section:
    """Whether raters agree, people and judges, and whether they prefer a side."""
    compared = [one for one in found.overall.comparisons if one.units]
    heads = ("Who", "Pairs of answers", "Same reply", "Krippendorff's alpha", "Gwet's AC1", "Ties")
    tables = []
    if compared:
        tables.append(("Agreement", Table(heads, tuple(map(_comparison, compared)), (0,))))
    if found.position:
        sides = ("Votes of", "Votes for a side", "For side A", "Reading")
        tables.append(("Preference for a side", Table(sides, tuple(map(_side, found.position)), (0, 3))))
    return Section(_agreed(compared), (), tuple(tables), kept(found.warnings))


def _comparison(one: Comparison) -> tuple[str, ...]:
    figures = one.figures
    return (
        _pair_words(one),
        f"{one.units:,}",
        _share(figures["raw"]),
        _figure(figures["krippendorff_nominal"]),
        _figure(figures["gwet_ac1"]),
        _share(figures["tie_rate"]),
    )


def _pair_words(one: Comparison) -> str:
    if one.kind == "human-human":
        return "People with each other"
    if one.kind == "judge-judge":
        return "Judges with each other"
    return f"People with {source_words(one.judge) if one.judge else 'all judges'}"


def _agreed(compared: Sequence[Comparison]) -> str:
    """In how many cases two of them say the same: people, and beside them each judge."""
    told = {_pair_words(one): one.figures["raw"] for one in compared if one.figures["raw"].value is not None}
    people = told.pop("People with each other", None)
    if people is None and not told:
        return "No two raters have judged the same pair of answers yet."
    lines = []
    if people is not None:
        lines.append(f"Two people who judged the same pair of answers said the same in {_share(people)} of cases")
    lines += [f"{who[0].lower()}{who[1:]}, in {_share(raw)}" for who, raw in list(told.items())[:3]]
    joined = "; ".join(lines)
    return f"{joined[0].upper()}{joined[1:]}."


def _side(side: Side) -> tuple[str, ...]:
    low, high = side.share.low, side.share.high
    reading = "no preference shown"
    if low is None or high is None:
        reading = "too few to say"
    elif low > 0.5 or high < 0.5:
        reading = f"side {'A' if low > 0.5 else 'B'} more often"
    return source_words(side.source).capitalize(), f"{side.votes:,}", _share(side.share), reading


def _share(found: Estimate) -> str:
    if found.value is None:
        return "–"
    span = "" if found.low is None or found.high is None else f" ({100 * found.low:.0f} to {100 * found.high:.0f})"
    return f"{100 * found.value:.0f}%{span}"


def _figure(found: Estimate) -> str:
    if found.value is None:
        return "–"
    span = "" if found.low is None or found.high is None else f" ({found.low:.2f} to {found.high:.2f})"
    return f"{found.value:.2f}{span}"


def on_raters(found: Raters) -> Section:
    """The report on raters, for those who analyse the study."""
    told = [row for row in found.rows if row.unlike is not None]
    unlike = sum(bool(row.unlike) for row in told)
    level = f"{percent(found.level)} interval"
    heads = ("Rater", "Votes", "Ties", "Slope", level, "Side A", level, "Likelihood", "Lean", "p", "To be read")
    return Section(
        f"The votes of {unlike} of {len(told)} raters are unlike the others'; by chance alone "
        f"{found.threshold * len(told):.1f} would be.",
        (),
        (("Report on raters", Table(heads, tuple(map(_rater, found.rows)), (0, 10))),),
        kept(found.warnings),
    )


def _rater(row: RaterRow) -> tuple[str, ...]:
    lean = (
        "–" if row.lean is None else f"{'-' if row.leans == 'away' else '+'}{row.lean:.1f} {row.towards or ''}".strip()
    )
    return (
        row.rater,
        f"{row.votes:,}",
        f"{100 * row.tie_rate:.0f}%",
        number(row.slope, 2),
        f"{row.slope_low:.2f} to {row.slope_high:.2f}",
        f"{row.side:+z.2f}",
        f"{row.side_low:+z.2f} to {row.side_high:+z.2f}",
        number(row.likelihood, 1),
        lean,
        number(row.probability, 3),
        "votes unlike the others'" if row.unlike else "",
    )

"""Agreement as text for a terminal, and as JSON. The same values give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from arena.domain.text import printable
from arena.ratings.agreement.consistency import Repeats
from arena.ratings.agreement.plurality import Plurality
from arena.ratings.agreement.position import Side
from arena.ratings.agreement.resampling import Estimate
from arena.ratings.agreement.result import Agreement, Comparison, Part
from arena.reports.text import NOTICE, json_text, number, table_text

WORDS = {
    "tie_rate": "Tie rate",
    "raw": "Raw agreement",
    "cohen": "Cohen's kappa, mean of pairs",
    "fleiss": "Fleiss' kappa",
    "randolph": "Randolph's kappa",
    "gwet_ac1": "Gwet's AC1",
    "krippendorff_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_ordinal": "Krippendorff's alpha, ordinal",
    "gwet_ac2": "Gwet's AC2, ordinal",
}
MOST = 12
"""Raters, or pairs of them, up to which a table lists each; JSON holds all (of pairs, up to 200)."""

Rows = list[tuple[str, ...]]


def agreement_json(found: Agreement) -> str:
    """The JSON contract, indented, with a newline at the end."""
    return json_text(found.to_dict())


def agreement_text(found: Agreement) -> str:
    """Tables for a terminal of any width, and what is to be said about them."""
    lines = _part_lines(found.overall)
    for part in found.parts:
        lines += [f"{part.field}: {part.value}", "", *_part_lines(part)]
    lines += _side_lines(found.position)
    lines += _repeat_lines(found.consistency)
    return "\n".join([*lines, *(printable(line) for line in _notes(found)), ""])


def _part_lines(part: Part) -> list[str]:
    if not part.comparisons:
        return ["No two raters can be compared.", ""]
    lines = [*table_text(_figures(part.comparisons), left=(0,)), ""]
    if part.pluralities:
        lines += [*table_text(_pluralities(part.pluralities), left=(0,)), ""]
        lines += [*table_text(_beside(part.pluralities), left=(0,)), ""]
    if part.field is None and (pairs := _pairs(part.comparisons)):
        lines += [*table_text(pairs, left=(0, 1)), ""]
    return [printable(line) for line in lines]


def _figures(comparisons: Sequence[Comparison]) -> Rows:
    """One column for each comparison."""
    rows: Rows = [("Agreement", *map(_heading, comparisons))]
    for word, count in (("Raters", "raters"), ("Questions", "questions"), ("Pairings", "units"), ("Votes", "votes")):
        rows.append((word, *(f"{getattr(comparison, count):,}" for comparison in comparisons)))
    rows.append(("Labels (K)", *(str(len(comparison.labels)) for comparison in comparisons)))
    return rows + [(word, *(_cell(each.figures[name]) for each in comparisons)) for name, word in WORDS.items()]


def _heading(comparison: Comparison) -> str:
    if comparison.kind != "human-judge":
        return comparison.kind.replace("-", "–")
    return f"human–{comparison.judge}" if comparison.judge else "human–all judges"


def _pluralities(pluralities: Sequence[Plurality]) -> Rows:
    rows: Rows = [
        (
            "Judge beside most people",
            "Pairings",
            "Says what most say",
            "Decisive",
            "Same there",
            "Two of the people agree",
        )
    ]
    for each in pluralities:
        counts = (f"{each.pairings:,}", f"{each.decisive:,}")
        own = map(_share, (each.agrees, each.agrees_decisive))
        told = (cell for pair in zip(counts, own, strict=True) for cell in pair)
        rows.append((each.judge, *told, _share(each.human_raw)))
    return rows


def _beside(pluralities: Sequence[Plurality]) -> Rows:
    """A judge and the person whose place it takes, held against the same other people."""
    rows: Rows = [("Judge beside a person", "Votes of people", "Judge says what most others say", "The person does")]
    for each in pluralities:
        rows.append((each.judge, f"{each.beside:,}", _share(each.judge_agrees), _share(each.human_agrees)))
    return rows


def _pairs(comparisons: Sequence[Comparison]) -> Rows:
    """The pairs of raters within groups that are small enough to list them all."""
    listed = [pair for each in comparisons if _is_listed(each) for pair in each.pairs.listed]
    rows: Rows = [("Rater", "Rater", "Pairings", "Raw agreement", "Cohen's kappa")]
    rows += [(pair.one, pair.other, str(pair.pairings), _share(pair.raw), _cell(pair.cohen)) for pair in listed]
    return rows if listed else []


def _is_listed(comparison: Comparison) -> bool:
    is_total = comparison.kind == "human-judge" and comparison.judge is None  # each judge is told of by itself
    return not is_total and len(comparison.pairs.listed) <= MOST


def _side_lines(sides: Sequence[Side]) -> list[str]:
    rows: Rows = [("Side", "Decisive votes", "Left", "Share of the left", "Above the other raters by")]
    told = []
    for side in sides:
        rows.append((side.source, f"{side.votes:,}", f"{side.left:,}", _share(side.share), ""))
        if 1 < len(side.raters) <= MOST:
            rows += [
                (f"  {each.rater}", f"{each.votes:,}", f"{each.left:,}", _share(each.share), _share(each.difference))
                for each in side.raters
            ]
        elif len(side.raters) > MOST:
            apart = sum(_excludes_zero(each.difference) for each in side.raters)
            told.append(
                f"{side.source}: {len(side.raters)} raters; for {apart} the interval of the difference from the others"
                " excludes 0. JSON lists each."
            )
    return [*table_text(rows, left=(0,)), *(printable(line) for line in told), ""] if sides else []


def _repeat_lines(repeats: Sequence[Repeats]) -> list[str]:
    rows: Rows = [("Self-consistency", "Pairings", "Pairs of votes", "Same again", "Sides kept", "Sides swapped")]
    for each in repeats:
        rows.append(
            (
                each.source,
                f"{each.pairings:,}",
                f"{each.pairs:,}",
                _share(each.share),
                f"{each.same_sides_pairs:,}: {_share(each.same_sides)}",
                f"{each.swapped_pairs:,}: {_share(each.swapped)}",
            )
        )
        if 1 < len(each.raters) <= MOST:
            rows += [
                (f"  {own.rater}", str(own.pairings), str(own.pairs), _share(own.share), "", "") for own in each.raters
            ]
    return [*table_text(rows, left=(0,)), ""] if repeats else []


def _excludes_zero(difference: Estimate) -> bool:
    return difference.low is not None and difference.high is not None and (difference.low > 0 or difference.high < 0)


def _cell(found: Estimate, scale: float = 1.0, digits: int = 2, sign: str = "") -> str:
    """The number with its interval."""
    if found.value is None:
        return "–"
    text = number(found.value * scale, digits) + sign
    if found.low is None or found.high is None:
        return text
    return f"{text} ({number(found.low * scale, digits)} to {number(found.high * scale, digits)})"


def _share(found: Estimate) -> str:
    return _cell(found, 100.0, 1, "%")


def _notes(found: Agreement) -> list[str]:
    level, rounds = float(found.settings["level"]) * 100, int(found.settings["rounds"])
    is_merged = found.settings["both_bad"] == "tie"
    merged = "tie and both_bad are one label" if is_merged else "both_bad is a label of its own"
    lines = [
        "A pairing is a question with two contenders; a vote says which of the two is better, whichever side it was on,"
        f" or that neither is ({merged}). The first vote of a rater on a pairing counts.",
        f"{level:g}% intervals from {rounds:,} bootstrap rounds by question, seed {found.settings['seed']};"
        f" {found.votes:,} votes.",
    ]
    if found.ledger is not None:
        lines.append(f"Ledger position {found.ledger.get('position')}, head {found.ledger.get('head')}.")
    return [*lines, *(f"Warning: {warning}" for warning in found.warnings), NOTICE]

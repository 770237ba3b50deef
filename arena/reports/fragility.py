"""An analysis of fragility as text for a terminal, and as JSON. The same values give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena.domain.text import printable
from arena.ratings.fragility.result import UNITS, WAYS, Change, Contest, Fragility, LeaveOneOut, Range, VotesMoved
from arena.reports.tables import ranks
from arena.reports.text import NOTICE, json_text, number, table_text

DONE = {"remove": "removed", "flip": "flipped"}
LISTED = 12
"""Kinds of votes, or names, that are written out; JSON holds all."""

Rows = list[tuple[str, ...]]


def fragility_json(found: Fragility, origin: Mapping[str, object]) -> str:
    """The JSON contract, indented, with a newline at the end; `origin` comes first."""
    return json_text({**origin, **found.to_dict()})


def fragility_text(found: Fragility, origin: Mapping[str, object]) -> str:
    """Tables for a terminal of any width, and what is to be said about them."""
    first = found.first
    lines = [f"First place: {first.higher}, {number(first.lead, 1)} points above {first.lower}.", ""]
    lines += _contest_lines(first)
    if found.pair is not None:
        pair = found.pair
        lines += [f"{pair.higher} above {pair.lower}, by {number(pair.lead, 1)} points.", "", *_contest_lines(pair)]
    lines += ["Each contender above the next: the fewest that change the two's order.", ""]
    lines += [*table_text(_neighbours(found.neighbours), left=(0, 1)), ""]
    for left_out in found.leave_one_out:
        lines += _left_out_lines(left_out)
    return "\n".join(printable(line) for line in [*lines, *_notes(found, origin)]) + "\n"


def _contest_lines(contest: Contest) -> list[str]:
    lines = [*table_text(_changes(contest.changes), left=(0, 5)), ""]
    for change in contest.changes:
        which = [_votes(moved) for moved in change.votes] or list(change.names)
        if which:
            more = f", and {len(which) - LISTED} more" if len(which) > LISTED else ""
            lines.append(f"{_what(change).capitalize()}: {', '.join(which[:LISTED])}{more}.")
    return [*lines, ""]


def _changes(changes: Sequence[Change]) -> Rows:
    rows: Rows = [("Change", "Fewest", "Of", "Share", "Foretold", "Then above")]
    for change in changes:
        share = "–" if change.share is None else f"{100 * change.share:.3g}%"
        foretold = "–" if change.predicted is None else f"{change.predicted:,}"
        rows.append((_what(change), _fewest(change), f"{change.of:,}", share, foretold, change.then_above or "–"))
    return rows


def _what(change: Change) -> str:
    return f"{change.unit}s {DONE[change.way]}"


def _fewest(change: Change | None) -> str:
    """The number; with ≤ where a smaller one may do; "none" where no set whatever does."""
    if change is None or (change.number is None and not change.exact):
        return "–"
    if change.number is None:
        return "none"
    return f"{change.number:,}" if change.exact else f"≤{change.number:,}"


def _votes(moved: VotesMoved) -> str:
    weight = "" if moved.weight == 1.0 else f" of weight {moved.weight:g}"
    tied = moved.winner == "tie"
    text = f"{moved.number:,} × {moved.model_a} {'tied with' if tied else 'over'} {moved.model_b}{weight}"
    if moved.becomes is None or not tied:
        return text
    return f"{text} (to {moved.model_a if moved.becomes == 'model_a' else moved.model_b})"


def _neighbours(contests: Sequence[Contest]) -> Rows:
    kinds = [(unit, way) for unit in UNITS for way in WAYS if contests[0].change(unit, way) is not None]
    rows: Rows = [("Above", "Below", "Lead", *(f"{unit.capitalize()}s {DONE[way]}" for unit, way in kinds))]
    for contest in contests:
        cells = (_fewest(contest.change(unit, way)) for unit, way in kinds)
        rows.append((contest.higher, contest.lower, number(contest.lead, 1), *cells))
    return rows


def _left_out_lines(left_out: LeaveOneOut) -> list[str]:
    how = "" if left_out.refitted == left_out.units else f"; {left_out.refitted:,} of them, of most influence, refitted"
    title = f"Without one of the {left_out.units:,} {left_out.unit}s, each in turn{how}."
    return [title, "", *table_text([_RANGE, *map(_range, left_out.rows)], left=(1, 4, 6)), ""]


_RANGE = ("Rank", "Contender", "Rating", "Lowest", "without", "Highest", "without", "Ranks", "First in", "Unrated in")


def _range(row: Range) -> tuple[str, ...]:
    return (
        str(row.rank),
        row.model,
        number(row.rating),
        number(row.low),
        row.low_without or "–",
        number(row.high),
        row.high_without or "–",
        ranks(row.rank_best, row.rank_worst),
        f"{row.first:,}",
        f"{row.unrated:,}",
    )


def _notes(found: Fragility, origin: Mapping[str, object]) -> list[str]:
    votes = f"{found.votes:,} vote{'s' if found.votes != 1 else ''} of {found.contenders:,} contenders"
    lines = [
        f"Bradley-Terry ratings in Elo points, a tie half a win each; {votes}, from {origin['source']}.",
        "≤: found by influence and fitted again, so that fewer may do; without it exact, all smaller sets having been"
        " tried. Foretold: without any fit. An order is changed when it is strictly another.",
    ]
    if isinstance(ledger := origin["ledger"], Mapping):
        lines.append(f"Ledger position {ledger.get('position')}, head {ledger.get('head')}.")
    return [*lines, *(f"Warning: {warning}" for warning in found.warnings), NOTICE]

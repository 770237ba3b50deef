"""On the order of a board: how few votes it rests on, and which pairs are settled."""

from __future__ import annotations

from markupsafe import Markup

from arena.ratings.fragility.result import Change, Contest, Fragility
from arena.ratings.settled import Settled, SettledPair
from arena.reports.ranges import ranges_plot
from arena.reports.text import number
from arena.web.findings.section import Section, Table, kept
from arena.web.pages import percent

LISTED = 12
"""Names of raters or questions that are written out."""
PAIRS = 45
"""Pairs that are shown: all of ten contenders."""
ONE_RATER = 2
"""Raters up to whom a board without one of them is a single rater's."""
KINDS = (("vote", "remove"), ("vote", "flip"), ("rater", "remove"), ("question", "remove"))
DONE = {"remove": "left out", "flip": "flipped"}


def first_place(found: Fragility, *, named: bool) -> Section:
    """How few votes, raters and questions the first place rests on."""
    first = found.first
    removed, *others = [change for unit, way in KINDS if (change := _change(first, unit, way))]
    enough = [_counted(change) for change in others if change.number is not None]
    notes = [f"{first.higher} stands {number(first.lead, 1)} points above {first.lower}."]
    if enough:
        also = "It is also enough to have" if removed.number is not None else "It is enough to have"
        notes.append(f"{also} {', or '.join(enough)}.")
    if named:
        notes += [_who(change) for change in others if change.names]
    kinds = [(unit, way) for unit, way in KINDS if _change(first, unit, way)]
    contests = [(True, first), *((False, contest) for contest in found.neighbours)]
    rows = [
        (
            contest.higher,
            "anyone" if is_first else contest.lower,
            number(contest.lead, 1),
            *(_fewest(_change(contest, unit, way)) for unit, way in kinds),
        )
        for is_first, contest in contests
    ]
    heads = ("Above", "Below", "Lead, points", *(f"{unit.capitalize()}s {DONE[way]}" for unit, way in kinds))
    left_out = [one for one in found.leave_one_out if named or one.unit != "rater" or one.units > ONE_RATER]
    return Section(
        _first_answer(first, removed),
        tuple(notes),
        (("Fewest that change the order", Table(heads, tuple(rows), (0, 1))),),
        kept(found.warnings),
        Markup(ranges_plot(left_out)) if left_out else None,  # noqa: S704 - drawn and escaped by reports.ranges
    )


def _change(contest: Contest, unit: str, way: str) -> Change | None:
    return next((change for change in contest.changes if (change.unit, change.way) == (unit, way)), None)


def _first_answer(first: Contest, removed: Change) -> str:
    if removed.number is None:
        known = "There is no set of votes" if removed.exact else "No set of votes was found"
        return f"{known} whose removal puts anyone else first instead of {first.higher}."
    votes = "vote" if removed.number == 1 else "votes"
    return (
        f"Leaving out {removed.number:,} {votes} of {removed.of:,} ({_small(removed.share)}) is enough to put"
        f" {removed.then_above} first instead of {first.higher}."
    )


def _counted(change: Change) -> str:
    units = change.unit if change.number == 1 else f"{change.unit}s"
    return f"{change.number:,} {units} of {change.of:,} {DONE[change.way]} ({_small(change.share)})"


def _who(change: Change) -> str:
    more = f" and {len(change.names) - LISTED} more" if len(change.names) > LISTED else ""
    return f"The {change.unit}s left out for that: {', '.join(change.names[:LISTED])}{more}."


def _fewest(change: Change | None) -> str:
    """The number; with ≤ where fewer may do; "none" where no set whatever does."""
    if change is None or (change.number is None and not change.exact):
        return "–"
    if change.number is None:
        return "none"
    return f"{change.number:,}" if change.exact else f"≤\u00a0{change.number:,}"


def _small(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2g}%" if share < 0.995 else "100%"


def settling(found: Settled) -> Section:
    """Which pairs are settled; where there are many, those closest in mean lead over all others come first."""
    place = _places(found)
    pairs = sorted(
        found.pairs, key=lambda pair: (abs(place[pair.a] - place[pair.b]), min(place[pair.a], place[pair.b]))
    )
    shown = pairs[:PAIRS]
    level, done, hidden = percent(found.level), len(pairs) - found.open_pairs, len(pairs) - len(shown)
    heads = ("Ahead", "Behind", "Questions", "Mean lead", f"Holds at all times, {level}")
    return Section(
        f"{done} of {len(pairs)} {'pair is' if len(pairs) == 1 else 'pairs are'} settled at {level}, all pairs and all"
        " looks together.",
        (f"Of {len(pairs):,} pairs, the {PAIRS} that stand closest are shown.",) if hidden else (),
        (("Pairs", Table((*heads, "Settled after", "About so many more"), tuple(map(_settled, shown)), (0, 1))),),
        kept(found.warnings),
    )


def _places(found: Settled) -> dict[str, int]:
    """An order in which to show pairs: by the mean lead over those whom each was compared with."""
    leads: dict[str, list[float]] = {}
    for pair in found.pairs:
        leads.setdefault(pair.a, []).append(pair.mean)
        leads.setdefault(pair.b, []).append(-pair.mean)
    order = sorted(leads, key=lambda name: (-sum(leads[name]) / len(leads[name]), name))
    return {name: at for at, name in enumerate(order)}


def _settled(pair: SettledPair) -> tuple[str, ...]:
    ahead, behind, mean, low, high = pair.a, pair.b, pair.mean, pair.low, pair.high
    if pair.better == pair.b or (pair.better is None and mean < 0):
        ahead, behind, mean, low, high = behind, ahead, -mean, -high, -low
    after = "–" if pair.settled_at is None else f"{pair.settled_at:,}"
    more = "–" if pair.more is None else f"{pair.more:,}"
    return ahead, behind, f"{pair.questions:,}", f"{mean:+z.2f}", f"{low:+z.2f} to {high:+z.2f}", after, more

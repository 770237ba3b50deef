"""Planning as text: what a study needs, which pair comes next, what is settled."""

from __future__ import annotations

from arena.domain.text import printable
from arena.ratings.needed import Needed, Option
from arena.ratings.selection import Selection
from arena.ratings.settled import Settled, SettledPair
from arena.reports.text import NOTICE, number, table_text

SHOWN = 20
"""Pairs that the table of the next pairs shows; JSON has all."""

ALIKE = 1.05
"""Design effect from which the text speaks of it."""


def needed_text(needed: Needed) -> str:
    """What it takes, as a table and in sentences."""
    aim = (
        f"Every interval within ±{needed.target:.0f} Elo points at {needed.level * 100:g}%"
        if needed.goal == "width"
        else f"{_pair(needed)}, {needed.target:.0f} Elo points apart, found apart with a power of"
        f" {(needed.power or 0.0) * 100:g}% at {needed.level * 100:g}%"
    )
    shown = needed.options[0].pairs_per_question
    field = (
        f"{needed.contenders} contenders, {shown} pair{'s' * (shown != 1)} shown on each question. From"
        f" {'the pilot' if needed.source == 'pilot' else 'assumptions'}: a contender's strength varies from question to"
        f" question by {needed.question_sd:.0f} points (sd), from rater to rater by {needed.rater_sd:.0f}."
    )
    lines = [f"{aim}.", field, "", *table_text(_option_cells(needed)), "", *_sentences(needed), NOTICE]
    return "\n".join(lines) + "\n"


def _pair(needed: Needed) -> str:
    if needed.between is None or needed.source != "pilot":
        return "Two neighbours in the order"
    return " and ".join(printable(name) for name in needed.between)


def _option_cells(needed: Needed) -> list[list[str]]:
    head = ["raters", "votes per pairing", "questions", "votes", "votes per rater", "design effect"]
    hours = needed.minutes_per_vote is not None
    rows = [
        [
            str(option.raters),
            str(option.votes_per_pairing),
            _count(option.questions),
            _count(option.votes),
            _count(option.votes_per_rater),
            number(option.design_effect, 2),
            *([_count(None if option.hours is None else round(option.hours))] if hours else []),
        ]
        for option in needed.options
    ]
    return [[*head, *(["hours in all"] if hours else [])], *rows]


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _sentences(needed: Needed) -> list[str]:
    """What to make of the table."""
    reached = [option for option in needed.options if option.votes is not None]
    sentences = [_fewest(needed, min(reached, key=lambda one: one.votes or 0))] if reached else []
    said = set()
    for option in needed.options:
        if option.votes is None and option.raters not in said:
            said.add(option.raters)
            sentences.append(
                f"With {option.raters} raters no number of questions is enough: they stop at"
                f" {_reach(needed, option.best)}. More raters help."
            )
    return sentences


def _fewest(needed: Needed, option: Option) -> str:
    raters = f"{option.raters} rater{'s' * (option.raters != 1)}"
    text = (
        f"Fewest votes: {_count(option.votes)}, by {raters} on {_count(option.questions)} questions with"
        f" {option.votes_per_pairing} for each pairing."
    )
    if (option.design_effect or 1.0) > ALIKE:
        text += (
            " Votes on one question, or of one rater, are alike: the variance is"
            f" {number(option.design_effect, 1)} times that of as many independent votes."
        )
    if needed.question_sd > 0.0 and option.same_questions is not None:
        text += f" On these questions, more raters and votes stop helping at {_reach(needed, option.same_questions)}."
    return text


def _reach(needed: Needed, value: float) -> str:
    return f"±{value:.0f} points" if needed.goal == "width" else f"a gap of {value:.0f} points"


def selection_text(selection: Selection) -> str:
    """The pairs to show next, most probable first."""
    shown = selection.pairs[:SHOWN]
    cells = [
        ["contender", "contender", "votes", "probability"],
        *[[pair.a, pair.b, f"{pair.votes:,.0f}", f"{pair.probability:.4f}"] for pair in shown],
    ]
    left = len(selection.pairs) - len(shown)
    lines = [
        f"For the next {selection.ahead:,} votes, by what they are expected to gain ({selection.target}); a share of"
        f" {selection.floor:g} is spread over all pairs alike.",
        "",
        *table_text(cells, left=(0, 1)),
        *([f"and {left:,} more pairs (--format json shows all)"] if left else []),
        "",
        "Keep each shown pair's probability: averages over pairs need votes weighted by its inverse.",
        NOTICE,
    ]
    return "\n".join(lines) + "\n"


def settled_text(settled: Settled) -> str:
    """What is settled, pair by pair."""
    cells = [
        ["contender", "contender", "questions", "mean", "low", "high", "ahead", "settled after", "more questions"],
        *[_settled_cells(pair) for pair in settled.pairs],
    ]
    done = len(settled.pairs) - settled.open_pairs
    lines = [
        f"{done} of {len(settled.pairs)} pairs settled at {settled.level * 100:g}%, all pairs and all looks together.",
        "The mean is of the first one's points less the second's, over questions, from -1 to 1. This holds where the"
        " questions were chosen at random from those that it is to speak of.",
        "",
        *table_text(cells, left=(0, 1, 6)),
        "",
        *(printable(f"Warning: {warning}") for warning in settled.warnings),
        NOTICE,
    ]
    return "\n".join(lines) + "\n"


def _settled_cells(pair: SettledPair) -> list[str]:
    after = "–" if pair.settled_at is None else f"{pair.settled_at:,}"
    bounds = [number(value, 2) for value in (pair.mean, pair.low, pair.high)]
    return [pair.a, pair.b, f"{pair.questions:,}", *bounds, pair.better or "–", after, _count(pair.more)]

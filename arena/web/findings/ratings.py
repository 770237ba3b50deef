"""Ratings beside those of the board: with a judge's help, and at equal style."""

from __future__ import annotations

from arena.ratings.covariates import POSITION, Controlled, Effect
from arena.ratings.prediction_powered.result import Combined
from arena.reports.text import number
from arena.web.findings.section import Section, Table, kept
from arena.web.pages import percent, source_words


def together(found: Combined) -> Section:
    """People and one judge beside people alone."""
    judge, level = source_words(found.judge), percent(found.interval.level)
    heads = (
        "Contender",
        "People and judge",
        f"{level} interval",
        "People alone",
        f"{level} interval",
        "Votes",
        "Worth",
    )
    rows = [
        (
            row.model,
            number(row.rating),
            f"{number(row.low)} to {number(row.high)}",
            number(row.human_rating),
            f"{number(row.human_low)} to {number(row.human_high)}",
            f"{row.human_votes:,}",
            number(row.effective_votes),
        )
        for row in found.rows
    ]
    gain = "–" if found.gain is None else f"{100 * (found.gain - 1):+.0f}%"
    return Section(
        f"With the votes of {judge}, the {found.human_votes:,} votes of people are worth "
        f"{number(found.effective_votes)} (gain {gain}, λ {number(found.judge_weight, 2)}).",
        (
            f"People voted on {found.labelled_questions:,} of {found.questions:,} questions, {judge} cast "
            f"{found.judge_votes:,} votes.",
        ),
        (("Ratings", Table(heads, tuple(rows), (0,))),),
        kept(found.warnings),
    )


def in_style(found: Controlled) -> Section:
    """Ratings at equal length and side, beside the board's."""
    level = f"{percent(found.level)} interval"
    heads = ("Contender", "Rank", "Rating", level, "Rank at equal style", "Rating at equal style", level)
    rows = [
        (
            row.model,
            "–" if row.rank is None else str(row.rank),
            number(row.rating),
            f"{number(row.low)} to {number(row.high)}",
            "–" if row.controlled_rank is None else str(row.controlled_rank),
            number(row.controlled_rating),
            f"{number(row.controlled_low)} to {number(row.controlled_high)}",
        )
        for row in found.rows
    ]
    return Section(
        " ".join(_effect(effect) for effect in found.effects),
        (),
        (("Ratings at equal style", Table(heads, tuple(rows), (0,))),),
        kept(found.warnings),
    )


def _effect(effect: Effect) -> str:
    odds = f"{effect.odds:.2f} to 1"
    known = "" if effect.low > 0 or effect.high < 0 else ", which may be chance"
    if effect.covariate == POSITION:
        return f"Of two answers alike in all else, side A has odds of {odds}{known}."
    return f"Of two answers alike in all else, the one {effect.sd:,.0f} characters longer has odds of {odds}{known}."

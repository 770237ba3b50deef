"""Drawing two contenders by given chances, and how the chance stands in the ledger."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from arena.domain import pairing, payloads
from arena.domain.votes import Matchup
from tests.studies import NOW

SHOWN = Matchup(1, "t", "r", "q", "a", "b", "d", "e", NOW)
PAIRS = [(1, 2), (1, 3), (2, 3), (9, 4)]


@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=4), st.integers())
def test_the_chance_that_is_told_is_the_share_of_the_pair_s_own(weights: list[float], seed: int) -> None:
    chances = dict(zip(PAIRS, weights, strict=False))
    pair, chance = pairing.drawn(chances, Random(seed))
    assert chance == pytest.approx(chances[pair] / sum(weights), abs=1e-12)


def test_pairs_are_drawn_as_often_as_is_told() -> None:
    """10,000 draws with a fixed seed; the control says that the same draws do not come of other chances."""
    chances = {(1, 2): 0.05, (1, 3): 0.5, (2, 3): 0.15, (9, 4): 0.1}
    rng = Random(5)
    found = [pairing.drawn(chances, rng) for _ in range(10_000)]
    told, counted = dict(found), Counter(pair for pair, _ in found)
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-11)
    observed = [counted[pair] for pair in PAIRS]
    assert chisquare(observed, [10_000 * told[pair] for pair in PAIRS]).pvalue > 0.001
    assert chisquare(observed, [2500.0] * 4).pvalue < 1e-9


@given(st.floats(1e-9, 1.0))
def test_a_chance_comes_back_from_the_ledger_as_it_was(drawn: float) -> None:
    chance = round(drawn, 12)
    payload = payloads.matchup(Matchup(**{**vars(SHOWN), "chance": chance}))
    written = payload["chance"]
    assert isinstance(written, str)
    assert set(written) <= set("0123456789.")
    assert payloads.read_matchup(1, "2026-01-02T03:04:05.000678Z", payload).chance == chance


def test_without_a_chance_the_entry_is_what_it_was_before_there_were_any() -> None:
    assert list(payloads.matchup(SHOWN)) == [
        "token",
        "rater",
        "question",
        "model_a",
        "model_b",
        "answer_a",
        "answer_b",
    ]


@pytest.mark.parametrize("chance", ["0", "1.5", "-0.5", "nan", "1e-3", "0.50", "١", "", "half", 0.5, 1, None, ["0.5"]])
def test_what_is_no_probability_is_no_matchup(chance: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        payloads.read_matchup(1, "2026-01-02T03:04:05.000678Z", payloads.matchup(SHOWN) | {"chance": chance})

"""Studies drawn from a stated truth: what is known of them beforehand can be compared with what an analysis says.

truth = Truth(questions=Questions(number=500, sd=0.5), raters=Raters(number=12, sd=0.3))
board = rate(simulate(truth, seed=7).columns())
marginal(truth)     # what a Bradley-Terry fit of such votes estimates
"""

from arena.ratings.simulation.content import answer_lengths
from arena.ratings.simulation.draw import simulate
from arena.ratings.simulation.marginal import expected_points, marginal
from arena.ratings.simulation.reading import from_mapping, with_setting
from arena.ratings.simulation.simulated import CANNOT_JUDGE, People, Simulated
from arena.ratings.simulation.truth import (
    MOST_CONTENDERS,
    Assignment,
    Category,
    Contender,
    Judge,
    Questions,
    Raters,
    Riggers,
    Truth,
    spread,
)

__all__ = [
    "CANNOT_JUDGE",
    "MOST_CONTENDERS",
    "Assignment",
    "Category",
    "Contender",
    "Judge",
    "People",
    "Questions",
    "Raters",
    "Riggers",
    "Simulated",
    "Truth",
    "answer_lengths",
    "expected_points",
    "from_mapping",
    "marginal",
    "simulate",
    "spread",
    "with_setting",
]

"""Ratings from comparisons: pure NumPy and SciPy, no I/O. The front door is `rate`.

>>> from arena.ratings import rate
>>> print(rate({"model_a": ["x", "y", "x"], "model_b": ["y", "x", "y"], "winner": ["model_a", "model_a", "tie"]}))
"""

from arena.ratings.board import rate
from arena.ratings.comparisons.votes import BothBad, Votes, encode, pair_counts
from arena.ratings.intervals.bootstrap import Progress
from arena.ratings.intervals.clusters import Cluster, Estimand
from arena.ratings.result import Board, Interval, Row
from arena.ratings.settings import IntervalMethod, Method

__all__ = [
    "Board",
    "BothBad",
    "Cluster",
    "Estimand",
    "Interval",
    "IntervalMethod",
    "Method",
    "Progress",
    "Row",
    "Votes",
    "encode",
    "pair_counts",
    "rate",
]

"""Ratings from comparisons: pure NumPy and SciPy, no I/O. The front door is `rate`.

>>> from arena.ratings import rate
>>> print(rate({"model_a": ["x", "y", "x"], "model_b": ["y", "x", "y"], "winner": ["model_a", "model_a", "tie"]}))
"""

from arena.ratings.board import rate
from arena.ratings.bootstrap import Progress
from arena.ratings.clusters import Cluster, Estimand
from arena.ratings.result import Board, Interval, Row
from arena.ratings.settings import IntervalMethod, Method
from arena.ratings.votes import BothBad, Votes, encode, pair_counts

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

"""Ratings from comparisons: Bradley-Terry or Elo, with seeded bootstrap intervals. NumPy and SciPy only, no I/O."""

from arena.ratings.board import Cluster, Method, rate
from arena.ratings.bootstrap import Progress
from arena.ratings.comparisons import BothBad, Comparisons, Votes, count, encode
from arena.ratings.connectivity import Disconnected
from arena.ratings.result import Board, Interval, Row

__all__ = [
    "Board",
    "BothBad",
    "Cluster",
    "Comparisons",
    "Disconnected",
    "Interval",
    "Method",
    "Progress",
    "Row",
    "Votes",
    "count",
    "encode",
    "rate",
]

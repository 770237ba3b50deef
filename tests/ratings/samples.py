"""Votes for the tests, and an optimum found without our own Newton steps."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from arena.ratings import Board, Row

Columns = dict[str, list[str]]
POINTS_PER_LOGIT = 400 / math.log(10)
SCORE = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}


def columns(rows: Sequence[tuple[str, ...]]) -> Columns:
    """Rows of (model_a, model_b, winner[, question_id]) as columns."""
    names = ("model_a", "model_b", "winner", "question_id")[: len(rows[0])]
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def rows_of(votes: Columns) -> list[tuple[str, ...]]:
    return list(zip(*votes.values(), strict=True))


def side_votes(path: Path, question: str | None = None) -> Columns:
    """A file with the columns left, right and winner (left, right, tie)."""
    words = {"left": "model_a", "right": "model_b", "tie": "tie"}
    with path.open(encoding="utf-8", newline="") as lines:
        records = list(csv.DictReader(lines))
    return columns(
        [(r["left"], r["right"], words[r["winner"]], *((r[question],) if question else ())) for r in records]
    )


def golden(path: Path, algorithm: str) -> dict[str, float]:
    with path.open(encoding="utf-8", newline="") as lines:
        return {r["item"]: float(r["score"]) for r in csv.DictReader(lines) if r["algorithm"] == algorithm}


def by_name(board: Board) -> dict[str, Row]:
    return {row.model: row for row in board.rows}


def ratings(board: Board) -> dict[str, float]:
    return {row.model: row.rating for row in board.rows if row.rating is not None}


def optimum(votes: Columns, penalty_sd: float | None = None) -> dict[str, float]:
    """Logits of mean 0 by scipy's quasi-Newton search and vote by vote, not by cells."""
    names = sorted({*votes["model_a"], *votes["model_b"]})
    a = np.array([names.index(name) for name in votes["model_a"]])
    b = np.array([names.index(name) for name in votes["model_b"]])
    score = np.array([SCORE[winner] for winner in votes["winner"]])
    precision = 0.0 if penalty_sd is None else penalty_sd**-2

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        lead = theta[a] - theta[b]
        cost = (score * np.logaddexp(0, -lead) + (1 - score) * np.logaddexp(0, lead)).sum()
        slope = 1 / (1 + np.exp(-lead)) - score
        gradient = np.bincount(a, slope, len(names)) - np.bincount(b, slope, len(names))
        # Strengths are known up to a constant: this holds their sum at 0 and changes nothing else.
        cost += precision * (theta**2).sum() / 2 + theta.sum() ** 2 / 2
        return float(cost), gradient + precision * theta + theta.sum()

    found = minimize(loss, np.zeros(len(names)), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    return dict(zip(names, (found.x - found.x.mean()).tolist(), strict=True))

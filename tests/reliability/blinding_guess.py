"""Two classifiers that try to guess a fair coin from features, and how often chance alone lets them succeed.

Each block of the data is guessed by a model that has learnt from the blocks before it. A coin that is fair and
independent of all that was there before makes the number of right guesses exactly Binomial(guesses, ½), whatever the
features and the classifier are; so `most_by_chance` is an exact bound, not an approximation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import binom

Features = NDArray[np.float64]
Labels = NDArray[np.bool_]
Classifier = Callable[[Features, Labels, Features], Labels]
BLOCKS = 5
ERROR = 1e-5
"""How often a bound may be passed by chance."""


def most_by_chance(guesses: int) -> float:
    """The share of right guesses that chance exceeds with a probability of at most ERROR."""
    return float(binom.isf(ERROR, guesses, 0.5)) / guesses


@dataclass(frozen=True)
class Guessed:
    """How well the labels were guessed: the share of right guesses of each classifier, and of how many."""

    right: Mapping[str, float]
    guesses: int

    @property
    def best(self) -> float:
        """The share of right guesses of the better classifier."""
        return max(self.right.values())

    @property
    def bar(self) -> float:
        """What the best may reach: 52%, or what chance allows for so few guesses."""
        return max(0.52, most_by_chance(self.guesses))

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {100 * share:.1f}%" for name, share in self.right.items())
        return f"{figures} right of {self.guesses} (bar {100 * self.bar:.1f}%)"


def guess(features: Features, labels: Labels) -> Guessed:
    """Guess each label from its features, having learnt from earlier ones. `features` has one row a label."""
    blocks = np.array_split(np.arange(len(labels)), BLOCKS)
    hits = dict.fromkeys(CLASSIFIERS, 0)
    for block in blocks[1:]:
        past = slice(0, int(block[0]))
        train, test = _standardised(features[past], features[block])
        for name, classify in CLASSIFIERS.items():
            hits[name] += int(np.sum(classify(train, labels[past], test) == labels[block]))
    guesses = len(labels) - len(blocks[0])
    return Guessed({name: count / guesses for name, count in hits.items()}, guesses)


def _standardised(train: Features, test: Features) -> tuple[Features, Features]:
    """Both in units of the training part's spread, without the columns that do not vary there."""
    centre, spread = train.mean(axis=0), train.std(axis=0)
    varies = spread > 1e-12
    scaled = [(part[:, varies] - centre[varies]) / spread[varies] for part in (train, test)]
    return np.clip(scaled[0], -5, 5), np.clip(scaled[1], -5, 5)


def logistic(train: Features, labels: Labels, test: Features, *, penalty: float = 20.0) -> Labels:
    """Logistic regression with an L2 penalty."""
    target = labels.astype(float)

    def loss(weights: Features) -> tuple[float, Features]:
        score = train @ weights[1:] + weights[0]
        value = float(np.sum(np.logaddexp(0, score) - target * score)) + penalty / 2 * float(weights[1:] @ weights[1:])
        error = expit(score) - target
        return value, np.concatenate(([error.sum()], train.T @ error + penalty * weights[1:]))

    start = np.zeros(train.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 30}).x
    return np.asarray(test @ found[1:] + found[0] > 0, dtype=np.bool_)


def tree(train: Features, labels: Labels, test: Features, *, depth: int = 3) -> Labels:
    """A decision tree: at each node the one split that separates the labels best, where it is beyond plain noise."""
    majority = np.full(len(test), labels.mean() > 0.5)
    split = _best_split(train, labels) if depth and len(labels) >= 20 else None
    if split is None:
        return majority
    column, threshold = split
    above, test_above = train[:, column] > threshold, test[:, column] > threshold
    for side in (True, False):
        part = partial(tree, train[above == side], labels[above == side], depth=depth - 1)
        majority[test_above == side] = part(test[test_above == side])
    return majority


def _best_split(train: Features, labels: Labels) -> tuple[int, float] | None:
    centred = labels - labels.mean()
    variance, n = float(labels.var()), len(labels)
    if not variance or not train.shape[1]:
        return None
    best, found = 10.0, None
    for threshold in np.unique(np.quantile(train, np.arange(0.1, 1, 0.1), axis=0), axis=0):
        above = train > threshold
        count = above.sum(axis=0)
        usable = (count >= 8) & (n - count >= 8)
        chi2 = np.where(usable, (centred @ above) ** 2 * n / np.maximum(count * (n - count), 1) / variance, 0)
        column = int(np.argmax(chi2))
        if chi2[column] > best:
            best, found = float(chi2[column]), (column, float(threshold[column]))
    return found


CLASSIFIERS: Mapping[str, Classifier] = {"logistic": logistic, "tree": tree}

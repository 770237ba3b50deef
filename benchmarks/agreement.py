"""Do the intervals of the coefficients of agreement hold, and what do few common pairings do to Cohen's kappa?

    .venv/bin/python -m benchmarks.agreement [--studies 400]

Raters know the right label of a pairing, or guess it from the labels' own shares; how often they know depends on the
question alone (3 in 10 on one half, 9 in 10 on the other). Two of them then agree where both know, or by chance:
with s the share of labels drawn alike twice, E[knows²] + (1 - E[knows²]) · s. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.comparing import agreement

IntArray = npt.NDArray[np.int64]

KNOWS = (0.3, 0.9)
BOTH = sum(share**2 for share in KNOWS) / 2
BAR = (0.93, 0.97)
WORDS = np.array(["model_a", "tie", "model_b"], dtype=object)


class Design(NamedTuple):
    """`panel` raters, of whom `raters` judge each of so many pairings a question; the labels' shares."""

    name: str
    questions: int
    pairings: int = 8
    raters: int = 3
    panel: int = 3
    shares: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    apart: bool = False


DESIGNS = (
    Design("40 questions", 40),
    Design("40 questions, 9 of 10 labels a tie", 40, shares=(0.05, 0.9, 0.05)),
    Design("40 questions, 4 of 12 raters", 40, raters=4, panel=12),
    Design("12 questions", 12),
    Design("6 questions", 6),
    Design("3 questions", 3),
    Design("40 questions, drawn by pairing (the control)", 40, apart=True),
)


def study(design: Design, rng: np.random.Generator) -> dict[str, object]:
    """The columns of a study. With `apart`, each pairing is called a question of its own."""
    units = design.questions * design.pairings
    knows = np.repeat(rng.choice(KNOWS, design.questions), design.pairings)
    truth = rng.choice(3, units, p=design.shares)
    who = np.array([rng.permutation(design.panel)[: design.raters] for _ in range(units)])
    size = (units, design.raters)
    label = np.where(rng.random(size) < knows[:, None], truth[:, None], rng.choice(3, size, p=design.shares))
    unit = np.repeat(np.arange(units), design.raters)
    return {
        "model_a": np.char.add("a", (unit % design.pairings).astype(str)).astype(object),
        "model_b": np.full(len(unit), "z", dtype=object),
        "winner": WORDS[label.ravel()],
        "question_id": unit if design.apart else unit // design.pairings,
        "rater": who.ravel(),
    }


def truth_of(design: Design) -> dict[str, float]:
    """What a study of questions without end arrives at."""
    shares = np.array(design.shares)
    alike = float((shares**2).sum())
    raw = BOTH + (1.0 - BOTH) * alike
    free = float((shares * (1.0 - shares)).sum()) / 2.0
    weight = np.array([[3, 2, 0], [2, 3, 2], [0, 2, 3]]) / 3.0
    near = BOTH + (1.0 - BOTH) * float(shares @ weight @ shares)
    return {
        "raw": raw,
        "tie_rate": design.shares[1],
        "cohen": BOTH,
        "fleiss": BOTH,
        "krippendorff_nominal": BOTH,
        "krippendorff_ordinal": BOTH,
        "randolph": (raw - 1 / 3) / (2 / 3),
        "gwet_ac1": (raw - free) / (1.0 - free),
        "gwet_ac2": (near - free * weight.sum() / 3.0) / (1.0 - free * weight.sum() / 3.0),
    }


def covered(design: Design, studies: int) -> dict[str, float]:
    """The share of the studies whose 95% intervals hold the truth, by coefficient."""
    truth, held = truth_of(design), dict.fromkeys(truth_of(design), 0)
    for seed in range(studies):
        votes = study(design, np.random.default_rng([seed, design.questions]))
        figures = agreement(votes, seed=seed).overall.comparisons[0].figures
        for name, true in truth.items():
            low, high = figures[name].low, figures[name].high
            held[name] += low is not None and high is not None and low <= true <= high
    return {name: count / studies for name, count in held.items()}


def sparse(panel: int, studies: int) -> tuple[float, float, float]:
    """400 pairings with 4 of so many raters each: the median number that two share, and the mean Cohen and Fleiss."""
    design = Design("sparse", 50, raters=4, panel=panel)
    found = []
    for seed in range(studies):
        comparison = agreement(study(design, np.random.default_rng([seed, panel])), rounds=2).overall.comparisons[0]
        cohen, fleiss = (comparison.figures[name].value for name in ("cohen", "fleiss"))
        found.append((comparison.pairs.median or 0.0, cohen or 0.0, fleiss or 0.0))
    median, cohen, fleiss = np.mean(found, axis=0).tolist()
    return median, cohen, fleiss


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    studies = parser.parse_args().studies
    names = list(truth_of(DESIGNS[0]))
    print(f"| design, {studies} studies | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    missed = []
    for design in DESIGNS:
        found = covered(design, studies)
        print(f"| {design.name} | {' | '.join(f'{100 * found[name]:.1f}' for name in names)} |", flush=True)
        if not design.apart:
            missed += [f"{design.name}, {name}" for name in names if not BAR[0] <= found[name] <= BAR[1]]
    print(f"\n| raters | pairings that two share | Cohen | Fleiss (truth {BOTH:.2f}) |\n|---|---|---|---|")
    for panel in (5, 12, 30, 60):
        median, cohen, fleiss = sparse(panel, max(studies // 10, 2))
        print(f"| {panel} | {median:.0f} | {cohen:.2f} | {fleiss:.2f} |", flush=True)
    if missed:
        print(f"\nBars missed: {'; '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()

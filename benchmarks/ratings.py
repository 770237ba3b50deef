"""Speed of the rating engine beside evalica, arena-rank and FastChat, on the same votes.

    make bench-ratings ARGS="--fastchat rating_systems.py"          # everything; writes docs/performance.md
    make bench-ratings ARGS="--only published --peers /tmp/peers"   # some figures; prints only
    make bench-ratings ARGS="--processor"                           # processor time, for a busy machine; prints only

The peers are installed into a virtual environment of their own (thrown away unless --peers names one). FastChat's
current procedures are in no release: its `fastchat/serve/monitor/rating_systems.py` of COMMIT is given by hand, and
what is compared with it is left out where it is not. Every figure is a process of its own (`peers.py`), its seconds
the median of its repetitions. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from benchmarks import pages

PEERS = (
    "evalica==0.4.2",
    "arena-rank==0.1.1",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "cloudpickle",
    "plotly",
    "narwhals",
)
RELEASED = "fschat==0.2.36"
"""Installed without what it needs to serve models."""
COMMIT = "2bdb2e0cf988821ecd40cdb6db40e5e01efe7c85"
ROUNDS = 1000
QUESTIONS, RATERS = 4000, 200
TIES, BOTH_BAD, SPREAD = 0.15, 0.05, 0.6
"""Shares of the votes, and the standard deviation of the strengths in logits."""


@dataclass(frozen=True)
class Figure:
    """A measurement: which engine's function of `peers.py` with which argument, on which votes."""

    votes: str
    function: str
    argument: str = ""
    repetitions: int = 5
    times: float = 1.0
    """What the seconds are multiplied with where only a part is run."""

    @property
    def ours(self) -> bool:
        """Whether it runs in the arena's environment."""
        return self.function.startswith("ours_")


@dataclass(frozen=True)
class Taken:
    """What a figure took: seconds, and bytes beyond those held before."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Bar:
    """A line of the table: ours beside theirs; the bar is a share of theirs, or seconds, or bytes, or none."""

    what: str
    ours: str
    theirs: str = ""
    share: float | None = None
    seconds: float | None = None
    memory: float | None = None


FIGURES = {
    "integers": Figure("large", "ours_integers"),
    "lists": Figure("large", "ours_strings", "lists"),
    "frame": Figure("large", "ours_strings", "frame"),
    "sandwich": Figure("large", "ours_board", "interval=sandwich cluster=question"),
    "sandwich integers": Figure("large", "ours_encoded", "interval=sandwich cluster=question"),
    "rounds": Figure("medium", "ours_board", "interval=bootstrap cluster=vote"),
    "clustered": Figure("medium", "ours_board", "interval=bootstrap cluster=question"),
    "two-way": Figure("medium", "ours_board", "interval=bootstrap cluster=question+rater"),
    "plain sandwich": Figure("medium", "ours_board", "interval=sandwich cluster=vote"),
    "two-way sandwich": Figure("medium", "ours_board", "interval=sandwich cluster=question+rater"),
    "published": Figure("published", "ours_board", "interval=bootstrap cluster=question"),
    "evalica arrays": Figure("large", "evalica_arrays"),
    "evalica integers": Figure("large", "evalica_lists", "integers"),
    "evalica text": Figure("large", "evalica_lists", "text"),
    "arena-rank": Figure("large", "arena_rank", "fit"),
    "arena-rank sandwich": Figure("large", "arena_rank", "sandwich"),
    "arena-rank sandwich integers": Figure("large", "arena_rank", "sandwich integers"),
    "FastChat": Figure("large", "fastchat", "{fastchat}"),
    "FastChat rounds": Figure("medium", "fastchat_rounds", f"{ROUNDS} {{fastchat}}", 1),
    "FastChat released": Figure("medium", "fastchat_released", "2", 1, ROUNDS / 2),
}

BARS = (
    Bar("fit, 5M × 250, integers; evalica with arrays and an index", "integers", "evalica arrays", 1 / 15),
    Bar("the same; evalica with lists", "integers", "evalica integers", 1 / 15),
    Bar("fit, 5M × 250, lists of text; evalica", "lists", "evalica text", 1 / 5),
    Bar("fit, 5M × 250, frame of text; FastChat", "frame", "FastChat", 1 / 25),
    Bar("the same; arena-rank", "frame", "arena-rank", 1 / 25),
    Bar(
        "fit, sandwich by question, rank sets, 5M × 250, frame of text; arena-rank's by vote",
        "sandwich",
        "arena-rank sandwich",
        1 / 20,
    ),
    Bar("the same from integers; arena-rank's too", "sandwich integers", "arena-rank sandwich integers", 1 / 20),
    Bar("the same from integers; arena-rank's from text", "sandwich integers", "arena-rank sandwich", 1 / 20),
    Bar("fit, 1,000 rounds by vote, 1M × 100; FastChat, released", "rounds", "FastChat released", 1 / 80),
    Bar("the same; FastChat, unreleased", "rounds", "FastChat rounds"),
    Bar("the same, by question; FastChat's by vote, released", "clustered", "FastChat released", 1 / 80),
    Bar("two-way, 1M × 100, 1,000 rounds; by question", "two-way", "clustered", 6.0),
    Bar("two-way, 1M × 100, sandwich; by vote", "two-way sandwich", "plain sandwich", 6.0),
    Bar("8 contenders × 4,000 questions × every pair, 1,000 rounds by question", "published", seconds=0.25),
    Bar("memory beyond the votes, sandwich, 5M × 250", "sandwich", memory=0.5e9),
    Bar("the same from integers", "sandwich integers", memory=0.5e9),
    Bar("memory beyond the votes, 1,000 rounds by question, 1M × 100", "clustered", memory=0.5e9),
    Bar("memory beyond the votes, two-way, 1M × 100, 1,000 rounds", "two-way", memory=0.5e9),
)


# ------------------------------------------------------------------------------------------------ the votes


def make_votes(folder: Path) -> None:
    """The three files of votes: large (5M × 250), medium (1M × 100) and published (8 contenders, every pair)."""
    rng = np.random.default_rng(1)
    for name, count, contenders in (("large", 5_000_000, 250), ("medium", 1_000_000, 100)):
        a = rng.integers(contenders, size=count, dtype=np.int32)
        b = (a + rng.integers(1, contenders, size=count, dtype=np.int32)) % contenders
        question = rng.integers(QUESTIONS, size=count, dtype=np.int32)
        _save(folder / f"{name}.npz", rng, (a, b, question))
    one, other = np.triu_indices(8, k=1)
    a, b = (np.tile(side, QUESTIONS).astype(np.int32) for side in (one, other))
    _save(folder / "published.npz", rng, (a, b, np.repeat(np.arange(QUESTIONS, dtype=np.int32), len(one))))


def _save(file: Path, rng: np.random.Generator, columns: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    a, b, question = columns
    strengths, count = rng.normal(0.0, SPREAD, int(max(a.max(), b.max())) + 1), len(a)
    won = rng.random(count) < expit(strengths[a] - strengths[b])
    kind = rng.random(count)
    outcome = np.where(kind < TIES, 2, np.where(kind < TIES + BOTH_BAD, 3, np.where(won, 0, 1))).astype(np.int8)
    np.savez(file, a=a, b=b, outcome=outcome, question=question, rater=rng.integers(RATERS, size=count, dtype=np.int32))


# ------------------------------------------------------------------------------------------------ the runs


@contextmanager
def environment(kept: str | None) -> Iterator[Path]:
    """The Python of an environment with the peers: the one at `kept` (made where it is not there), or a passing one."""
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(kept or passing)
        python = folder / "bin" / "python"
        if not python.exists():
            venv.create(folder, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*install, *PEERS], check=True)
            subprocess.run([*install, "--no-deps", RELEASED], check=True)
        yield python


def run(figure: Figure, python: Path, folder: Path, fastchat: str, clock: str) -> Taken:
    """Measure one figure in a process of its own, in "seconds" or in seconds of its "processor"."""
    interpreter = sys.executable if figure.ours else str(python)
    script = Path(__file__).with_name("peers.py")
    arguments = [figure.function, str(folder / f"{figure.votes}.npz"), figure.argument.format(fastchat=fastchat)]
    command = [interpreter, "-P", str(script), *arguments, str(figure.repetitions)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    seen = json.loads(finished.stdout.splitlines()[-1])
    return Taken(figure.times * statistics.median(seen[clock]), int(seen["memory"]))


# ------------------------------------------------------------------------------------------------ the table


def line(bar: Bar, taken: Mapping[str, Taken]) -> list[str] | None:
    """The bar's cells in the table, or None where a figure of it was not measured."""
    if bar.ours not in taken or (bar.theirs and bar.theirs not in taken):
        return None
    ours = taken[bar.ours]
    if bar.memory is not None:
        return [bar.what, f"{ours.memory / 1e9:.2f} GB", "", "", f"< {bar.memory / 1e9:g} GB", _met(bar, taken)]
    if not bar.theirs:
        return [bar.what, f"{ours.seconds:.3f} s", "", "", f"≤ {bar.seconds:g} s", _met(bar, taken)]
    theirs = taken[bar.theirs].seconds
    wanted = "" if bar.share is None else f"≤ 1/{1 / bar.share:g}" if bar.share < 1 else f"≤ {bar.share:g}"
    ratio = f"1/{theirs / ours.seconds:.1f}" if ours.seconds < theirs else f"{ours.seconds / theirs:.1f}"
    return [bar.what, f"{ours.seconds:.3f} s", f"{theirs:.3f} s", ratio, wanted, _met(bar, taken)]


def met(bar: Bar, taken: Mapping[str, Taken]) -> bool | None:
    """Whether the bar is met; None where there is none."""
    ours = taken[bar.ours]
    if bar.memory is not None:
        return ours.memory < bar.memory
    if bar.seconds is not None:
        return ours.seconds <= bar.seconds
    return None if bar.share is None else ours.seconds <= bar.share * taken[bar.theirs].seconds


def _met(bar: Bar, taken: Mapping[str, Taken]) -> str:
    return {True: "met", False: "missed", None: ""}[met(bar, taken)]


def report(taken: Mapping[str, Taken], command: str) -> str:
    """The table, and how it was measured."""
    lines = [cells for bar in BARS if (cells := line(bar, taken)) is not None]
    head = ("what; beside it", "arena", "beside it", "ratio", "bar", "")
    words = [
        f"Measured on {pages.today()} by `{command}`: {pages.machine(('numpy', 'scipy', 'pandas'))}. "
        f'Beside {PEERS[0]}, {PEERS[1]}, {RELEASED} ("released") and FastChat\'s rating systems of commit '
        f"{COMMIT[:7]}. Inputs are made before the clock starts; medians of 5, FastChat's rounds once. Of the released "
        f"FastChat, 2 rounds are measured and multiplied. Votes: uniform pairs, {QUESTIONS:,} questions, {RATERS} "
        f"raters, {TIES:.0%} ties, {BOTH_BAD:.0%} both bad.",
        "",
        *pages.rows(head, lines),
    ]
    if left_out := [bar.what for bar in BARS if line(bar, taken) is None]:
        words += ["", f"Not measured: {'; '.join(left_out)}."]
    return "\n".join(words)


def wanted(only: Sequence[str], fastchat: str) -> dict[str, Figure]:
    """The figures to measure: those named, or all; those of the unreleased FastChat only where its file is given."""
    names = only or list(FIGURES)
    return {name: FIGURES[name] for name in names if fastchat or "{fastchat}" not in FIGURES[name].argument}


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Measure the rating engine beside other packages.")
    parser.add_argument("--peers", help="keep the peers' virtual environment in this folder, or use what is there")
    parser.add_argument("--fastchat", default="", help=f"FastChat's rating_systems.py of commit {COMMIT[:7]}")
    parser.add_argument("--only", nargs="+", default=[], choices=list(FIGURES), help="these figures; prints only")
    parser.add_argument(
        "--processor", action="store_true", help="seconds of the processor, for a busy machine; prints only"
    )
    asked = parser.parse_args()
    clock = "processor" if asked.processor else "seconds"
    taken: dict[str, Taken] = {}
    with environment(asked.peers) as python, tempfile.TemporaryDirectory() as folder:
        make_votes(Path(folder))
        for name, figure in wanted(asked.only, asked.fastchat).items():
            taken[name] = run(figure, python, Path(folder), asked.fastchat, clock)
            print(f"{name}: {taken[name].seconds:.3f} s, {taken[name].memory / 1e9:.2f} GB", file=sys.stderr)
    table = report(taken, "make bench-ratings ARGS=--processor" if asked.processor else "make bench-ratings")
    print(table)
    if not asked.only and not asked.processor:
        pages.put("performance.md", "bench-ratings", table)
    return int(any("missed" in cells for bar in BARS if (cells := line(bar, taken)) is not None))


if __name__ == "__main__":
    raise SystemExit(main())

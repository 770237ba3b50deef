"""One measurement of one engine, in a process of its own: `python benchmarks/peers.py FIGURE VOTES.npz [FILE]`.

Runs under the interpreter that has the engine, and so imports nothing of the arena before it is asked for it. Prints a
line of JSON: seconds of each repetition, the bytes that the process needed beyond what it held before, and what the
engine said of itself. Inputs are made before the clock starts, in the kind of container the engine takes most easily.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

LABELS = ("model_a", "model_b", "tie", "both_bad")


class Votes(NamedTuple):
    """What the file of votes holds: integer columns, one number a vote."""

    a: Any
    b: Any
    outcome: Any
    question: Any
    rater: Any

    @property
    def contenders(self) -> int:
        """How many contenders there are."""
        return int(max(self.a.max(), self.b.max())) + 1

    def names(self) -> dict[str, list[str]]:
        """The three columns that all engines read, as lists of text."""
        contenders = np.array([f"contender-{i:03d}" for i in range(self.contenders)], dtype=object)
        labels = np.array(LABELS, dtype=object)
        return {
            "model_a": contenders[self.a].tolist(),
            "model_b": contenders[self.b].tolist(),
            "winner": labels[self.outcome].tolist(),
        }

    def frame(self) -> Any:
        """The same as a frame of pandas."""
        return importlib.import_module("pandas").DataFrame(self.names())

    def clustered(self) -> dict[str, Any]:
        """The same with questions and raters, numbered."""
        return {**self.names(), "question_id": self.question, "rater": self.rater}


Timed = Callable[[], object]

# ------------------------------------------------------------------------------------------------ the arena


def ours_integers(votes: Votes, _: str) -> Timed:
    """Encoded votes: count the pairs and fit."""
    engine = importlib.import_module("arena.ratings.comparisons.votes")
    model = importlib.import_module("arena.ratings.models.bradley_terry")
    encoded = engine.encode(votes.names())

    def fit() -> object:
        fresh = replace(encoded)  # votes remember what was counted of them
        wins, ties = engine.pair_counts(fresh)
        return model.fit((wins + 0.5 * ties)[None])

    return fit


def ours_strings(votes: Votes, kind: str) -> Timed:
    """Text in lists or in a frame of pandas: encode, count the pairs and fit."""
    engine = importlib.import_module("arena.ratings.comparisons.votes")
    model = importlib.import_module("arena.ratings.models.bradley_terry")
    given = votes.frame() if kind == "frame" else votes.names()

    def fit() -> object:
        wins, ties = engine.pair_counts(engine.encode(given))
        return model.fit((wins + 0.5 * ties)[None])

    return fit


def ours_board(votes: Votes, asked: str) -> Timed:
    """The whole board with the arguments in `asked` ("interval=sandwich cluster=question"), from text in a frame."""
    rate = importlib.import_module("arena.ratings").rate
    arguments = dict(part.split("=") for part in asked.split())
    given = importlib.import_module("pandas").DataFrame(votes.clustered())
    return lambda: rate(given, **arguments)


def ours_encoded(votes: Votes, asked: str) -> Timed:
    """The whole board with the arguments in `asked`, from integers: 64 bits each, as NumPy makes them."""
    module = importlib.import_module("arena.ratings.comparisons.votes")
    rate = importlib.import_module("arena.ratings").rate
    arguments = dict(part.split("=") for part in asked.split())
    wide = [column.astype(np.int64) for column in (votes.a, votes.b, votes.question, votes.rater)]
    names = [[f"{number:05d}" for number in range(int(column.max()) + 1)] for column in wide[1:]]

    def board() -> object:
        a, b, question, rater = wide
        kinds = {"questions": names[1], "question": question, "raters": names[2], "rater": rater}
        return rate(module.from_codes(names[0], a, b, votes.outcome, **kinds), **arguments)

    return board


# ------------------------------------------------------------------------------------------------ the peers


def evalica_arrays(votes: Votes, _: str) -> Timed:
    """evalica from integers in arrays with an index: its fastest public call."""
    evalica, pandas = importlib.import_module("evalica"), importlib.import_module("pandas")
    winners, index = _winners(evalica, votes), pandas.RangeIndex(votes.contenders)
    return lambda: evalica.bradley_terry(votes.a, votes.b, winners, index=index)


def evalica_lists(votes: Votes, kind: str) -> Timed:
    """evalica from lists of integers or of text."""
    evalica = importlib.import_module("evalica")
    winners, columns = _winners(evalica, votes), votes.names()
    sides = (columns["model_a"], columns["model_b"]) if kind == "text" else (votes.a.tolist(), votes.b.tolist())
    return lambda: evalica.bradley_terry(*sides, winners)


def _winners(evalica: Any, votes: Votes) -> list[Any]:
    words = (evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.Draw)
    return [words[number] for number in votes.outcome.tolist()]


def arena_rank(votes: Votes, kind: str) -> Timed:
    """arena-rank from a frame: the fit, or the fit and its sandwich intervals, these also from integers."""
    data = importlib.import_module("arena_rank.utils.data_utils")
    models = importlib.import_module("arena_rank.models.bradley_terry")
    jax, arguments = importlib.import_module("jax"), {}
    frame = votes.frame()
    if kind == "sandwich integers":
        columns = {"model_a": votes.a, "model_b": votes.b, "winner": votes.outcome}
        frame = importlib.import_module("pandas").DataFrame(columns)
        arguments = {"outcome_map": {0: 1.0, 1: 0.0, 2: 0.5, 3: 0.5}.get}

    def fit() -> object:
        pairs = data.PairDataset.from_pandas(frame, **arguments)
        model = models.BradleyTerry(votes.contenders)
        found = model.fit(pairs).params if kind == "fit" else model.compute_ratings_and_cis(pairs)["rating_lower"]
        return jax.block_until_ready(found)

    return fit


def fastchat(votes: Votes, file: str) -> Timed:
    """FastChat's `rating_systems.py`, from a frame."""
    systems, frame = _module(file), votes.frame()
    return lambda: systems.compute_bt(frame)


def fastchat_rounds(votes: Votes, asked: str) -> Timed:
    """FastChat's bootstrap: `asked` are the rounds and the file."""
    rounds, file = asked.split(" ", 1)
    systems, frame = _module(file), votes.frame()
    return lambda: systems.compute_bootstrap_bt(frame, num_round=int(rounds))


def fastchat_released(votes: Votes, rounds: str) -> Timed:
    """The bootstrap of the last FastChat on PyPI."""
    analysis, frame = _released(), votes.frame().replace("both_bad", "tie (bothbad)")
    return lambda: analysis.get_bootstrap_result(frame, analysis.compute_elo_mle_with_tie, num_round=int(rounds))


def _module(file: str) -> Any:
    spec = importlib.util.spec_from_file_location("rating_systems", file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["rating_systems"] = module  # its processes look it up by name
    spec.loader.exec_module(module)
    return module


def _released() -> Any:
    # What its module imports for other purposes (torch among them) and its ratings do not use.
    unused = {
        "fastchat.model": "",
        "fastchat.model.model_registry": "get_model_info",
        "fastchat.serve.monitor.basic_stats": "get_log_files",
        "fastchat.serve.monitor.clean_battle_data": "clean_battle_data",
    }
    for name, attribute in unused.items():
        sys.modules[name] = ModuleType(name)
        setattr(sys.modules[name], attribute or "unused", None)
    return importlib.import_module("fastchat.serve.monitor.elo_analysis")


FIGURES: dict[str, Callable[[Votes, str], Timed]] = {
    "ours_integers": ours_integers,
    "ours_strings": ours_strings,
    "ours_board": ours_board,
    "ours_encoded": ours_encoded,
    "evalica_arrays": evalica_arrays,
    "evalica_lists": evalica_lists,
    "arena_rank": arena_rank,
    "fastchat": fastchat,
    "fastchat_rounds": fastchat_rounds,
    "fastchat_released": fastchat_released,
}


# ------------------------------------------------------------------------------------------------ measuring


def _memory(field: str) -> int:
    """Bytes of this process as Linux counts them: VmRSS now, VmHWM at most."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"/proc/self/status has no {field}")


def measure(figure: str, file: str, argument: str, repetitions: int) -> dict[str, Any]:
    """Time the figure so many times; memory is that of the first time."""
    with np.load(file) as saved:
        votes = Votes(*(saved[name] for name in Votes._fields))
    act = FIGURES[figure](votes, argument)
    seconds, processor, memory = [], [], 0
    for repetition in range(repetitions):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts anew
        before, began, worked = _memory("VmRSS"), time.perf_counter(), time.process_time()
        act()
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
        if not repetition:
            memory = _memory("VmHWM") - before
    return {"seconds": seconds, "processor": processor, "memory": memory}


if __name__ == "__main__":
    asked_figure, asked_file, asked_argument, asked_repetitions = sys.argv[1:]
    print(json.dumps(measure(asked_figure, asked_file, asked_argument, int(asked_repetitions))))

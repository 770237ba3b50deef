"""8,931 real crowd votes on 59 models, imported and ranked by the command on both databases."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize, root

from arena.ratings.board import MEAN, SCALE
from arena.ratings.comparisons.votes import encode, pair_counts
from arena.ratings.models.bradley_terry import fit
from tests import llmfao
from tests.cli import shells
from tests.cli.running import Shell

make_shell = shells.make_shell
QUICK = ("--bootstrap", "3", "--format", "json")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three files."""
    folder = tmp_path_factory.mktemp("llmfao")
    llmfao.write(folder)
    return folder


def load(shell: Shell, files: Path) -> None:
    shell.ok("study", "create", "llmfao", "--title", "LLMFAO")
    for kind in ("questions", "answers", "votes"):
        shell.ok("import", kind, str(files / f"{kind}.jsonl"), "--study", "llmfao")


def board(shell: Shell, *argv: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shell.ok("leaderboard", *argv, *QUICK).out)
    return content


def ratings(content: dict[str, Any]) -> dict[str, float]:
    return {row["model"]: row["rating"] for row in content["rows"]}


def optimum(votes: list[dict[str, Any]]) -> dict[str, float]:
    """Ratings on the Elo scale of mean 1000 by general optimisers, vote by vote; a tie is half a win for each."""
    names = sorted({vote[side] for vote in votes for side in ("model_a", "model_b")})
    place = {name: index for index, name in enumerate(names)}
    a = np.array([place[vote["model_a"]] for vote in votes])
    b = np.array([place[vote["model_b"]] for vote in votes])
    score = np.array([{"model_a": 1.0, "model_b": 0.0, "tie": 0.5}[vote["winner"]] for vote in votes])

    def loss(theta: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        gap = theta[a] - theta[b]
        surprise = 1.0 / (1.0 + np.exp(-gap)) - score
        gradient = np.bincount(a, surprise, len(names)) - np.bincount(b, surprise, len(names))
        return float(np.sum(np.logaddexp(0.0, gap) - score * gap)), gradient

    def slope(theta: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return loss(theta)[1]

    def curvature(theta: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        chance = 1.0 / (1.0 + np.exp(theta[b] - theta[a]))
        matrix = np.full((len(names), len(names)), 1e-3)  # fixes the mean only
        for (i, j), sign in (((a, a), 1), ((b, b), 1), ((a, b), -1), ((b, a), -1)):
            np.add.at(matrix, (i, j), sign * chance * (1.0 - chance))
        return matrix

    rough = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B")
    found = root(slope, rough.x, jac=curvature, tol=1e-14)
    assert loss(found.x)[0] <= rough.fun
    theta = found.x - found.x.mean()
    return {name: 1000.0 + 400.0 / math.log(10.0) * theta[place[name]] for name in names}


def test_the_files_hold_what_the_source_states(files: Path) -> None:
    counts = {kind: len((files / f"{kind}.jsonl").read_text().splitlines()) for kind in ("questions", "answers")}
    assert counts == {"questions": 19, "answers": 1133}
    votes = list(llmfao.votes())
    assert Counter(vote["winner"] for vote in votes) == {"tie": 3471, "model_a": 2911, "model_b": 2549}
    assert len({vote["rater"] for vote in votes}) == 124
    assert len({(vote["question_id"], frozenset((vote["model_a"], vote["model_b"]))) for vote in votes}) == 2139


def test_imported_and_ranked_alike_on_both_databases(files: Path, make_shell: shells.MakeShell) -> None:
    boards = []
    for kind in shells.KINDS:
        shell = make_shell(kind)
        load(shell, files)
        shown = shell.ok("study", "show", "llmfao").out
        assert "content     19 questions, 70 contenders, 1,133 answers\n" in shown
        assert "votes       8,931 votes from human (0 could not judge)\n" in shown
        assert "raters      124 who have voted\n" in shown
        again = shell.ok("import", "votes", str(files / "votes.jsonl"), "--study", "llmfao")
        assert again.lines == ["'llmfao' has these 8,931 votes already: nothing changed"]
        assert shell.ok("study", "show", "llmfao").out == shown
        position, _, head = shown.split()[-1].partition(":")
        content = board(shell, "--study", "llmfao")
        assert content.pop("ledger") == {"position": int(position), "head": head}
        boards.append(json.dumps(content))
        shell.ok("audit", "--study", "llmfao")
    assert boards[0] == boards[1]
    content = json.loads(boards[0])
    assert (content["votes"], content["interval"]["cluster"]) == (8931, "question+rater")
    rated = {name: value for name, value in ratings(content).items() if value is not None}
    assert len(rated) == 59
    assert {row["flag"] for row in content["rows"] if row["rating"] is None} == {"unrated"}
    of_file = board(make_shell("sqlite"), "--votes", str(files / "votes.jsonl"))
    assert ratings(of_file) == rated
    best = optimum(list(llmfao.votes()))
    assert max(abs(rated[name] - best[name]) for name in best) <= 5.1e-5, "what is written has four decimals"


def test_the_same_ledger_gives_the_same_bytes_on_the_other_database(files: Path, make_shell: shells.MakeShell) -> None:
    first, second = make_shell("sqlite"), make_shell("postgresql")
    load(first, files)
    first.ok("export", "ledger", "--study", "llmfao", "--output", "ledger.jsonl")
    second.ok("import", "ledger", "ledger.jsonl")
    expected = first.ok("leaderboard", "--study", "llmfao", *QUICK).data
    assert second.ok("leaderboard", "--study", "llmfao", *QUICK).data == expected
    assert second.ok("leaderboard", "--ledger", "ledger.jsonl", *QUICK).data == expected


def columns(votes: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [vote[name] for vote in votes] for name in ("model_a", "model_b", "winner", "question_id")}


def unrounded(votes: list[dict[str, Any]]) -> dict[str, float]:
    """The ratings as they are fitted, before they are written with four decimals."""
    given = encode(columns(votes))
    wins, ties = pair_counts(given)
    theta = fit((wins + ties / 2)[None])[0]
    return dict(zip(given.contenders, (MEAN + SCALE * theta).tolist(), strict=True))


def test_the_ratings_are_the_optimum_to_a_millionth() -> None:
    votes = list(llmfao.votes())
    assert unrounded(votes) == pytest.approx(optimum(votes), rel=0, abs=1e-6)


def test_shuffling_swapping_and_renaming_change_no_rating() -> None:
    votes = list(llmfao.votes())
    expected = unrounded(votes)
    draw = random.Random(3)
    other = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}
    names = sorted(expected)
    renamed = dict(zip(names, draw.sample([f"contender {n}" for n in range(len(names))], len(names)), strict=True))
    changed = []
    for vote in draw.sample(votes, len(votes)):
        a, b, winner = vote["model_a"], vote["model_b"], vote["winner"]
        if draw.random() < 0.5:
            a, b, winner = b, a, other[winner]
        changed.append({**vote, "model_a": renamed[a], "model_b": renamed[b], "winner": winner})
    found = unrounded(changed)
    assert {name: found[renamed[name]] for name in names} == pytest.approx(expected, rel=0, abs=1e-6)
    one_changed = [{**votes[0], "winner": "model_b"}, *votes[1:]]
    assert unrounded(one_changed) != pytest.approx(expected, rel=0, abs=1e-6)


def test_the_judges_votes_are_another_board(files: Path, make_shell: shells.MakeShell) -> None:
    shell = make_shell("postgresql")
    load(shell, files)
    human = board(shell, "--study", "llmfao")
    judged = list(llmfao.votes("gpt4-crowd-comparisons.csv"))
    file = shell.write("gpt4.jsonl", llmfao.jsonl(judged))
    shell.ok("import", "votes", file, "--study", "llmfao", "--as", "judge:gpt-4")
    after = board(shell, "--study", "llmfao")
    assert (after["votes"], after["rows"]) == (human["votes"], human["rows"])
    own = board(shell, "--study", "llmfao", "--source", "judge:gpt-4")
    assert own["votes"] == 2139
    rated = {name: value for name, value in ratings(own).items() if value is not None}
    best = optimum(judged)
    assert max(abs(rated[name] - best[name]) for name in best) <= 5.1e-5
    assert rated != {name: value for name, value in ratings(human).items() if value is not None}

"""A small study as files, and the commands that load it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from itertools import combinations

from tests.cli.running import Shell

CONTENDERS = ("alpha", "beta", "gamma")
CATEGORIES = ("heart", "lung")


def jsonl(rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def questions(count: int = 6) -> list[dict[str, object]]:
    """Questions q0, q1, …, by turns of two categories."""
    return [{"id": f"q{n}", "text": f"Question {n}?", "category": CATEGORIES[n % 2]} for n in range(count)]


def answers(count: int = 6, contenders: Iterable[str] = CONTENDERS) -> list[dict[str, object]]:
    """Every contender's answer to every question."""
    return [
        {"question_id": f"q{n}", "contender": name, "text": f"Text {place} on {n}."}
        for n in range(count)
        for place, name in enumerate(contenders)
    ]


def votes(count: int = 6, contenders: Iterable[str] = CONTENDERS) -> list[dict[str, object]]:
    """Four votes on every pairing, drawn with a fixed seed so that no contender is undefeated."""
    draw = random.Random(7)
    return [
        {"question_id": f"q{n}", "model_a": a, "model_b": b, "winner": draw.choice(WINNERS), "judge": f"rater-{turn}"}
        for n in range(count)
        for a, b in combinations(contenders, 2)
        for turn in range(4)
    ]


WINNERS = ("model_a", "model_b", "tie", "both_bad")


def load(shell: Shell, study: str = "s", contenders: Iterable[str] = CONTENDERS) -> None:
    """Create a study with six questions and the contenders' answers by commands."""
    names = tuple(contenders)
    shell.ok("study", "create", study, "--title", "A study")
    shell.ok("import", "questions", shell.write("questions.jsonl", jsonl(questions())), "--study", study)
    shell.ok("import", "answers", shell.write("answers.jsonl", jsonl(answers(contenders=names))), "--study", study)


def vote(shell: Shell, study: str = "s", contenders: Iterable[str] = CONTENDERS, source: str = "human") -> None:
    """Import the votes."""
    file = shell.write("votes.jsonl", jsonl(votes(contenders=tuple(contenders))))
    shell.ok("import", "votes", file, "--study", study, "--as", source)

"""The sample study: invented questions, answers of fictitious contenders, simulated votes. Not for clinical use."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def path(name: str) -> Path:
    """Where a file of the sample study lies: "questions.jsonl", "answers.jsonl", "votes.jsonl" or "plan.toml"."""
    return Path(str(files(__name__).joinpath(name)))

"""The llmfao data set (crowd votes on answers of 59 models, CC BY 4.0) as the arena's exchange files.

- `prompts.jsonl` becomes questions: `id`, `text`, the prompt's `type` as category, its `slug` as a further field.
- `results.jsonl.gz` becomes answers: one for each model and prompt (the first, should there be two), with the model's
  provider and measurements as provenance. Some models returned nothing; as the arena takes no empty answer, these
  say EMPTY instead.
- `crowd-comparisons.csv` becomes votes: the models shown on the left and right are `model_a` and `model_b`, the worker
  is the rater, and `left`, `right`, `tie` are the winners. The rows have no id of their own (`id` numbers the pairs):
  it is kept as `pair`. The files of the two GPT judges have the same columns but for the worker.

Written by hand: `python -m tests.llmfao OUTDIR` makes the three JSONL files.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.shared_data import shared_data

EMPTY = "(The model returned an empty text.)"
WINNERS = {"left": "model_a", "right": "model_b", "tie": "tie"}
CROWD = "crowd-comparisons.csv"

Row = dict[str, Any]


def questions() -> Iterator[Row]:
    """The 19 prompts as questions."""
    for prompt in _lines((shared_data("llmfao") / "prompts.jsonl").read_text(encoding="utf-8").splitlines()):
        yield {"id": str(prompt["id"]), "text": prompt["text"], "category": prompt["type"], "slug": prompt["slug"]}


def answers() -> Iterator[Row]:
    """One answer for each model and prompt."""
    seen: set[tuple[int, str]] = set()
    with gzip.open(shared_data("llmfao") / "results.jsonl.gz", "rt", encoding="utf-8") as file:
        for result in _lines(file):
            key = (result["prompt"], result["name"])
            if key in seen:
                continue
            seen.add(key)
            text = result["result"] if result["result"].strip() else EMPTY
            provenance = {name: result[name] for name in ("api_id", "api", "org", "duration", "rate")}
            yield {"question_id": str(result["prompt"]), "contender": result["name"], "text": text, **provenance}


def votes(file: str = CROWD) -> Iterator[Row]:
    """The votes of one of the three files of comparisons."""
    with (shared_data("llmfao") / file).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            vote = {
                "question_id": row["prompt"],
                "model_a": row["left"],
                "model_b": row["right"],
                "winner": WINNERS[row["winner"]],
                "pair": int(row["id"]),
            }
            yield vote | ({"rater": f"worker-{row['worker']}"} if "worker" in row else {})


def write(folder: Path) -> None:
    """Write questions.jsonl, answers.jsonl and votes.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("questions", questions()), ("answers", answers()), ("votes", votes())):
        (folder / f"{name}.jsonl").write_text(jsonl(rows), encoding="utf-8")


def jsonl(rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _lines(lines: Iterable[str]) -> Iterator[Row]:
    return map(json.loads, lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.llmfao OUTDIR")
    write(Path(sys.argv[1]))

"""Simulated studies: a truth from a TOML file, the study drawn from it, its truth as a document, and into a database.

Whatever is made here is labelled `simulated`: each vote in its file, in the database and in the ledger, each question
and answer in its text.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from io import BytesIO

import numpy as np

from arena.domain.plan import Plan
from arena.domain.study import Study, check_name
from arena.errors import BadInput, Conflict
from arena.ratings.simulation import MOST_CONTENDERS, Simulated, Truth, from_mapping, marginal, spread, with_setting
from arena.reports.text import NOTICE
from arena.services import imports, studies
from arena.services.files import Limits, Records, read_records
from arena.services.imports import check_source
from arena.services.simulated_rows import VOTE_COLUMNS, Row, answer_rows, question_rows, write_votes
from arena.store.engine import Database

_OURS = Limits(file_bytes=2**50, decompressed_bytes=2**50, rows=2**31)
"""What we made ourselves just now needs no limits against hostile files."""


def read_truth(text: str, *, contenders: int | None = None, settings: Sequence[str] = ()) -> Truth:
    """The truth that a TOML text states, with so many evenly spread contenders in place of its own, and settings
    TABLE.KEY=VALUE laid over it. Raises BadInput naming the line or the key.
    """
    try:
        stated: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"is not valid TOML: {error}") from error
    if contenders is not None:
        if "contenders" in stated:
            raise BadInput("contenders: are stated in the file; leave out --contenders, or remove them from the file")
        stated = {**stated, "contenders": [asdict(each) for each in spread(min(contenders, MOST_CONTENDERS + 1))]}
    for setting in settings:
        stated = with_setting(stated, setting)
    truth = from_mapping(stated)
    for judge in truth.judges:
        check_source(f"judge:{judge.name}")
    return truth


def document(study: Simulated) -> dict[str, object]:
    """What is true of a simulated study, JSON-ready: everything stated, and everything that was drawn once for all.

    Ratings are Elo points with a mean of 1000. `estimand` is what a Bradley-Terry fit of the votes of each source
    estimates where effects were stated; null where no finite ratings do.
    """
    truth = study.truth
    strengths = np.array([contender.strength for contender in truth.contenders])
    sources = study.sources if truth.raters.number else study.sources[1:]
    estimands = {source: _estimand(truth, source) for source in sources}
    ratings = _points(strengths - strengths.mean())
    people = study.people
    return {
        "simulated": True,
        "notice": NOTICE,
        "seed": list(study.seed),
        "votes": {source: int((study.source == at).sum()) for at, source in enumerate(study.sources)},
        "ratings": [
            {
                "contender": name,
                "rating": ratings[at],
                "estimand": {source: None if found is None else found[at] for source, found in estimands.items()},
            }
            for at, name in enumerate(truth.names)
        ],
        "raters": [
            {
                "rater": name,
                "slope": float(people.slope[at]),
                "side": float(people.side[at]),
                "tie_threshold": float(people.threshold[at]),
                "rigger": bool(people.is_rigger[at]),
            }
            for at, name in enumerate(people.names)
        ],
        "truth": json.loads(json.dumps(asdict(truth))),
    }


def make_study(
    db: Database,
    name: str,
    study: Simulated,
    *,
    now: datetime,
    on_read: Callable[[int], None] | None = None,
) -> Study:
    """Store a simulated study as a draft: questions, answers and votes, through the imports that files go through.

    `on_read` is told how many records of each kind were taken. Raises Conflict where there is a study of this name.
    """
    check_name(name)
    if name in {each.name for each in studies.listed(db)}:
        raise Conflict(f"there is a study '{name}' already; choose another name")
    seed = ", ".join(map(str, study.seed))
    studies.create(db, name=name, title=f"Simulated study (seed {seed}): nobody cast its votes", plan=Plan(), now=now)
    imports.import_questions(db, name, _records("questions", question_rows(study), on_read), now=now)
    imports.import_answers(db, name, _records("answers", answer_rows(study), on_read), now=now)
    for at, source in enumerate(study.sources):
        rows = np.flatnonzero(study.source == at)
        if len(rows):
            votes = BytesIO()
            write_votes(study, votes, "jsonl", rows=rows, columns=VOTE_COLUMNS)
            imports.import_votes(db, name, _opened("votes", votes, on_read), source=source, now=now)
    return studies.get(db, name)


def _records(what: str, rows: Iterable[Row], on_read: Callable[[int], None] | None) -> Records:
    file = BytesIO()
    file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n".encode() for row in rows)
    return _opened(what, file, on_read)


def _opened(what: str, file: BytesIO, on_read: Callable[[int], None] | None) -> Records:
    file.seek(0)
    records = read_records(file, name=f"simulated {what}", file_format="jsonl", limits=_OURS)
    records.on_read = on_read
    return records


def _estimand(truth: Truth, source: str) -> list[float] | None:
    try:
        return _points(marginal(truth, source))
    except BadInput:
        return None


def _points(strengths: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float]:
    """Strengths in logits as Elo points around 1000, to 4 decimals."""
    points: list[float] = np.round(1000.0 + strengths * 400.0 / math.log(10.0), 4).tolist()
    return points

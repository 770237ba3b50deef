"""A study with so many votes, put into a database or a CSV file at once.

The rows satisfy all keys and triggers, but no ledger entry stands behind a vote: an audit would say so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from sqlalchemy import func, insert, select, text, update

from arena import assets
from arena.domain.ledger import GENESIS, Draft, Kind
from arena.domain.plan import Plan
from arena.store import ledger, schema, studies, tables
from arena.store.base import table_of
from arena.store.engine import Database, Transaction

QUESTIONS, RATERS, CATEGORIES = 4000, 200, 8
TIES, BOTH_BAD, SPREAD = 0.15, 0.05, 0.6
"""Shares of the votes, and the standard deviation of the strengths in logits."""
CHOICES = ("a_better", "b_better", "tie_good", "tie_bad")
WINNERS = ("model_a", "model_b", "tie", "both_bad")
COLUMNS = (
    *("study_id", "seq", "key", "question_id", "contender_a_id", "contender_b_id", "answer_a_id", "answer_b_id"),
    *("rater_id", "source", "choice", "simulated"),
)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
_PAGE = 50_000


@dataclass(frozen=True)
class Design:
    """How many contenders, and whose votes: people's, or equally many of people and of each of some judges."""

    contenders: int
    judges: int = 0

    @property
    def name(self) -> str:
        """As the table names it."""
        return f"{self.contenders} contenders" + (f", people and {self.judges} judges" if self.judges else "")

    @property
    def sources(self) -> tuple[str, ...]:
        """Whose votes there are."""
        return ("human", *(f"judge:j{number}" for number in range(self.judges)))


@dataclass(frozen=True)
class Sample:
    """Votes as integers, each array of shape (votes,); `source` indexes the design's sources."""

    design: Design
    a: Any
    b: Any
    outcome: Any
    question: Any
    rater: Any
    source: Any


def sample(design: Design, count: int) -> Sample:
    """Votes of uniform pairs on uniform questions by uniform raters; of a judge's, the judge is the rater."""
    rng = np.random.default_rng(1)
    strength = rng.normal(0.0, SPREAD, design.contenders)
    a = rng.integers(design.contenders, size=count)
    b = (a + rng.integers(1, design.contenders, size=count)) % design.contenders
    won, kind = rng.random(count) < expit(strength[a] - strength[b]), rng.random(count)
    outcome = np.where(kind < TIES, 2, np.where(kind < TIES + BOTH_BAD, 3, np.where(won, 0, 1)))
    source = rng.integers(len(design.sources), size=count)
    rater = np.where(source == 0, rng.integers(RATERS, size=count), RATERS + source - 1)
    return Sample(design, a, b, outcome, rng.integers(QUESTIONS, size=count), rater, source)


def into_csv(votes: Sample, path: Path) -> None:
    """The exchange file of votes, with category and source."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("question_id", "model_a", "model_b", "winner", "judge", "category", "source"))
        for a, b, outcome, question, rater, source in _numbers(votes):
            cells = (f"q{question}", _contender(a), _contender(b), WINNERS[outcome], f"r{rater}")
            writer.writerow((*cells, _category(question), votes.design.sources[source]))


def into_database(db: Database, votes: Sample) -> None:
    """The study `s` with its questions, contenders, answers and votes, in an empty database."""
    schema.upgrade(db, assets.path("migrations"))
    with db.write() as tx:
        study = studies.add(tx, uid="u", name="s", title="S", plan=Plan(), now=NOW)
        ledger.create_chain(tx, study.id, "u")
        ledger.append(tx, study.id, [Draft(Kind.STUDY, {})], now=NOW)
        rows = _content(tx, study.id, votes)
        first = 2 + QUESTIONS + votes.design.contenders * (1 + QUESTIONS)
        _store_votes(tx, _votes(study.id, rows, votes, first))
        last = first + len(votes.a) - 1
        tx.execute(update(table_of(tables.Chain)).values(head_seq=last, head_hash=GENESIS))
    with db.outside() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _content(tx: Transaction, study_id: int, votes: Sample) -> dict[str, list[int]]:
    """Stores what votes refer to. The row numbers of questions, contenders and raters, and of answers by both."""
    of = {"study_id": study_id}
    questions = [
        {
            **of,
            "key": f"q{n}",
            "text": "Which?",
            "category": _category(n),
            "must_have": "[]",
            "extra": "{}",
            "seq": 2 + n,
        }
        for n in range(QUESTIONS)
    ]
    count = votes.design.contenders
    contenders = [
        {**of, "name": _contender(n), "origin": "imported", "settings": "{}", "seq": 2 + QUESTIONS + n}
        for n in range(count)
    ]
    raters = [{**of, "pseudonym": f"r{n}", "origin": "imported"} for n in range(RATERS + votes.design.judges)]
    found = {
        "question": _stored(tx, tables.Question, questions),
        "contender": _stored(tx, tables.Contender, contenders),
        "rater": _stored(tx, tables.Rater, raters),
    }
    answers = [
        {**of, "question_id": question, "contender_id": contender, "text": "This.", "provenance": "{}", "digest": "d"}
        for question in found["question"]
        for contender in found["contender"]
    ]
    begin = 2 + QUESTIONS + count
    numbered = [answer | {"seq": begin + n} for n, answer in enumerate(answers)]
    return found | {"answer": _stored(tx, tables.Answer, numbered)}


def _stored(tx: Transaction, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    before = tx.scalar(select(func.max(table.id))) or 0
    for start in range(0, len(rows), _PAGE):
        tx.execute(insert(table_of(table)), rows[start : start + _PAGE])
    return list(tx.scalars(select(table.id).where(table.id > before).order_by(table.id)))


def _votes(study_id: int, rows: dict[str, list[int]], votes: Sample, first: int) -> Iterator[tuple[object, ...]]:
    """The cells of COLUMNS, vote by vote."""
    count, sources = votes.design.contenders, votes.design.sources
    answers, contenders, questions, raters = (rows[name] for name in ("answer", "contender", "question", "rater"))
    for seq, (a, b, outcome, question, rater, source) in enumerate(_numbers(votes), first):
        of_question = question * count
        yield (
            study_id,
            seq,
            f"id:{seq}",
            questions[question],
            contenders[a],
            contenders[b],
            answers[of_question + a],
            answers[of_question + b],
            raters[rater],
            sources[source],
            CHOICES[outcome],
            False,
        )


def _store_votes(tx: Transaction, votes: Iterator[tuple[object, ...]]) -> None:
    """By the drivers themselves, which take a third of the time."""
    driver: Any = tx.connection.driver_connection
    columns = ", ".join(COLUMNS)
    if tx.dialect.name == "sqlite":
        driver.executemany(f"INSERT INTO vote ({columns}) VALUES ({', '.join('?' for _ in COLUMNS)})", votes)
        return
    with driver.cursor().copy(f"COPY vote ({columns}) FROM STDIN") as copy:
        for vote in votes:
            copy.write_row(vote)


def _numbers(votes: Sample) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(votes.a), _PAGE):
        of = slice(start, start + _PAGE)
        columns = (votes.a, votes.b, votes.outcome, votes.question, votes.rater, votes.source)
        yield from zip(*(column[of].tolist() for column in columns), strict=True)


def _contender(number: int) -> str:
    return f"contender-{number:03d}"


def _category(question: int) -> str:
    return f"specialty {question % CATEGORIES}"

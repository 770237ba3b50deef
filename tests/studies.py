"""Small studies for the tests, made through the services as a person would make them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from arena.domain.access import Seat
from arena.domain.plan import Plan
from arena.domain.study import Study
from arena.domain.vocabulary import Role
from arena.services import access, imports, studies
from arena.services.files import Records, read_records
from arena.services.imports import Imported
from arena.store.engine import Database

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
CONTENDERS = ("alpha", "beta", "gamma")


def later(minutes: float) -> datetime:
    """A moment after NOW."""
    return NOW + timedelta(minutes=minutes)


def records(rows: Iterable[Mapping[str, object]], name: str = "rows.jsonl") -> Records:
    """Rows as an opened JSONL file."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return read_records(io.BytesIO(text.encode()), name=name, file_format="jsonl")


def fill(db: Database, name: str, *, questions: int = 4, contenders: Iterable[str] = CONTENDERS) -> None:
    """Import questions q0… and every contender's answer to each."""
    rows = [
        {"id": f"q{n}", "text": f"Question {n}?", "category": ("Heart", "Lung", None)[n % 3], "ward": n}
        for n in range(questions)
    ]
    imports.import_questions(db, name, records(rows), now=NOW)
    answers = [
        {"question_id": row["id"], "contender": contender, "text": f"text {index} on {row['id']}", "temperature": 0.5}
        for row in rows
        for index, contender in enumerate(contenders)
    ]
    imports.import_answers(db, name, records(answers), now=NOW)


def draft(db: Database, name: str = "s", *, plan: Plan | None = None, questions: int = 4) -> Study:
    """A study with content, not yet open."""
    studies.create(db, name=name, title="A study", plan=plan or Plan(), now=NOW)
    fill(db, name, questions=questions)
    return studies.get(db, name)


def opened(db: Database, name: str = "s", *, plan: Plan | None = None, questions: int = 4) -> Study:
    """An open study."""
    draft(db, name, plan=plan, questions=questions)
    return studies.open_(db, name, now=NOW)


def seated(db: Database, name: str = "alice", study: str = "s", *, role: Role = Role.RATER) -> Seat:
    """A person who has redeemed an invitation, and consented."""
    issued = access.invite(db, study, role=role, name=name, days=1, now=NOW)
    _, seat = access.redeem(db, issued.secret, now=NOW, hours=1)
    return access.consent(db, seat, now=NOW)


def cast_elsewhere(db: Database, study: str, rows: Iterable[Mapping[str, object]], source: str = "human") -> Imported:
    """Import votes."""
    return imports.import_votes(db, study, records(rows), source=source, now=NOW)

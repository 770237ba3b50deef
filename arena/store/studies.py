"""Studies in the database."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import insert, select

from arena.domain import plan as plans
from arena.domain.canonical import canonical
from arena.domain.plan import Plan
from arena.domain.study import Study
from arena.domain.vocabulary import StudyState
from arena.store import tables
from arena.store.engine import Transaction


def add(tx: Transaction, *, uid: str, name: str, title: str, plan: Plan, now: datetime) -> Study:
    """Store a new study as a draft."""
    values = {"uid": uid, "name": name, "title": title, "state": StudyState.DRAFT, "created_at": now}
    tx.execute(insert(tables.Study).values(**values, plan=canonical(plan.to_json())))
    study = by_name(tx, name)
    assert study is not None
    return study


def by_name(tx: Transaction, name: str) -> Study | None:
    """The study called `name`, if there is one."""
    query = select(tables.Study).where(tables.Study.name == name).execution_options(populate_existing=True)
    return _study(tx.scalars(query).one_or_none())


def by_id(tx: Transaction, study_id: int) -> Study:
    """The study with this id."""
    study = _study(tx.get_one(tables.Study, study_id, populate_existing=True))
    assert study is not None
    return study


def listed(tx: Transaction) -> list[Study]:
    """All studies, by name."""
    found = [study for row in tx.scalars(select(tables.Study)) if (study := _study(row))]
    return sorted(found, key=lambda study: study.name)


def update(tx: Transaction, study_id: int, *, state: StudyState | None = None, plan: Plan | None = None) -> Study:
    """Change a study's state or plan; the ledger's entry about it is the caller's."""
    row = tx.get_one(tables.Study, study_id)
    row.state = state or row.state
    row.plan = canonical(plan.to_json()) if plan else row.plan
    tx.flush()
    return by_id(tx, study_id)


def _study(row: tables.Study | None) -> Study | None:
    if row is None:
        return None
    plan = plans.from_mapping(json.loads(row.plan))
    return Study(row.id, row.uid, row.name, row.title, StudyState(row.state), plan)

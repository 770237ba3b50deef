"""Studies in the database."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, select
from sqlalchemy import update as sql_update

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
    row = tx.execute(_studies().where(tables.Study.name == name)).one_or_none()
    return _study(row) if row else None


def by_id(tx: Transaction, study_id: int) -> Study:
    """The study with this id."""
    return _study(tx.execute(_by_id(), {"id": study_id}).one())


def listed(tx: Transaction) -> list[Study]:
    """All studies, by name."""
    return sorted(map(_study, tx.execute(_studies())), key=lambda study: study.name)


def update(tx: Transaction, study_id: int, *, state: StudyState | None = None, plan: Plan | None = None) -> Study:
    """Change a study's state or plan; the ledger's entry about it is the caller's."""
    new = {"state": str(state)} if state else {}
    new |= {"plan": canonical(plan.to_json())} if plan else {}
    tx.execute(sql_update(tables.Study).where(tables.Study.id == study_id).values(new))
    return by_id(tx, study_id)


def _studies() -> Select[*tuple[Any, ...]]:
    study = tables.Study
    return select(study.id, study.uid, study.name, study.title, study.state, study.plan)


@cache
def _by_id() -> Select[*tuple[Any, ...]]:
    return _studies().where(tables.Study.id == bindparam("id"))


def _study(row: Row[*tuple[Any, ...]]) -> Study:
    id_, uid, name, title, state, plan = row
    return Study(id_, uid, name, title, StudyState(state), _plan(plan))


@lru_cache(maxsize=100)
def _plan(text: str) -> Plan:
    return plans.from_mapping(json.loads(text))

"""A study's life: created, planned, opened, closed, published."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from arena.domain import payloads
from arena.domain import plan as plans
from arena.domain.ledger import Draft, Head, Kind
from arena.domain.plan import Plan
from arena.domain.study import Act, Study, check_name, check_title
from arena.domain.views import Overview
from arena.domain.vocabulary import StudyState
from arena.errors import BadInput, Conflict, NotFound
from arena.store import changes, content, ledger, matchups, pairings, raters, tables, votes
from arena.store import studies as store
from arena.store.engine import Database, Transaction


def create(db: Database, *, name: str, title: str, plan: Plan, now: datetime) -> Study:
    """Create a study as a draft, and its chain. Raises BadInput for the name, Conflict where it is taken."""
    check_name(name)
    check_title(title)
    with db.write() as tx:
        ledger.ensure_instance(tx, now=now)
        ledger.chain_of(tx, None, lock=True)
        if store.by_name(tx, name):
            raise Conflict(f"there is a study '{name}' already; choose another name")
        study = store.add(tx, uid=secrets.token_hex(16), name=name, title=title, plan=plan, now=now)
        ledger.create_chain(tx, study.id, study.uid)
        ledger.append(tx, study.id, [Draft(Kind.STUDY, payloads.study(name, title))], now=now)
        return study


def get(db: Database, name: str) -> Study:
    """The study called `name`. Raises NotFound."""
    with db.read() as tx:
        return find(tx, name)


def find(tx: Transaction, name: str) -> Study:
    """The study called `name`, within a transaction. Raises NotFound, naming those there are."""
    study = store.by_name(tx, name)
    if study is None:
        raise NotFound(f"there is no study '{name}'; `arena study list` shows those there are")
    return study


def held(tx: Transaction, name: str) -> Study:
    """The same for those who are going to change it: nobody else does until the transaction ends."""
    ledger.chain_of(tx, find(tx, name).id, lock=True)
    return find(tx, name)


def by_id(db: Database, study_id: int) -> Study:
    """The study with this row number."""
    with db.read() as tx:
        return store.by_id(tx, study_id)


def listed(db: Database) -> list[Study]:
    """All studies, by name."""
    with db.read() as tx:
        return store.listed(tx)


def change_plan(db: Database, name: str, settings: Sequence[str], *, reason: str | None, now: datetime) -> Study:
    """Change settings of the plan, each as KEY=VALUE: freely in a draft; later with a reason.

    The reason goes into the ledger with the new plan. Raises BadInput for a setting, or where the reason is missing.
    """
    with db.write() as tx:
        study = held(tx, name)
        if study.state is not StudyState.DRAFT:
            study.allow(Act.AMEND_PLAN)
            if not reason or not reason.strip():
                raise BadInput(
                    f"the study '{name}' is {study.state}: its plan is changed only with a reason (--reason TEXT)"
                )
        plan = study.plan
        for setting in settings:
            plan = plans.with_setting(plan, setting)
        if plan == study.plan:
            return study
        if plan.answering != study.plan.answering and content.has_generated(tx, study.id):
            raise Conflict(
                f"the study '{name}' has generated answers: system_prompt, sampling, answer_tokens, temperature and"
                " seed stay as they are, so that all its answers are made alike; make another study"
            )
        if study.state is not StudyState.DRAFT:
            ledger.append(tx, study.id, [Draft(Kind.PLAN, payloads.plan(plan, reason))], now=now)
        return store.update(tx, study.id, plan=plan)


def open_(db: Database, name: str, *, now: datetime) -> Study:
    """Open a study for votes. At the first opening the plan is committed and the pairings are made.

    Raises Conflict where no question has answers of two contenders.
    """
    with db.write() as tx:
        study = held(tx, name)
        study.allow(Act.OPEN)
        drafts = [Draft(Kind.STATE, payloads.state(study.state, StudyState.OPEN))]
        if study.state is StudyState.DRAFT:
            drafts.insert(0, Draft(Kind.PLAN, payloads.plan(study.plan, None)))
            if not pairings.make(tx, study.id):
                raise Conflict(
                    f"the study '{name}' has nothing to compare: no question has answers of two contenders; "
                    "import questions and answers first"
                )
        ledger.append(tx, study.id, drafts, now=now)
        return store.update(tx, study.id, state=StudyState.OPEN)


def close(db: Database, name: str, *, now: datetime) -> Study:
    """Close an open study: no more votes of raters are taken."""
    return _move(db, name, Act.CLOSE, StudyState.CLOSED, now)


def publish(db: Database, name: str, *, now: datetime) -> Study:
    """Publish a closed study: its board is public, and nothing changes any more."""
    return _move(db, name, Act.PUBLISH, StudyState.PUBLISHED, now)


def _move(db: Database, name: str, act: Act, state: StudyState, now: datetime) -> Study:
    with db.write() as tx:
        study = held(tx, name)
        study.allow(act)
        ledger.append(tx, study.id, [Draft(Kind.STATE, payloads.state(study.state, state))], now=now)
        return store.update(tx, study.id, state=state)


def head(db: Database, study_id: int) -> Head:
    """The newest position of the study's chain and its hash."""
    with db.read() as tx:
        return ledger.chain_of(tx, study_id).head


def overview(db: Database, study: Study) -> Overview:
    """Count what a study has."""
    with db.read() as tx:
        planned = content.count(tx, tables.Pairing, study.id)
        aside = changes.set_aside(tx, study.id)
        return Overview(
            study=store.by_id(tx, study.id),
            questions=content.count(tx, tables.Question, study.id),
            contenders=content.count(tx, tables.Contender, study.id),
            answers=content.count(tx, tables.Answer, study.id),
            unpaired=content.unpaired(tx, study.id),
            pairings=planned,
            places=planned * study.plan.raters_per_pairing,
            filled=matchups.filled(tx, study.id),
            raters=raters.voters(tx, study.id),
            sources=tuple(replace(row, set_aside=aside.get(row.source, 0)) for row in votes.tallies(tx, study.id)),
            head=ledger.chain_of(tx, study.id).head,
        )

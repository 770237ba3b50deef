"""A study's life: what each state allows, and what the ledger keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from arena.domain.plan import Plan
from arena.domain.study import ALLOWED, Act
from arena.domain.vocabulary import Role, StudyState
from arena.errors import BadInput, Conflict, NotFound
from arena.services import access, imports, studies
from arena.store import ledger
from arena.store.engine import Database
from tests.studies import NOW, cast_elsewhere, draft, opened, records


def in_state(db: Database, state: StudyState) -> None:
    draft(db)
    if state is not StudyState.DRAFT:
        studies.open_(db, "s", now=NOW)
    if state in (StudyState.CLOSED, StudyState.PUBLISHED):
        studies.close(db, "s", now=NOW)
    if state is StudyState.PUBLISHED:
        studies.publish(db, "s", now=NOW)


ACTS: dict[Act, Callable[[Database], object]] = {
    Act.IMPORT_CONTENT: lambda db: imports.import_questions(db, "s", records([{"id": "new", "text": "?"}]), now=NOW),
    Act.IMPORT_VOTES: lambda db: cast_elsewhere(db, "s", [{"model_a": "alpha", "model_b": "beta", "winner": "tie"}]),
    Act.INVITE: lambda db: access.invite(db, "s", role=Role.RATER, name="eve", days=1, now=NOW),
    Act.OPEN: lambda db: studies.open_(db, "s", now=NOW),
    Act.CLOSE: lambda db: studies.close(db, "s", now=NOW),
    Act.PUBLISH: lambda db: studies.publish(db, "s", now=NOW),
    Act.AMEND_PLAN: lambda db: studies.change_plan(db, "s", ["raters_per_pairing=9"], reason="more", now=NOW),
}


@pytest.mark.parametrize("state", list(StudyState))
def test_each_state_allows_what_the_table_says_and_refuses_the_rest(
    make_db: Callable[[str], Database], state: StudyState
) -> None:
    for act, do in ACTS.items():
        db = make_db("sqlite")
        in_state(db, state)
        allowed = state in ALLOWED[act] or (act is Act.AMEND_PLAN and state is StudyState.DRAFT)
        before = studies.overview(db, studies.get(db, "s")).head
        if allowed:
            do(db)
            continue
        with pytest.raises(Conflict, match=f"'s' is {state}"):
            do(db)
        assert studies.overview(db, studies.get(db, "s")).head == before


def test_the_plan_enters_the_ledger_at_opening_and_with_a_reason_at_every_later_change(db: Database) -> None:
    draft(db)
    studies.change_plan(db, "s", ["raters_per_pairing=2"], reason=None, now=NOW)
    studies.open_(db, "s", now=NOW)
    with pytest.raises(BadInput, match="only with a reason"):
        studies.change_plan(db, "s", ["raters_per_pairing=3"], reason=" ", now=NOW)
    studies.change_plan(db, "s", ["raters_per_pairing=3"], reason="too few raters came", now=NOW)
    study = studies.get(db, "s")
    with db.read() as tx:
        entries = [json.loads(e.body)["payload"] for e in ledger.entries(tx, study.id) if e.kind == "plan"]
    assert [(e["plan"]["raters_per_pairing"], e["reason"]) for e in entries] == [(2, None), (3, "too few raters came")]
    assert entries[-1]["digest"] == study.plan.digest


def test_opening_again_makes_no_new_pairings(db: Database) -> None:
    study = opened(db)
    pairings = studies.overview(db, study).pairings
    studies.close(db, "s", now=NOW)
    studies.open_(db, "s", now=NOW)
    assert studies.overview(db, study).pairings == pairings == 12


def test_a_study_with_nothing_to_compare_is_not_opened(db: Database) -> None:
    studies.create(db, name="s", title="S", plan=Plan(), now=NOW)
    with pytest.raises(Conflict, match="nothing to compare"):
        studies.open_(db, "s", now=NOW)
    assert studies.get(db, "s").state is StudyState.DRAFT


@pytest.mark.parametrize("name", ["", "Über", "a b", "-x", "a/b", "x" * 64, "a\n"])
def test_a_name_that_cannot_stand_in_a_command_is_refused(db: Database, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a study"):
        studies.create(db, name=name, title="T", plan=Plan(), now=NOW)


def test_a_name_is_taken_once_and_an_unknown_one_is_said_to_be(db: Database) -> None:
    draft(db)
    with pytest.raises(Conflict, match="already"):
        studies.create(db, name="s", title="T", plan=Plan(), now=NOW)
    with pytest.raises(NotFound, match="'nope'"):
        studies.get(db, "nope")

"""Batch files: what is asked is what `arena generate` asks, and a result is stored once, with what it answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from arena.backends.server import Server
from arena.contenders.catalogue import find
from arena.domain.plan import Plan, SamplingRule
from arena.domain.study import Study
from arena.errors import BadRecords, Conflict
from arena.services import audit, batches, generation, studies
from arena.services.batches import Imported
from arena.services.files import Limits
from arena.services.files.foreign import read_unchecked
from arena.services.work import Pace
from arena.store import content
from arena.store.engine import Database
from tests.backends.scripted import serving
from tests.studies import NOW, draft

CLOCK = datetime(2026, 2, 3, tzinfo=UTC)
WRITTEN, CHAT = "Med42-v2-8B", "GPT4-o"
Row = dict[str, Any]


def study_of(db: Database, *names: str, plan: Plan | None = None, questions: int = 3) -> Study:
    study = draft(db, plan=plan, questions=questions)
    generation.add_contenders(db, "s", [find(name) for name in names or (WRITTEN,)], now=NOW)
    return study


def exported(db: Database, name: str = WRITTEN) -> list[Row]:
    study, out = studies.get(db, "s"), io.BytesIO()
    number = batches.export(study, generation.missing(db, study, [name]), out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(rows) == number
    return rows


def answered(row: Row, text: str | None = "Rest.", *, finish: str = "stop", **more: object) -> Row:
    """What `vllm run-batch` writes for one request."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = {"id": "chatcmpl-1", "model": row["body"]["model"], "choices": [choice], "usage": usage} | more
    response = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
    return {"id": "vllm-1", "custom_id": row["custom_id"], "response": response, "error": None}


def failed(row: Row, error: object) -> Row:
    response = {"status_code": 400, "request_id": "vllm-batch-1", "body": None}
    return {"id": "vllm-1", "custom_id": row["custom_id"], "response": response, "error": error}


def imported(db: Database, rows: Iterable[object]) -> Imported:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    records = read_unchecked(io.BytesIO(data), name="results", limits=Limits())
    return batches.import_results(db, "s", records, now=CLOCK)


def stored(db: Database, name: str = WRITTEN) -> dict[str, tuple[str, Row]]:
    with db.read() as tx:
        rows = [record for _, record, _ in content.answers(tx, studies.find(tx, "s").id) if record.contender == name]
    return {row.question_id: (row.text, json.loads(row.provenance)) for row in rows}


def asked_of_a_server(db: Database, study: Study, name: str) -> list[Row]:
    """What `arena generate` sends for the same, with the digests of the prompts that it keeps."""
    with serving(models={find(name).id or "": None}) as there:
        generation.generate(
            db,
            study,
            generation.missing(db, study, [name]),
            [Server(there.url, keys={}, timeout=20, connections=1)],
            pace=Pace(concurrency=1),
            clock=lambda: CLOCK,
            report=lambda done, total: None,
        )
        return there.asked


@pytest.mark.parametrize("name", [WRITTEN, CHAT, "Mixtral-8x7b-Instruct"])
@pytest.mark.parametrize("plan", [Plan(), Plan(sampling=SamplingRule.CARD, system_prompt="Be brief {{ 1 }}.", seed=7)])
def test_the_model_is_asked_as_by_arena_generate(db: Database, name: str, plan: Plan) -> None:
    study = study_of(db, name, plan=plan)
    rows = exported(db, name)
    given = imported(db, map(answered, rows))
    kept = stored(db, name)
    assert (given.stored, given.missing) == (3, {})
    assert {(row["method"], row["url"]) for row in rows} == {("POST", "/v1/chat/completions")}

    other = draft(db, "t", plan=plan, questions=3)
    generation.add_contenders(db, "t", [find(name)], now=NOW)
    sent = {text_of(body): settings(body) for body in asked_of_a_server(db, other, name)}
    assert {text_of(row["body"]): settings(row["body"]) for row in rows} == sent
    with db.read() as tx:
        twins = {row.question_id: json.loads(row.provenance) for _, row, _ in content.answers(tx, other.id)}
    assert study.plan == other.plan
    for question, (_, provenance) in kept.items():
        assert provenance.keys() == twins[question].keys()
        for key in ("origin", "model", "system_prompt", "prompt", "sampling"):
            assert provenance[key] == twins[question][key], key


def text_of(body: Row) -> str:
    """The text that the model is given: a written prompt, or the turns. A template is run as vLLM runs it."""
    if "chat_template" not in body:
        return str(body.get("prompt") or body["messages"])
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(body["chat_template"]).render(messages=body["messages"], add_generation_prompt=True)


def settings(body: Row) -> Row:
    """Everything but the text. A prompt sent either way gets no special tokens added."""
    assert ("prompt" in body or "chat_template" in body) == (body.get("add_special_tokens") is False)
    return {key: value for key, value in body.items() if key not in ("prompt", "messages", "chat_template")}


def test_results_in_any_order_and_in_parts_are_stored_once(db: Database) -> None:
    study = study_of(db)
    rows = exported(db)
    first = imported(db, [answered(rows[2]), failed(rows[0], "no")])
    assert (first.stored, first.known, first.missing) == (1, 0, {WRITTEN: 2})
    left = exported(db)
    assert left == rows[:2]
    again = imported(db, [answered(row, "Other.") for row in reversed(rows)])
    assert (again.stored, again.known, again.missing) == (2, 1, {})
    assert {question: text for question, (text, _) in stored(db).items()} == {
        "q0": "Other.",
        "q1": "Other.",
        "q2": "Rest.",
    }
    with db.read() as tx:
        before = content.answers(tx, study.id)
    assert imported(db, [answered(row) for row in rows]).stored == 0
    with db.read() as tx:
        assert content.answers(tx, study.id) == before
    studies.open_(db, "s", now=NOW)
    audit.audit_study(db, study.id)


def test_cut_and_naming_answers_are_marked_and_counted(db: Database) -> None:
    study_of(db)
    one, two, three = exported(db)
    done = imported(db, [answered(one, finish="length"), answered(two, "As Med42, I would rest."), answered(three)])
    assert (done.cut[WRITTEN], done.naming[WRITTEN]) == (1, 1)
    assert {question: kept["is_cut"] for question, (_, kept) in stored(db).items()} == {
        "q0": True,
        "q1": False,
        "q2": False,
    }


def test_text_that_no_database_takes_is_mended_and_its_raw_form_kept(db: Database) -> None:
    study_of(db, questions=1)
    raw = "Rest\x00 and \ud800drink\x1b[2J."
    imported(db, [answered(exported(db)[0], raw, extra=float("nan"))])
    text, kept = stored(db)["q0"]
    assert text == "Rest\ufffd and \ufffddrink\ufffd[2J."
    assert json.loads(kept["raw"]) == raw


SPOILT: list[tuple[Callable[[Row], Row], str]] = [
    (lambda row: failed(row, "URL /v1/x is not a supported endpoint."), "HTTP 400: URL /v1/x is not"),
    (lambda row: failed(row, {"error": {"message": "too long", "code": 400}}), "HTTP 400: too long"),
    (lambda row: failed(row, {"object": "error", "message": "too\x1b[2J long"}), r"HTTP 400: too\x1b[2J long"),
    (lambda row: failed(row, None), "HTTP 400: nothing more was said"),
    (lambda row: failed(row, None) | {"response": None, "error": {"code": "expired"}}, "expired"),
    (lambda row: answered(row, " \n"), "the answer is empty"),
    (lambda row: answered(row, None), "the answer is empty"),
    (lambda row: answered(row, "x" * 200_001), "the answer has more than 200,000 characters"),
    (lambda row: answered(row, model="other"), "it answered as 'other'"),
    (lambda row: answered(row, choices=[]), "not in the form"),
]


def test_what_is_no_answer_is_listed_and_asked_for_again(db: Database) -> None:
    study_of(db, questions=len(SPOILT) + 1)
    *rows, whole = exported(db)
    done = imported(db, [*(spoil(row) for row, (spoil, _) in zip(rows, SPOILT, strict=True)), answered(whole)])
    assert (done.stored, done.missing) == (1, {WRITTEN: len(SPOILT)})
    for (name, question, said), number in zip(done.failed, range(len(SPOILT)), strict=True):
        assert (name, question) == (WRITTEN, f"q{number}")
        assert SPOILT[number][1] in said
    assert exported(db) == rows


def test_lines_that_answer_no_request_of_the_study_store_nothing(db: Database) -> None:
    study_of(db)
    one, two, three = exported(db)
    foreign = answered(two) | {"custom_id": "request-1"}
    without = {"custom_id": two["custom_id"]}
    wrongs: list[object] = [foreign, answered(one), {}, [], without, answered(two) | {"custom_id": 1}]
    for wrong in wrongs:
        with pytest.raises(BadRecords) as caught:
            imported(db, [answered(one), wrong, answered(three)])
        assert [problem.where for problem in caught.value.problems] == ["line 2"]
    assert stored(db) == {}
    assert imported(db, [answered(one)]).stored == 1


def test_results_of_another_plan_are_refused(db: Database) -> None:
    """The prompt that was answered is no more the study's."""
    study_of(db)
    rows = exported(db)
    studies.change_plan(db, "s", ["answer_tokens=77"], reason=None, now=NOW)
    with pytest.raises(BadRecords, match="as it is planned now"):
        imported(db, [answered(row) for row in rows])
    studies.change_plan(db, "s", ["answer_tokens=1024"], reason=None, now=NOW)
    assert imported(db, [answered(row) for row in rows]).stored == 3


def test_requests_of_two_studies_and_two_contenders_are_told_apart(db: Database) -> None:
    study_of(db, WRITTEN, "OpenBioLLM-70B")
    draft(db, "t", questions=3)
    generation.add_contenders(db, "t", [find(WRITTEN)], now=NOW)
    other = studies.get(db, "t")
    elsewhere = [one.custom_id for one in batches.requests(other, generation.missing(db, other)[0])]
    ids = [row["custom_id"] for name in (WRITTEN, "OpenBioLLM-70B") for row in exported(db, name)]
    assert len({*elsewhere, *ids}) == 9


def test_a_study_that_is_no_draft_takes_no_batch(db: Database) -> None:
    study = study_of(db)
    rows = exported(db)
    imported(db, [answered(row) for row in rows])
    studies.open_(db, "s", now=NOW)
    with pytest.raises(Conflict):
        batches.export(studies.get(db, "s"), [], io.BytesIO())
    with pytest.raises(Conflict):
        imported(db, [answered(rows[0])])
    assert study.id

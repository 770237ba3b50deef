"""Answers made through a server: each once, whole or marked, by the plan's settings, whatever the server does."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from arena.backends.server import Server
from arena.contenders.catalogue import Entry, find
from arena.contenders.formats import FORMATS
from arena.domain.plan import Plan, SamplingRule
from arena.domain.study import Study
from arena.errors import BadInput, BadRecords, Conflict, Incomplete, NotFound
from arena.services import audit, generation, imports, studies, work
from arena.services.generation import Generated
from arena.services.work import Pace
from arena.store import content
from arena.store.engine import Database
from tests.backends.scripted import Answer, Body, completion, echo, serving
from tests.studies import NOW, draft, records

CLOCK = datetime(2026, 2, 3, tzinfo=UTC)
NAME = "Med42-v2-8B"
SERVED: dict[str, int | None] = {NAME: 8192, "m42-health/Llama3-Med42-8B": 8192}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "FIRST_WAIT", 1e-4)
    monkeypatch.setattr(work, "LONGEST_WAIT", 1e-3)


def study_of(db: Database, *, plan: Plan | None = None, questions: int = 4, names: Sequence[str] = (NAME,)) -> Study:
    study = draft(db, plan=plan, questions=questions)
    generation.add_contenders(db, "s", [find(name) for name in names], now=NOW)
    return study


def run(db: Database, study: Study, *urls: str, names: Sequence[str] = (), timeout: float = 20) -> Generated:
    servers = [Server(url, keys={}, timeout=timeout, connections=8) for url in urls]
    return generation.generate(
        db,
        study,
        generation.missing(db, study, names),
        servers,
        pace=Pace(concurrency=8, tries=3, batch=5),
        clock=lambda: CLOCK,
        report=lambda done, total: None,
    )


def answers(db: Database, study: Study, name: str = NAME) -> dict[str, tuple[str, dict[str, Any]]]:
    with db.read() as tx:
        rows = [record for _, record, _ in content.answers(tx, study.id) if record.contender == name]
    found = {row.question_id: (row.text, json.loads(row.provenance)) for row in rows}
    assert len(found) == len(rows)
    return found


def test_every_missing_answer_is_asked_for_once_and_the_study_can_open(db: Database) -> None:
    study = study_of(db, questions=23)
    with serving(models=SERVED) as there:
        done = run(db, study, there.url)
        assert (done.stored, done.failures, done.given_up, done.stopped) == (23, 0, [], False)
        assert run(db, study, there.url).stored == 0
    assert len(there.asked) == 23
    assert set(answers(db, study)) == {f"q{n}" for n in range(23)}
    studies.open_(db, "s", now=NOW)
    audit.audit_study(db, study.id)


def test_what_shaped_an_answer_is_kept_with_it(db: Database) -> None:
    plan = Plan(system_prompt="Be brief.", answer_tokens=50, temperature=0.5, seed=7)
    study = study_of(db, plan=plan, questions=1)
    with serving(models=SERVED) as there:
        run(db, study, there.url)
    sent = there.asked[0]
    assert sent["prompt"] == FORMATS["llama-3"].render("Be brief.", "Question 0?")
    assert (sent["temperature"], sent["max_tokens"], sent["seed"]) == (0.5, 50, 7)
    assert sent["stop"] == ["<|eot_id|>", "<|end_of_text|>"]
    _, kept = answers(db, study)["q0"]
    assert kept["sampling"] == {"max_tokens": 50, "temperature": "0.5", "seed": 7, "stop": sent["stop"]}
    assert (kept["model"], kept["version"], kept["request_id"]) == (NAME, "9.9", "cmpl-1")
    assert (kept["finish"], kept["is_cut"], kept["tokens"], kept["cached_tokens"]) == ("stop", False, 3, 2)


def test_a_cards_own_sampling_holds_where_the_plan_says_so(db: Database) -> None:
    study = study_of(db, plan=Plan(sampling=SamplingRule.CARD), questions=1)
    with serving(models=SERVED) as there:
        run(db, study, there.url)
    assert {key: there.asked[0][key] for key in ("temperature", "top_k", "top_p")} == {
        "temperature": 0.4,
        "top_k": 150,
        "top_p": 0.75,
    }


def test_a_faulty_server_costs_no_answer(db: Database) -> None:
    """Of three tries each, two come to nothing: by status, by rubbish, by silence, by emptiness."""
    faults = (
        Answer(b"", 500),
        Answer(b"{", 200),
        Answer(b"\xff\x00", 200),
        Answer(b"", 429, {"Retry-After": "0"}),
        Answer(b" " * 5_000_000),
    )
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def script(number: int, body: Body) -> Answer:
        with lock:
            seen[body["prompt"]] = seen.get(body["prompt"], 0) + 1
            tries = seen[body["prompt"]]
        return echo(number, body) if tries == 3 else faults[number % len(faults)]

    study = study_of(db, questions=20)
    with serving(script, models=SERVED) as there:
        done = run(db, study, there.url)
    assert (done.stored, done.failures, done.given_up) == (20, 40, [])
    assert len(answers(db, study)) == 20


def test_what_is_given_up_is_named_and_asked_for_again_the_next_time(db: Database) -> None:
    def script(number: int, body: Body) -> Answer:
        return Answer(b'{"error": "no"}', 400) if "Question 2?" in body["prompt"] else echo(number, body)

    study = study_of(db)
    with serving(script, models=SERVED) as there:
        done = run(db, study, there.url)
    assert done.given_up == [(NAME, "q2", "HTTP 400: no")]
    assert set(answers(db, study)) == {"q0", "q1", "q3"}
    with serving(models=SERVED) as there:
        assert run(db, study, there.url).stored == 1
    assert len(there.asked) == 1


def test_text_that_no_database_takes_is_mended_and_its_raw_form_kept(db: Database) -> None:
    raw = "Rest\x00 and \ud800drink\x1b[2J."
    study = study_of(db, questions=1)
    with serving(lambda _, body: completion(body, raw, id="a\x00b"), models=SERVED) as there:
        run(db, study, there.url)
    text, kept = answers(db, study)["q0"]
    assert text == "Rest\ufffd and \ufffddrink\ufffd[2J."
    assert json.loads(kept["raw"]) == raw
    assert kept["request_id"] == "a\ufffdb"


def test_cut_answers_and_answers_that_name_their_system_are_counted(db: Database) -> None:
    def script(number: int, body: Body) -> Answer:
        if "Question 0?" in body["prompt"]:
            return completion(body, "As Med42, I would", finish="length")
        return completion(body, "Palmar erythema is harmless.")

    study = study_of(db, questions=3)
    with serving(script, models=SERVED) as there:
        done = run(db, study, there.url)
    assert (dict(done.cut)[NAME], dict(done.naming)[NAME]) == (1, 1)
    assert {question: kept["is_cut"] for question, (_, kept) in answers(db, study).items()} == {
        "q0": True,
        "q1": False,
        "q2": False,
    }


def test_what_will_not_fit_is_refused_before_it_is_sent(db: Database) -> None:
    study = study_of(db, plan=Plan(answer_tokens=100), questions=2)
    with serving(models={NAME: 128}, tokens=lambda body: 29 if "Question 0?" in body["prompt"] else 28) as there:
        done = run(db, study, there.url)
    assert done.given_up == [
        (NAME, "q0", "the prompt takes 29 tokens, and with 100 for the answer it does not fit into 128")
    ]
    assert len(there.asked) == 1


def test_several_servers_share_the_work_and_each_contender_goes_where_it_is_served(db: Database) -> None:
    other = "Llama3-8B-Instruct"
    study = study_of(db, questions=30, names=[NAME, other, "OpenBioLLM-70B"])
    with serving(models={NAME: None, other: None}) as one, serving(models={"m42-health/Llama3-Med42-8B": 8192}) as two:
        done = run(db, study, one.url, two.url)
    assert done.stored == 60
    assert done.unserved == ["OpenBioLLM-70B"]
    assert {body["model"] for body in two.asked} == {"m42-health/Llama3-Med42-8B"}
    assert {body["model"] for body in one.asked} == {NAME, other}


def test_answers_that_came_meanwhile_are_not_doubled(db: Database) -> None:
    """Two runs at once over the same questions: each answer is stored once."""
    study = study_of(db, questions=25)
    done: list[Generated] = []
    barrier = threading.Barrier(2)

    def both(url: str) -> None:
        barrier.wait()
        done.append(run(db, study, url))

    with serving(models=SERVED) as there:
        threads = [threading.Thread(target=both, args=(there.url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(one.stored for one in done) == 25
    assert len(answers(db, study)) == 25


def test_a_server_that_is_not_there_is_an_error(db: Database) -> None:
    study = study_of(db)
    with serving() as there:
        url = there.url
    with pytest.raises(Incomplete, match="cannot be reached"):
        run(db, study, url)


def test_only_a_draft_is_filled(db: Database) -> None:
    study = study_of(db)
    studies.open_(db, "s", now=NOW)
    with pytest.raises(Conflict, match="draft"), serving(models=SERVED) as there:
        run(db, studies.get(db, "s"), there.url)
    assert study.id
    assert there.asked == []


def test_contenders_are_added_once_and_never_changed(db: Database) -> None:
    draft(db)
    assert generation.add_contenders(db, "s", [find(NAME)], now=NOW) == [NAME]
    assert generation.add_contenders(db, "s", [find(NAME)], now=NOW) == []
    changed = find(NAME).model_copy(update={"context": 100})
    with pytest.raises(Conflict, match="other settings"):
        generation.add_contenders(db, "s", [changed], now=NOW)
    with pytest.raises(BadInput, match="import recorded answers"):
        generation.add_contenders(db, "s", [find("Med-PaLM-2")], now=NOW)
    with pytest.raises(Conflict, match="imported"):
        generation.add_contenders(db, "s", [_named("alpha")], now=NOW)
    with pytest.raises(BadInput, match="imported"):
        generation.missing(db, studies.get(db, "s"), ["alpha"])
    with pytest.raises(NotFound):
        generation.missing(db, studies.get(db, "s"), ["nobody"])


def _named(name: str) -> Entry:
    return find(NAME).model_copy(update={"name": name})


def test_all_answers_of_a_study_are_made_by_one_plan(db: Database) -> None:
    study = study_of(db, questions=2)

    def script(number: int, body: Body) -> Answer:
        if number == 0:
            studies.change_plan(db, "s", ["temperature=1.5"], reason=None, now=NOW)
        return echo(number, body)

    with serving(script, models=SERVED) as there:
        with pytest.raises(Conflict, match="changed meanwhile"):
            run(db, study, there.url)
        assert answers(db, study) == {}
        run(db, studies.get(db, "s"), there.url)
    assert {kept["sampling"]["temperature"] for _, kept in answers(db, study).values()} == {"1.5"}
    with pytest.raises(Conflict, match="stay as they are"):
        studies.change_plan(db, "s", ["system_prompt=Other."], reason=None, now=NOW)
    studies.change_plan(db, "s", ["raters_per_pairing=2"], reason=None, now=NOW)


def test_no_file_answers_for_a_contender_whose_answers_are_made_here(db: Database) -> None:
    study_of(db)
    row = {"question_id": "q0", "contender": NAME, "text": "mine"}
    with pytest.raises(BadRecords, match="are made here"):
        imports.import_answers(db, "s", records([row]), now=NOW)

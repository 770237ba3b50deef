"""Answers that name their system are counted by contender and shown where they stand."""

from __future__ import annotations

from arena.contenders.catalogue import find
from arena.services import generation, imports, scan, studies
from arena.store import content
from arena.store.engine import Database
from tests.studies import NOW, draft, records


def test_names_are_counted_by_contender_and_found_in_their_places(db: Database) -> None:
    study = draft(db, questions=2)
    rows: list[dict[str, object]] = [
        {"question_id": "q0", "contender": "quercus-7x", "text": f"{'x' * 60} Quercus 7X says rest. {'y' * 60}"},
        {
            "question_id": "q1",
            "contender": "quercus-7x",
            "text": "As Claude, I am ChatGPT.",
            "model": "v",
            "is_cut": True,
        },
        {"question_id": "q0", "contender": "gpt-4", "text": "Palmar erythema.", "model_id": "m", "version": "1"},
        {"question_id": "q1", "contender": "gpt-4", "text": "Quercus 7X is an animal.", "model": "n"},
    ]
    imports.import_answers(db, "s", records(rows), now=NOW)
    told: list[tuple[int, int]] = []
    found = scan.scan(db, study, progress=lambda done, total: told.append((done, total)))
    assert {row.contender: (row.answers, row.naming, row.cut) for row in found.rows} == {
        "alpha": (2, 0, 0),
        "beta": (2, 0, 0),
        "gamma": (2, 0, 0),
        "gpt-4": (2, 0, 0),
        "quercus-7x": (2, 2, 1),
    }
    assert {row.contender: (row.origin, row.models, row.versions) for row in found.rows}["gpt-4"] == (
        "imported",
        {"m", "n"},
        {"1"},
    )
    assert [(place.question, place.words) for place in found.places] == [
        ("q0", "Quercus 7X"),
        ("q1", "Claude"),
        ("q1", "ChatGPT"),
    ]
    first = found.places[0]
    assert (first.before, first.after) == (f"{'x' * 39} ", f" says rest. {'y' * 28}")
    assert told[-1] == (10, 10)


def test_a_generated_contender_and_one_of_the_catalogue_are_known_by_their_own_words(db: Database) -> None:
    study = draft(db, questions=1)
    generation.add_contenders(db, "s", [find("Med42-v2-8B")], now=NOW)
    texts = {"physician": "Ask-K says so.", "ASK-K": "It is safe."}
    imports.import_answers(
        db, "s", records([{"question_id": "q0", "contender": n, "text": t} for n, t in texts.items()]), now=NOW
    )
    assert studies.get(db, "s") == study
    with db.read() as tx:
        own = scan.own_words(record for _, record in content.contenders(tx, study.id))
    assert set(own["Med42-v2-8B"]) >= set(find("Med42-v2-8B").gives_away)
    assert own["physician"] == own["alpha"] == ()

"""Simulated studies as files, as a document and in the database: labelled, safe, and the same as what was drawn."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from arena.domain.vocabulary import Choice
from arena.errors import BadInput, Conflict
from arena.ratings.comparisons.votes import OUTCOMES
from arena.ratings.simulation import CANNOT_JUDGE, Simulated, Truth, simulate, spread
from arena.services import audit, exports, leaderboard, studies
from arena.services.files import FileFormat, parse_votes, read_records
from arena.services.leaderboard import BoardRequest
from arena.services.simulated_rows import answer_rows, answer_text, write_votes
from arena.services.simulation import document, make_study, read_truth
from arena.store import content, votes
from arena.store.engine import Database
from tests.studies import NOW

HOSTILE = ('=HYPERLINK("http://x")', "@SUM(1,2)", "'+1", "<b>[red]x[/red]</b>", "a,\u202eb", "\\x1b")
EVENTFUL = """
[questions]
number = 12
[[categories]]
name = "-heart"
[[categories]]
name = "lung"
[raters]
number = 4
tie_threshold = 0.8
both_bad = 0.5
abstention = 0.2
[[judges]]
name = "j-1"
bias_sd = 0.3
[assignment]
pairs = 5
votes = 2
[riggers]
number = 1
favours = "@SUM(1,2)"
"""
FORMATS: tuple[FileFormat, ...] = ("csv", "jsonl", "parquet")


def eventful() -> Simulated:
    lengths = "".join(
        f"[[contenders]]\nname = {json.dumps(name)}\nfamily = 'f'\nlength = 60\nlength_sd = 0.5\n" for name in HOSTILE
    )
    return simulate(read_truth(lengths + EVENTFUL), 3)


def written(study: Simulated, file_format: FileFormat, **options: Any) -> bytes:
    file = io.BytesIO()
    write_votes(study, file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_read_back_as_what_was_drawn(file_format: FileFormat) -> None:
    study = eventful()
    file = io.BytesIO(written(study, file_format))
    records = read_records(file, name="f", file_format=file_format)
    found = [each.record for each in parse_votes(records, name="f", digest="")]
    assert len(found) == len(study) == 12 * 5 * 2 * 2
    assert len({vote.key for vote in found}) == len(found)
    names = study.truth.names
    assert [vote.model_a for vote in found] == [names[at] for at in study.a]
    assert [vote.model_b for vote in found] == [names[at] for at in study.b]
    choices = ["a_better", "b_better", "tie_good", "tie_bad", "cannot_judge"]
    assert [str(vote.choice) for vote in found] == [choices[at] for at in study.outcome]
    assert {str(vote.choice) for vote in found} == set(choices)
    assert all(vote.simulated for vote in found)
    assert [int(str(vote.question_id).removeprefix("sim-q-")) - 1 for vote in found] == study.question.tolist()
    people = [*study.people.names]
    assert [vote.rater for vote in found] == [people[at] if at >= 0 else "j-1" for at in study.rater]
    times = [vote.voted_at for vote in found if vote.voted_at is not None]
    assert len(times) == len(found)
    assert [(time - times[0]).total_seconds() for time in times] == (study.time - study.time[0]).tolist()
    extra = [json.loads(vote.extra) for vote in found]
    assert [each["source"] for each in extra] == ["human" if at == 0 else "judge:j-1" for at in study.source]
    assert [each["category"] for each in extra] == [("-heart", "lung")[at] for at in study.category[study.question]]
    assert [int(each["length_a"]) for each in extra] == study.length_a.tolist()
    assert [int(each["length_b"]) for each in extra] == study.length_b.tolist()


def test_no_name_acts_in_a_spreadsheet() -> None:
    import csv

    rows = list(csv.reader(io.StringIO(written(eventful(), "csv").decode())))
    cells = {cell for row in rows for cell in row}
    assert not [cell for cell in cells if cell[:1] in set("=+-@")]
    assert '\'=HYPERLINK("http://x")' in cells
    assert "'-heart" in cells


def test_a_file_in_parts_is_the_file_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    study, told = eventful(), list[tuple[int, int]]()
    whole = {file_format: written(study, file_format) for file_format in FORMATS}
    monkeypatch.setattr("arena.services.simulated_rows.AT_ONCE", 100)
    for file_format in ("csv", "jsonl"):
        assert (
            written(study, file_format, progress=lambda done, total: told.append((done, total))) == whole[file_format]
        )
    assert told == [(100, 240), (200, 240), (240, 240)] * 2


def test_an_answer_has_the_length_that_was_drawn_and_says_what_it_is() -> None:
    for length in (40, 41, 100, 103, 104, 105, 5000):
        text = answer_text(length)
        assert len(text) == len(text.strip()) == length
        assert text.startswith("Simulated: nobody wrote this answer.")
    study = eventful()
    lengths = {(row["question_id"], row["contender"]): len(str(row["text"])) for row in answer_rows(study)}
    assert len(lengths) == 12 * 6
    shown = [lengths[study.questions[q], study.truth.names[a]] for q, a in zip(study.question, study.a, strict=True)]
    assert shown == study.length_a.tolist()
    assert len(set(shown)) > 10


def test_a_study_in_the_database_is_what_was_drawn_and_simulated_for_ever(db: Database) -> None:
    study = eventful()
    made = make_study(db, "trial", study, now=NOW)
    assert "Simulated study (seed 3)" in made.title
    with db.read() as tx:
        stored = list(votes.votes(tx, made.id))
        texts = [record.text for _, record, _ in content.answers(tx, made.id)]
        asked = [record for _, record in content.questions(tx, made.id)]
    assert len(stored) == len(study)
    assert all(vote.simulated for vote in stored)
    assert all(text.startswith("Simulated: nobody wrote this answer.") for text in texts)
    assert not [name for name in HOSTILE if any(name in text for text in texts)], "a rater must not see who wrote it"
    assert all(record.text.startswith("Simulated question") for record in asked)
    assert [record.category for record in asked] == [("-heart", "lung")[at] for at in study.category]

    human = int((study.source == 0).sum())
    counted = int(((study.source == 0) & (study.outcome != CANNOT_JUDGE)).sum())
    board, _ = leaderboard.grouped(db, made, BoardRequest(interval="sandwich", source="human"))
    assert f"{counted} of the {counted} votes are simulated." in board.warnings
    rated = {row.model: (row.votes, row.wins, row.ties, row.both_bad) for row in board.rows}
    assert rated == by_hand(study)
    overview = studies.overview(db, made)
    assert [(each.source, each.simulated) for each in overview.sources] == [("human", human), ("judge:j-1", 120)]
    assert audit.audit_study(db, made.id).compared >= len(study)

    ledger, table = io.BytesIO(), io.BytesIO()
    exports.export(db, made, "ledger", ledger, "jsonl")
    entries = [json.loads(line).get("entry", {}) for line in ledger.getvalue().splitlines()]
    cast = [entry["payload"]["simulated"] for entry in entries if entry.get("kind") == "vote"]
    assert cast == [True] * len(study)
    exports.export(db, made, "votes", table, "jsonl")
    exported = [json.loads(line) for line in table.getvalue().splitlines()]
    assert [row["simulated"] for row in exported] == [True] * len(study)
    again = [str(Choice(row["choice"])) for row in exported if row["source"] == "human"]
    assert sorted(again) == sorted(str(choice_of(at)) for at in study.outcome[study.source == 0])


def choice_of(outcome: int) -> Choice:
    return [Choice.A_BETTER, Choice.B_BETTER, Choice.TIE_GOOD, Choice.TIE_BAD, Choice.CANNOT_JUDGE][outcome]


def by_hand(study: Simulated) -> dict[str, tuple[int, int, int, int]]:
    """Each contender's votes, wins, ties and both-bad votes by raters, counted from the arrays."""
    found = {}
    for at, name in enumerate(study.truth.names):
        rows = (study.source == 0) & ((study.a == at) | (study.b == at))
        outcome = [OUTCOMES[o] if o < CANNOT_JUDGE else "" for o in study.outcome[rows]]
        side = np.where(study.a[rows] == at, "model_a", "model_b")
        wins = sum(o == s for o, s in zip(outcome, side, strict=True))
        found[name] = (len(outcome) - outcome.count(""), wins, outcome.count("tie"), outcome.count("both_bad"))
    return found


def test_a_study_that_is_there_is_left_as_it_is(db: Database) -> None:
    small = simulate(read_truth("", settings=["questions.number=2"]))
    make_study(db, "trial", small, now=NOW)
    before = studies.head(db, studies.get(db, "trial").id)
    with pytest.raises(Conflict, match="there is a study 'trial' already; choose another name"):
        make_study(db, "trial", small, now=NOW)
    assert studies.head(db, studies.get(db, "trial").id) == before


def test_the_document_holds_the_truth_and_what_was_drawn() -> None:
    study = eventful()
    made = document(study)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert (made["simulated"], made["seed"]) == (True, [3])
    assert made["votes"] == {"human": 120, "judge:j-1": 120}
    truth = made["truth"]
    assert isinstance(truth, dict)
    assert truth["judges"][0]["bias"] == study.truth.judges[0].bias
    raters = made["raters"]
    assert isinstance(raters, list)
    assert [each["rigger"] for each in raters] == [False, False, False, True]


def test_ratings_of_the_document_are_elo_points_around_1000() -> None:
    made = document(
        simulate(
            read_truth("[[contenders]]\nname='x'\nelo=1400\n[[contenders]]\nname='y'\nelo=1200\n[assignment]\npairs=1")
        )
    )
    assert made["ratings"] == [
        {"contender": "x", "rating": 1100.0, "estimand": {"human": 1100.0}},
        {"contender": "y", "rating": 900.0, "estimand": {"human": 900.0}},
    ]


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("[raters]\nsd = =\n", {}, "is not valid TOML: .*line 2"),
        ("[raters]\nsd = 'x'", {}, "raters.sd: must be a number from 0 to 20, not 'x'"),
        ("[[judges]]\nname = 'two words'", {}, "'judge:two words' is not a source of votes"),
        ("[[contenders]]\nname='x'", {"contenders": 3}, "contenders: are stated in the file; leave out --contenders"),
        ("", {"contenders": 10_001}, "contenders: there must be 2 to 1,000, not 1,001"),
        ("", {"contenders": 3}, "assignment.pairs: 3 contenders make 3 pairs"),
    ],
)
def test_refusals_name_what_to_change(text: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read_truth(text, **options)


def test_options_are_laid_over_the_file() -> None:
    truth = read_truth("[raters]\nsd = 0.5\nnumber = 3", contenders=5, settings=["raters.number=4"])
    assert (truth.raters.number, truth.raters.sd, truth.contenders) == (4, 0.5, spread(5))
    assert read_truth("") == Truth()

"""Studies in and out: imports, exports, ledgers moved to the other database, audits."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from arena.domain.blinding import Ballot
from arena.domain.ledger import Head, LedgerBroken
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role
from arena.errors import BadInput, BadRecords, Conflict
from arena.reports import tables
from arena.services import access, audit, exports, imports, leaderboard, restore, studies, voting
from arena.services.files import FileFormat, read_records
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.studies import NOW, cast_elsewhere, draft, later, opened, records, seated

FAST = BoardRequest(rounds=20)


def exported(db: Database, what: Any, file_format: FileFormat = "jsonl", name: str = "s") -> bytes:
    buffer = io.BytesIO()
    exports.export(db, studies.get(db, name), what, buffer, file_format)
    return buffer.getvalue()


def voted(db: Database, name: str = "s") -> None:
    """An open study with votes of every choice, a comment, imported votes and a matchup that is still open."""
    opened(db, name, questions=6)
    alice, bob = seated(db, "alice", name), seated(db, "bob", name)
    for n, choice in enumerate([*Choice, Choice.A_BETTER, Choice.B_BETTER]):
        matchup = voting.next_matchup(db, alice, now=later(n), rng=Random(n))
        assert matchup is not None
        reason = CannotJudgeReason.OTHER if choice is Choice.CANNOT_JUDGE else None
        ballot = Ballot(matchup.token, choice, reason, "=a remark\nwith “quotes”" if n == 2 else None)
        voting.cast_vote(db, alice, ballot, now=later(n))
    voting.next_matchup(db, bob, now=NOW)
    cast_elsewhere(
        db,
        name,
        [
            {
                "model_a": "alpha",
                "model_b": "beta",
                "winner": "model_a",
                "question_id": "q0",
                "rater": "carol",
                "arm": 2,
            },
            {"model_a": "beta", "model_b": "gamma", "winner": "tie (bothbad)", "question_id": "q1", "tstamp": 1.5e9},
            {"model_a": "gamma", "model_b": "alpha", "winner": "tie", "id": "own-1", "simulated": True},
        ],
    )
    cast_elsewhere(db, name, [{"model_a": "alpha", "model_b": "beta", "winner": "model_b"}], source="judge:gpt-x")


def test_a_ledger_moves_to_the_other_database_with_head_board_and_exports(make_db: MakeDatabase) -> None:
    for here, there in (("sqlite", "postgresql"), ("postgresql", "sqlite")):
        one, other = make_db(here), make_db(there)
        voted(one)
        ledger = exported(one, "ledger")
        study, is_new = restore.restore(other, io.BytesIO(ledger), "k.jsonl", now=later(60))
        assert is_new
        origin = studies.overview(one, studies.get(one, "s"))
        copy = studies.overview(other, study)
        assert copy.head == origin.head
        assert copy.sources == origin.sources
        assert (copy.pairings, copy.filled) == (origin.pairings, origin.filled)
        for what in ("ledger", "votes", "questions", "answers"):
            assert exported(other, what) == exported(one, what)
        boards = [tables.board_json(leaderboard.board(db, studies.get(db, "s"), FAST)).encode() for db in (one, other)]
        assert boards[0] == boards[1]
        from_file, _ = leaderboard.of_ledger(io.BytesIO(ledger), "k.jsonl", FAST)
        assert tables.board_json(from_file).encode() == boards[0]
        for db in (one, other):
            assert audit.audit_study(db, studies.get(db, "s").id, head=origin.head).head == origin.head
            audit.audit_instance(db)
        assert restore.restore(other, io.BytesIO(ledger), "k.jsonl", now=NOW) == (study, False)


def test_a_restored_study_goes_on(db: Database, make_db: MakeDatabase) -> None:
    source = make_db("sqlite")
    voted(source)
    restore.restore(db, io.BytesIO(exported(source, "ledger")), "k", now=NOW)
    dora = seated(db, "dora")
    matchup = voting.next_matchup(db, dora, now=NOW)
    assert matchup is not None
    voting.cast_vote(db, dora, Ballot(matchup.token, Choice.TIE_GOOD), now=NOW)
    audit.audit_study(db, studies.get(db, "s").id)


def test_another_state_of_a_study_is_not_restored_over_it(db: Database) -> None:
    voted(db)
    earlier = exported(db, "ledger")
    studies.close(db, "s", now=NOW)
    with pytest.raises(Conflict, match="its ledger differs"):
        restore.restore(db, io.BytesIO(earlier), "k", now=NOW)


def test_a_byte_changed_anywhere_in_a_ledger_file_is_named_with_its_entry(make_db: MakeDatabase) -> None:
    """300 single bytes, each replaced by another: every one is found, at its line."""
    db = make_db("sqlite")
    voted(db)
    ledger = exported(db, "ledger")
    assert audit.audit_file(io.BytesIO(ledger), "k").name == "s"
    rng = Random(1)
    for _ in range(300):
        at = rng.randrange(len(ledger))
        changed = ledger[:at] + bytes([(ledger[at] + rng.randrange(1, 256)) % 256]) + ledger[at + 1 :]
        line = ledger[:at].count(b"\n")
        with pytest.raises((LedgerBroken, BadInput)) as caught:
            audit.audit_file(io.BytesIO(changed), "k")
        if isinstance(caught.value, LedgerBroken):
            assert caught.value.position in (line, line + 1)
        else:
            assert line == 0


@pytest.mark.parametrize("position", ['"5"', "[5]", "5.0", "true", "null"])
def test_a_first_line_with_another_type_is_not_as_it_was_written(make_db: MakeDatabase, position: str) -> None:
    db = make_db("sqlite")
    draft(db)
    ledger = exported(db, "ledger").decode()
    at = studies.overview(db, studies.get(db, "s")).head.position
    changed = ledger.replace(f'"position":{at}', f'"position":{position}', 1)
    assert changed != ledger
    with pytest.raises(LedgerBroken, match="first line"):
        audit.audit_file(io.BytesIO(changed.encode()), "k")


def test_a_ledger_file_cut_short_or_reordered_is_found(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    voted(db)
    lines = exported(db, "ledger").splitlines(keepends=True)
    for damaged, position in (
        (lines[:-1], len(lines) - 1),
        (lines[:5] + lines[6:], 5),
        ([*lines[:5], lines[6], lines[5], *lines[7:]], 5),
        ([*lines, lines[-1]], len(lines)),
        ([*lines[:-1], lines[-1][:-9]], len(lines) - 1),
    ):
        with pytest.raises(LedgerBroken) as caught:
            audit.audit_file(io.BytesIO(b"".join(damaged)), "k")
        assert caught.value.position == position


def test_a_ledger_rewritten_as_a_whole_shows_only_against_a_head_kept_elsewhere(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    voted(db)
    kept = studies.overview(db, studies.get(db, "s")).head
    shorter = make_db("sqlite")
    opened(shorter)
    ledger = exported(shorter, "ledger")
    audit.audit_file(io.BytesIO(ledger), "k")
    for head in (kept, Head(0, kept.hash), Head(3, kept.hash)):
        with pytest.raises(LedgerBroken, match="the head given"):
            audit.audit_file(io.BytesIO(ledger), "k", head=head)


def test_an_earlier_head_is_on_the_chain(db: Database) -> None:
    opened(db)
    early = studies.overview(db, studies.get(db, "s")).head
    alice = seated(db)
    matchup = voting.next_matchup(db, alice, now=NOW)
    assert matchup is not None
    voting.cast_vote(db, alice, Ballot(matchup.token, Choice.A_BETTER), now=NOW)
    audit.audit_study(db, studies.get(db, "s").id, head=early)
    audit.audit_study(db, studies.get(db, "s").id, head=Head(0, early.hash))


def test_an_export_without_its_parts_still_verifies_and_rates_but_is_not_restored(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    voted(db)
    full = exported(db, "ledger")
    lines = [json.loads(line) for line in full.splitlines()]
    bare = "".join(
        json.dumps(
            {k: v for k, v in line.items() if k != "parts"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        + "\n"
        for line in lines
    ).encode()
    assert b"text 1 on" not in bare
    assert audit.audit_file(io.BytesIO(bare), "k").head == audit.audit_file(io.BytesIO(full), "k").head
    boards = [tables.board_json(leaderboard.of_ledger(io.BytesIO(x), "k", FAST)[0]) for x in (full, bare)]
    assert boards[0] == boards[1]
    with pytest.raises(LedgerBroken, match="left out of this file"):
        restore.restore(make_db("sqlite"), io.BytesIO(bare), "k", now=NOW)


TAMPERING = {
    "a vote's choice": ("UPDATE vote SET choice = 'b_much_better' WHERE choice = 'a_better'", "vote"),
    "a vote's rater": ("UPDATE vote SET rater_id = NULL WHERE choice = 'tie_good'", "vote"),
    "a vote removed": ("DELETE FROM vote WHERE choice = 'tie_bad'", "vote"),
    "an answer's text": ("UPDATE answer SET text = text || '.' WHERE id = (SELECT min(id) FROM answer)", "answer"),
    "a question's text": ("UPDATE question SET text = 'x' WHERE key = 'q3'", "question"),
    "a question's category": ("UPDATE question SET category = 'x' WHERE key = 'q3'", "question"),
    "a contender's name": ("UPDATE contender SET name = 'delta' WHERE name = 'beta'", "contender"),
    "a matchup's sides": ("UPDATE matchup SET answer_a_id = answer_b_id, answer_b_id = answer_a_id", "matchup"),
    "a comment": ("UPDATE sealed_text SET text = 'kind words' WHERE name = 'comment'", "comment"),
    "an entry's body": ("UPDATE ledger_entry SET body = replace(body, 'a_better', 'b_better')", "hash"),
    "an entry removed": ("DELETE FROM ledger_entry WHERE seq = 7", "number 8"),
    "the last entry removed": (
        "DELETE FROM ledger_entry WHERE chain_id = 2 AND seq = (SELECT max(seq) FROM ledger_entry WHERE chain_id = 2)",
        "missing",
    ),
    "the state": ("UPDATE study SET state = 'published'", "published"),
    "the title": ("UPDATE study SET title = 'x'", "title"),
    "a pairing removed": ("DELETE FROM pairing WHERE id NOT IN (SELECT pairing_id FROM matchup)", "pairings"),
    "a vote made up": (
        "INSERT INTO vote (study_id, seq, key, contender_a_id, contender_b_id, source, choice, simulated) "
        "SELECT study_id, 999, 'id:made-up', contender_a_id, contender_b_id, source, choice, simulated FROM vote "
        "WHERE choice = 'tie_good' AND matchup_id IS NOT NULL",
        "does not record",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_a_row_that_was_changed_behind_the_ledger_is_found(db: Database, what: str) -> None:
    voted(db)
    audit.audit_study(db, studies.get(db, "s").id)
    statement, words = TAMPERING[what]
    with db.write() as tx:
        _lower_the_guard(db, tx)
        assert tx.execute(text(statement)).rowcount > 0
    with pytest.raises(LedgerBroken, match=words):
        audit.audit_study(db, studies.get(db, "s").id)


def test_a_seat_that_nobody_granted_is_found(db: Database) -> None:
    opened(db)
    access.invite(db, "s", role=Role.ANALYST, name="ann", days=1, now=NOW)
    audit.audit_instance(db)
    with db.write() as tx:
        tx.execute(text("UPDATE seat SET role = 'admin'"))
    with pytest.raises(LedgerBroken, match="'role'"):
        audit.audit_instance(db)


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_exports_read_back_as_what_the_study_has_already(db: Database, file_format: FileFormat) -> None:
    draft(db)
    cast_elsewhere(
        db,
        "s",
        [
            {"model_a": "alpha", "model_b": "beta", "winner": "model_a", "question_id": "q0", "judge": "carol", "x": 1},
            {"model_a": "beta", "model_b": "gamma", "winner": "both_bad", "tstamp": 1.5e9, "comment": "=1+1"},
            {"model_a": "gamma", "model_b": "alpha", "winner": "tie", "id": "own-1", "simulated": True},
        ],
    )
    for what, bring in (
        ("questions", imports.import_questions),
        ("answers", imports.import_answers),
    ):
        data = exported(db, what, file_format)
        again = read_records(io.BytesIO(data), name=what, file_format=file_format)
        done = bring(db, "s", again, now=NOW)
        assert (done.new, done.known) == (0, {"questions": 4, "answers": 12}[what])
    again = read_records(io.BytesIO(exported(db, "votes", file_format)), name="votes", file_format=file_format)
    done = imports.import_votes(db, "s", again, source="human", now=NOW)
    assert (done.new, done.known) == (0, 3)


def test_votes_cast_here_come_back_from_the_export_as_known(db: Database) -> None:
    voted(db)
    rows = [json.loads(line) for line in exported(db, "votes").splitlines()]
    human = [row for row in rows if row["source"] == "human"]
    done = imports.import_votes(db, "s", records(human), source="human", now=NOW)
    assert (done.new, done.known) == (0, 12)


def test_the_votes_export_says_what_was_voted(db: Database) -> None:
    voted(db)
    rows = [json.loads(line) for line in exported(db, "votes").splitlines()]
    assert [row["choice"] for row in rows[:7]] == list(Choice)
    winners = ["model_a", "model_a", "tie", "both_bad", "model_b", "model_b", None]
    assert [row["winner"] for row in rows[:7]] == winners
    assert rows[2]["comment"] == "=a remark\nwith “quotes”"
    assert rows[6]["reason"] == "other"
    assert rows[9] | {"id": "", "ledger_position": 0} == {
        "id": "",
        "question_id": "q0",
        "model_a": "alpha",
        "model_b": "beta",
        "winner": "model_a",
        "judge": "carol",
        "tstamp": None,
        "choice": "a_better",
        "reason": None,
        "comment": None,
        "source": "human",
        "simulated": False,
        "ledger_position": 0,
        "arm": 2,
    }
    assert b"'=a remark" in exported(db, "votes", "csv")


def test_equal_rows_are_distinct_votes_and_the_same_file_changes_nothing(db: Database) -> None:
    draft(db)
    rows = [{"model_a": "alpha", "model_b": "beta", "winner": "model_a"}] * 3
    assert cast_elsewhere(db, "s", rows).new == 3
    before = studies.overview(db, studies.get(db, "s"))
    again = cast_elsewhere(db, "s", rows)
    assert (again.new, again.known) == (0, 3)
    assert studies.overview(db, studies.get(db, "s")) == before


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"model_a": "alpha", "model_b": "delta", "winner": "tie"}, "no contender 'delta'"),
        ({"model_a": "alpha", "model_b": "beta", "winner": "tie", "question_id": "q9"}, "no question 'q9'"),
        ({"model_a": "alpha", "model_b": "beta", "winner": "a"}, "winner"),
    ],
)
def test_a_vote_on_what_the_study_has_not_is_refused_with_all_others(
    db: Database, row: dict[str, object], words: str
) -> None:
    draft(db)
    good = {"model_a": "alpha", "model_b": "beta", "winner": "tie"}
    before = studies.overview(db, studies.get(db, "s"))
    with pytest.raises(BadRecords, match=f"line 2.*{words}"):
        cast_elsewhere(db, "s", [good, row, good])
    assert studies.overview(db, studies.get(db, "s")) == before


def test_a_contender_without_an_answer_to_the_question_has_no_votes_on_it(db: Database) -> None:
    draft(db)
    extra = [{"id": "lonely", "text": "?"}]
    imports.import_questions(db, "s", records(extra), now=NOW)
    row = {"model_a": "alpha", "model_b": "beta", "winner": "tie", "question_id": "lonely"}
    with pytest.raises(BadRecords, match="'alpha' has no answer to the question 'lonely'"):
        cast_elsewhere(db, "s", [row])


def test_the_same_id_with_other_content_is_named(db: Database) -> None:
    draft(db)
    with pytest.raises(BadRecords, match="line 1, id: the study has another question 'q0'"):
        imports.import_questions(db, "s", records([{"id": "q0", "text": "other"}]), now=NOW)
    answer = {"question_id": "q0", "contender": "alpha", "text": "other"}
    with pytest.raises(BadRecords, match="line 1, text: the study has another answer of 'alpha'"):
        imports.import_answers(db, "s", records([answer]), now=NOW)
    vote = {"model_a": "alpha", "model_b": "beta", "winner": "tie", "id": "v"}
    cast_elsewhere(db, "s", [vote])
    with pytest.raises(BadRecords, match="line 1, id: the study has another vote with this id"):
        cast_elsewhere(db, "s", [vote | {"winner": "model_a"}])


def test_exports_to_a_file_are_whole_or_absent(db: Database, tmp_path: Path) -> None:
    voted(db)
    study = studies.get(db, "s")
    target = tmp_path / "votes.csv"
    exports.export(db, study, "votes", target, "csv")
    assert target.read_bytes() == exported(db, "votes", "csv")
    with pytest.raises(BadInput, match="cannot be written"):
        exports.export(db, study, "ledger", tmp_path / "nowhere" / "k.jsonl", "jsonl")


def _lower_the_guard(db: Database, tx: Any) -> None:
    """What an attacker with the database's password would do first."""
    if db.kind == "postgresql":
        tx.execute(text("SET session_replication_role = replica"))
        return
    for name in tx.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        tx.execute(text(f"DROP TRIGGER {name}"))

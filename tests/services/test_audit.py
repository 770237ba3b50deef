"""Every cell that the ledger governs is changed once, and every time the audit says so."""

from __future__ import annotations

import io
import shutil
import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from arena.domain.ledger import Draft, Head, Kind, LedgerBroken, link
from arena.domain.vocabulary import Role
from arena.errors import ArenaError
from arena.services import access, audit, leaderboard, restore, studies
from arena.services.leaderboard import BoardRequest
from arena.services.ledgerfile import Header, entry_line, write_lines
from arena.store import packed, packing, tables
from arena.store.engine import Database, open_database
from tests.conftest import MakeDatabase
from tests.services.eventful import eventful
from tests.services.test_exchange import voted
from tests.studies import NOW, opened

UNGOVERNED = {
    "identity": "names of persons are kept apart, to be deleted",
    "invitation": "links come and go; who was invited and who came in is in the ledger",
    "browser_session": "sessions come and go",
    "rate_bucket": "operational",
    "study.created_at": "the first entry has the moment",
    "rater.origin": "where a rater came from",
    "seat.id": "numbers of rows that nothing governed hangs on",
    "seat.created_at": "the seat's entry has the moment",
    "seat.consented_at": "the consent's entry has the moment",
    "seat.revoked_at": "the revocation's entry has the moment",
    "api_token.id": "a number of a row",
    "api_token.label": "a note to oneself",
    "api_token.revoked_at": "the revocation's entry has the moment",
    "chain.id": "a number of a row",
    "chain.name": "keeps the instance to one chain",
    "sealed_text.chain_id": "a text that is not there counts as missing, as one that was erased",
    "rater.study_id": "votes lead to a rater by number",
    "claim.place": "which of a pairing's places; the key keeps them apart",
    "claim.expires_at": "operational",
    "claim.contender_low_id": "the pairing's, held to it by a foreign key",
    "claim.contender_high_id": "the pairing's, held to it by a foreign key",
    "vote_change.id": "a number of a row",
    "packed_votes.study_id": "a copy may be missing; another study's audit finds it there (tests/store/test_packed.py)",
}
CELLS = [
    (table.name, column.name)
    for table in tables.Study.metadata.sorted_tables
    for column in table.columns
    if table.name not in UNGOVERNED and f"{table.name}.{column.name}" not in UNGOVERNED
]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A database with something in every table."""
    path = tmp_path_factory.mktemp("honest") / "arena.db"
    shutil.copy(sqlite_template, path)
    db = open_database(f"sqlite:///{path}")
    eventful(db)
    for role in (Role.ANALYST, Role.ADMIN):
        access.invite(db, "s", role=role, name=f"an {role}", days=1, now=NOW)
    one, _ = (access.create_token(db, role=Role.ADMIN, study_name="s", label="x", days=1, now=NOW) for _ in "ab")
    access.revoke_token(db, one.pseudonym, now=NOW)
    revoked = access.invite(db, "s", role=Role.ANALYST, name="gone", days=1, now=NOW)
    access.revoke_seat(db, "s", revoked.pseudonym, now=NOW)
    _pack(db)
    audit_all(db)
    db.close()
    return path


def _pack(db: Database) -> None:
    """Keep packed copies of the votes, of two each."""
    with pytest.MonkeyPatch.context() as patch, db.write() as tx:
        patch.setattr(packing, "SIZE", 2)
        packing.pack(tx, studies.get(db, "s").id, "human")
        assert len(packed.copies(tx, studies.get(db, "s").id, "human")) > 2


def audit_all(db: Database) -> None:
    audit.audit_instance(db)
    for study in studies.listed(db):
        audit.audit_study(db, study.id)


def test_the_list_of_what_is_not_governed_is_of_what_there_is() -> None:
    names = {table.name for table in tables.Study.metadata.sorted_tables}
    names |= {f"{t.name}.{c.name}" for t in tables.Study.metadata.sorted_tables for c in t.columns}
    assert names >= UNGOVERNED.keys()


@pytest.mark.parametrize(("table", "column"), CELLS)
def test_a_changed_cell_is_found(honest: Path, tmp_path: Path, table: str, column: str) -> None:
    path = tmp_path / "arena.db"
    shutil.copy(honest, path)
    raw = sqlite3.connect(path)
    _lower_the_guard(raw)
    # The newest row; of the claims the oldest, because an open one is operational.
    newest = "ASC" if table == "claim" else "DESC"
    [(rowid, value)] = raw.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid {newest} LIMIT 1").fetchall()
    others = [row[0] for row in raw.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT ?", (value,))]
    raw.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = ?", (_another(value, others), rowid))
    raw.commit()
    raw.close()
    db = open_database(f"sqlite:///{path}")
    with pytest.raises((ArenaError, ValueError)):
        audit_all(db)
    db.close()


@pytest.mark.parametrize(
    "table",
    ["question", "contender", "answer", "seat", "api_token", "matchup", "vote", "claim", "vote_change", "withdrawal"],
)
def test_a_row_more_and_a_row_less_are_found(honest: Path, tmp_path: Path, table: str) -> None:
    for statement in (
        f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})",
        f"DELETE FROM {table}",
    ):
        path = tmp_path / "arena.db"
        shutil.copy(honest, path)
        raw = sqlite3.connect(path)
        _lower_the_guard(raw)
        assert raw.execute(statement).rowcount > 0
        raw.commit()
        raw.close()
        db = open_database(f"sqlite:///{path}")
        with pytest.raises(LedgerBroken):
            audit_all(db)
        db.close()


def test_a_row_that_borrows_the_entry_of_another_is_found(honest: Path, tmp_path: Path) -> None:
    """The unique keys refuse it; an attacker who took them away is found all the same."""
    path = tmp_path / "arena.db"
    shutil.copy(honest, path)
    raw = sqlite3.connect(path)
    raw.executescript(
        "PRAGMA foreign_keys = OFF; CREATE TABLE bare AS SELECT * FROM contender; DROP TABLE contender;"
        "ALTER TABLE bare RENAME TO contender;"
        "INSERT INTO contender SELECT 99, study_id, 'ghost', origin, settings, seq FROM contender LIMIT 1;"
    )
    raw.commit()
    raw.close()
    db = open_database(f"sqlite:///{path}")
    with pytest.raises(LedgerBroken, match="both a contender and a contender"):
        audit_all(db)
    db.close()


def test_a_row_that_changes_a_vote_under_the_number_of_another_study_is_found(db: Database) -> None:
    """No trigger and no key refuses it: the row is new, and both numbers are genuine."""
    eventful(db)
    voted(db, "t")
    audit_all(db)
    here, there = (studies.get(db, name).id for name in "st")
    with db.write() as tx:
        of_study = "FROM vote_change c JOIN vote v ON v.id = c.vote_id WHERE c.study_id = :here AND v.seq IN"
        shared = "(SELECT seq FROM vote WHERE study_id = :there)"
        query = text(f"SELECT c.seq, v.seq AS vote {of_study} {shared} ORDER BY c.seq LIMIT 1")
        row = tx.execute(query, {"here": here, "there": there}).one()
        forged = text(
            "INSERT INTO vote_change (id, study_id, seq, vote_id, kind, choice) "
            "SELECT -1, :here, :seq, id, 'corrected', 'b_much_better' FROM vote WHERE study_id = :there AND seq = :vote"
        )
        tx.execute(forged, {"here": here, "there": there, "seq": row.seq, "vote": row.vote})
    with pytest.raises(LedgerBroken, match="of another study") as found:
        audit_all(db)
    assert found.value.position == row.seq


def _another(value: Any, others: list[Any]) -> Any:
    if others and not isinstance(value, str):
        return next((other for other in others if other is not None), None)
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return 1 if value is None else value + 1


def _lower_the_guard(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA foreign_keys = OFF")
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")


def forged(db: Database, *drafts: Draft) -> bytes:
    """The ledger of a small study with further entries, hashed as an honest one."""
    from arena.store import ledger

    study = opened(db, questions=1)
    with db.read() as tx:
        chain = ledger.chain_of(tx, study.id)
        linked = [*ledger.entries(tx, study.id), *link(chain.uid, chain.head, drafts, NOW)]
    target = io.BytesIO()
    header = Header(chain.uid, "s", Head(linked[-1].seq, linked[-1].hash))
    write_lines(header, (entry_line(entry, {}) for entry in linked), target)
    return target.getvalue()


def _vote(**changes: object) -> Draft:
    payload: dict[str, Any] = {
        "vote": "id:1",
        "matchup": None,
        "question": None,
        "model_a": "alpha",
        "model_b": "beta",
        "answer_a": None,
        "answer_b": None,
        "choice": "a_better",
        "reason": None,
        "source": "human",
        "rater": None,
        "simulated": False,
        "voted_at": None,
        "nonce": "00",
        "sealed": {},
    }
    return Draft(Kind.VOTE, payload | changes)


def _correction(**changes: object) -> Draft:
    payload: dict[str, Any] = {"vote": 13, "choice": "b_better", "reason": None, "nonce": "00", "sealed": {}}
    return Draft(Kind.CORRECTION, payload | changes)


def _exclusion(*, kind: Kind = Kind.EXCLUSION, **changes: object) -> Draft:
    payload: dict[str, Any] = {"votes": [13], "reason": "x"}
    return Draft(kind, payload | changes)


def _withdrawal(votes: str = "keep_votes") -> Draft:
    return Draft(Kind.WITHDRAWAL, {"rater": "ann", "votes": votes})


def _erased() -> Draft:
    return Draft(Kind.ERASED, {"entry": 13, "text": "comment"})


FORGERIES: dict[str, tuple[list[Draft], str]] = {
    "the same vote twice": ([_vote(), _vote()], "a vote with its id already"),
    "a vote of a contender on itself": ([_vote(model_b="alpha")], "with itself"),
    "a vote on an unknown question": ([_vote(question="nope")], "no such answer"),
    "a vote with an answer of another": ([_vote(question="q0", answer_a="0", answer_b="1")], "no such answer"),
    "a vote for an unknown contender": ([_vote(model_a="delta")], "no contender 'delta'"),
    "a vote on no matchup": ([_vote(matchup=2)], "no matchup before it"),
    "a matchup that is no number": ([_vote(matchup="x")], "payload is not one of a 'vote'"),
    "a simulated that is a number": ([_vote(simulated=1)], "payload is not one of a 'vote'"),
    "an unknown choice": ([_vote(choice="best")], "payload is not one of a 'vote'"),
    "a second beginning": ([Draft(Kind.STUDY, {"study": "t", "title": "T"})], "has one of them"),
    "a state out of order": ([Draft(Kind.STATE, {"from": "open", "to": "published"})], "cannot go"),
    "a state from another": ([Draft(Kind.STATE, {"from": "draft", "to": "open"})], "the study was 'open'"),
    "content after opening": ([Draft(Kind.QUESTION, {"question": "q9", "category": None, "digest": ""})], "draft only"),
    "a plan of another digest": ([Draft(Kind.PLAN, {"plan": {}, "digest": "", "reason": "x"})], "does not match"),
    "a kind from the future": ([Draft(cast(Kind, "promotion"), {"vote": "id:1"})], "not known to this version"),
    "a correction of an imported vote": ([_vote(), _correction()], "only the rater of a vote"),
    "a correction of no vote": ([_correction(vote=2)], "entry 2 is no vote"),
    "an exclusion of no vote": ([_exclusion(votes=[2])], "entry 2 is no vote"),
    "an exclusion of nothing": ([_exclusion(votes=[])], "names no vote"),
    "an exclusion twice": ([_vote(), _exclusion(), _exclusion()], "excluded already"),
    "an exclusion twice in one": ([_vote(), _exclusion(votes=[13, 13])], "excluded already"),
    "an exclusion without a reason": ([_vote(), _exclusion(reason=None)], "payload is not one of a 'exclusion'"),
    "an exclusion for nothing": ([_vote(), _exclusion(reason=" ")], "give a reason"),
    "an exclusion that steers a terminal": ([_vote(), _exclusion(reason="\x1b[2J")], "give a reason"),
    "a readmission of what counts": ([_vote(), _exclusion(kind=Kind.READMISSION)], "not excluded"),
    "a withdrawal twice": ([_withdrawal(), _withdrawal()], "has withdrawn before"),
    "a withdrawal against the plan": ([_withdrawal(votes="withdraw_votes")], "another rule"),
    "a vote after its rater left": ([_withdrawal(), _vote(rater="ann")], "has withdrawn before"),
    "an erasure of no text": ([_vote(), _erased()], "no sealed 'comment'"),
    "an erasure twice": ([_vote(sealed={"comment": "0"}), _erased(), _erased()], "was erased before"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_well_hashed_ledger_that_contradicts_itself_is_refused_everywhere(make_db: MakeDatabase, what: str) -> None:
    drafts, words = FORGERIES[what]
    file = forged(make_db("sqlite"), *drafts)
    with pytest.raises(LedgerBroken, match=words):
        audit.audit_file(io.BytesIO(file), "k")
    with pytest.raises(LedgerBroken, match=words):
        leaderboard.of_ledger(io.BytesIO(file), "k", BoardRequest(rounds=5))
    other = make_db("sqlite")
    with pytest.raises(LedgerBroken):
        restore.restore(other, io.BytesIO(file), "k", now=NOW)
    assert studies.listed(other) == []


def test_an_honest_vote_in_the_same_place_is_taken(make_db: MakeDatabase) -> None:
    """The control of the forgeries."""
    honest = [
        _vote(rater="ann", sealed={"comment": "0"}),
        _exclusion(),
        _exclusion(kind=Kind.READMISSION),
        _withdrawal(),
        _erased(),
    ]
    assert audit.audit_file(io.BytesIO(forged(make_db("sqlite"), *honest)), "k").texts_erased == 1

"""Withdrawals and erasures: what is erased is nowhere any more, and the audit calls it erased, not broken."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from arena.domain.blinding import Ballot
from arena.domain.ledger import LedgerBroken
from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.vocabulary import Choice, Role
from arena.errors import BadRecords, Conflict, NotAllowed, NotFound
from arena.services import access, audit, erasure, leaderboard, record, restore, studies, voting
from arena.services.leaderboard import BoardRequest
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.services.eventful import cast, eventful
from tests.services.test_exchange import exported
from tests.studies import NOW, cast_elsewhere, later, opened, seated

NAME, COMMENT, KEPT = "Dr Zebulon Quixworthy", "xylophone-zeppelin-comment", "yonder-kept-comment"


def files_of(db: Database) -> Iterator[Path]:
    """Every file of the database: of PostgreSQL the whole data directory with its log."""
    if db.kind == "sqlite":
        path = Path(db.engine.url.database or "")
        yield from path.parent.glob(f"{path.name}*")
        return
    with db.read() as tx:
        directory = Path(str(tx.execute(text("SHOW data_directory")).scalar_one()))
    yield from (path for path in directory.rglob("*") if path.is_file())


def holding(db: Database, words: str) -> list[str]:
    """The names of the files in which the words stand."""
    found = []
    for path in files_of(db):
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            continue
        if words.encode() in body:
            found.append(path.name)
    return found


@pytest.fixture
def forgetful(db: Database) -> Iterator[Database]:
    """A PostgreSQL is told, as docs/operations.md asks for, not to keep old write-ahead log files for later use."""
    if db.kind == "postgresql":
        with db.outside() as connection:
            connection.execute(text("ALTER SYSTEM SET wal_recycle = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
    yield db
    if db.kind == "postgresql":
        with db.outside() as connection:
            connection.execute(text("ALTER SYSTEM RESET wal_recycle"))
            connection.execute(text("SELECT pg_reload_conf()"))


def test_nothing_of_a_rater_who_left_is_in_any_file(forgetful: Database) -> None:
    db = forgetful
    study = opened(db, plan=Plan(withdrawal=WithdrawalRule.WITHDRAW_VOTES))
    leaving, staying = seated(db, NAME), seated(db, "Dr Stays")
    token = cast(db, leaving, comment=COMMENT)
    record.correct(db, leaving, Ballot(token, Choice.TIE_GOOD, None, f"{COMMENT} again"), now=later(1))
    cast(db, staying, comment=KEPT)
    assert [bool(holding(db, words)) for words in (NAME, COMMENT, KEPT)] == [True] * 3

    done = erasure.withdraw(db, "s", leaving.pseudonym, now=later(2))
    assert (done.votes, done.votes_withdrawn, done.texts, done.name) == (1, 1, 2, True)
    assert erasure.scrub(db) == []
    for words in (NAME, COMMENT):
        assert holding(db, words) == []
        for what in ("votes", "ledger"):
            assert words.encode() not in exported(db, what)
    assert holding(db, KEPT)
    passed = audit.audit_study(db, study.id)
    assert (passed.texts_erased, passed.texts_missing) == (2, 0)
    audit.audit_instance(db)


def test_without_the_overwriting_the_words_are_still_found(db: Database) -> None:
    """The search finds what is there: a deletion alone leaves the text in the write-ahead log."""
    opened(db)
    rater = seated(db, NAME)
    cast(db, rater, comment=COMMENT)
    erasure.withdraw(db, "s", rater.pseudonym, now=later(2))
    assert holding(db, COMMENT)
    assert holding(db, NAME)


def test_postgresql_says_where_remains_may_be(make_db: MakeDatabase) -> None:
    assert any("wal_recycle" in where for where in erasure.scrub(make_db("postgresql")))


@pytest.mark.parametrize("rule", list(WithdrawalRule))
def test_the_plan_says_what_becomes_of_the_votes(db: Database, rule: WithdrawalRule) -> None:
    study = opened(db, plan=Plan(withdrawal=rule))
    leaving, staying = seated(db, "ann"), seated(db, "bob")
    for seat in (leaving, leaving, staying):
        cast(db, seat)
    left = studies.overview(db, study).filled
    erasure.withdraw(db, "s", leaving.pseudonym, now=later(1))
    board = leaderboard.board(db, study, BoardRequest(rounds=20))
    goes = rule is WithdrawalRule.WITHDRAW_VOTES
    assert board.votes == (1 if goes else 3)
    assert ("2 votes were withdrawn by raters." in board.warnings) == goes
    # Their places are free for others.
    assert studies.overview(db, study).filled == left - (2 if goes else 0)
    audit.audit_study(db, study.id)
    of_file, _ = leaderboard.of_ledger(io.BytesIO(exported(db, "ledger")), "file", BoardRequest(rounds=20))
    assert of_file.to_dict() == board.to_dict()


def test_who_has_left_is_out(db: Database) -> None:
    study = opened(db)
    rater = seated(db, "ann")
    unused = access.renew(db, "s", role=Role.RATER, name="ann", days=1, now=NOW)
    session, _ = access.redeem(db, unused.secret, now=NOW, hours=1)
    spare = access.renew(db, "s", role=Role.RATER, name="ann", days=1, now=NOW)
    matchup = voting.next_matchup(db, rater, now=NOW)
    assert matchup is not None
    erasure.withdraw(db, "s", rater.pseudonym, now=NOW)
    assert access.seat_of(db, session, now=NOW) is None
    with pytest.raises(NotFound):
        access.redeem(db, spare.secret, now=NOW, hours=1)
    for act in (
        lambda: voting.next_matchup(db, rater, now=NOW),
        lambda: voting.cast_vote(db, rater, Ballot(matchup.token, Choice.A_BETTER), now=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(Conflict, match="already"):
        erasure.withdraw(db, "s", rater.pseudonym, now=NOW)
    [row] = access.seats(db, "s")
    assert (row.name, row.is_revoked) == (None, True)
    with pytest.raises(BadRecords, match="withdrawn"):
        cast_elsewhere(db, "s", [{"model_a": "alpha", "model_b": "beta", "winner": "tie", "rater": rater.pseudonym}])
    assert studies.overview(db, study).votes == 0


def test_one_comment_is_erased_once(db: Database) -> None:
    study, rater = opened(db), seated(db)
    cast(db, rater, comment=COMMENT)
    [vote] = record.own_votes(db, rater)
    erasure.erase_text(db, "s", vote.receipt.position, "comment", now=later(1))
    assert COMMENT.encode() not in exported(db, "votes") + exported(db, "ledger")
    assert record.own_votes(db, rater) == [vote]
    with pytest.raises(NotFound):
        erasure.erase_text(db, "s", vote.receipt.position, "comment", now=later(1))
    passed = audit.audit_study(db, study.id)
    assert (passed.texts_erased, passed.texts_missing) == (1, 0)


def test_an_erased_text_that_is_still_there_is_found(db: Database) -> None:
    """In a database as in a file: somebody who kept it and put it back."""
    study, rater = opened(db), seated(db)
    cast(db, rater, comment=COMMENT)
    with_text = exported(db, "ledger")
    with db.read() as tx:
        [row] = tx.execute(text("SELECT chain_id, seq, name, text, salt FROM sealed_text")).mappings().all()
    erasure.erase_text(db, "s", row["seq"], "comment", now=later(1))
    with db.write() as tx:
        tx.execute(text("INSERT INTO sealed_text VALUES (:chain_id, :seq, :name, :text, :salt)"), dict(row))
    with pytest.raises(LedgerBroken, match="erased by a later entry") as found:
        audit.audit_study(db, study.id)
    assert found.value.position == row["seq"]
    again = exported(db, "ledger")
    assert with_text.splitlines()[-1] in again.splitlines()
    for check in (lambda f: audit.audit_file(f, "file"), lambda f: restore.restore(db, f, "file", now=NOW)):
        with pytest.raises(LedgerBroken, match="erased by a later entry"):
            check(io.BytesIO(again))


def test_an_eventful_study_moves_to_the_other_database(make_db: MakeDatabase) -> None:
    for here, there in (("sqlite", "postgresql"), ("postgresql", "sqlite")):
        one, other = make_db(here), make_db(there)
        eventful(one)
        ledger = exported(one, "ledger")
        restore.restore(other, io.BytesIO(ledger), "k.jsonl", now=later(60))
        for what in ("ledger", "votes", "answers", "questions"):
            assert exported(other, what) == exported(one, what)
        boards = [leaderboard.board(db, studies.get(db, "s"), BoardRequest(rounds=20)).to_dict() for db in (one, other)]
        assert boards[0] == boards[1]
        passed = [audit.audit_study(db, studies.get(db, "s").id) for db in (one, other)]
        assert passed[0] == passed[1]
        assert passed[0].texts_erased == 4


@pytest.mark.parametrize("named_by", ["the vote", "its correction"])
def test_a_comment_is_erased_wherever_the_rater_repeated_it(db: Database, named_by: str) -> None:
    """The form of a correction begins with the comment of the vote, so that each correction holds it again."""
    study, rater = opened(db), seated(db)
    token = cast(db, rater, comment=COMMENT)
    for minute, choice in enumerate((Choice.TIE_GOOD, Choice.TIE_BAD)):
        record.correct(db, rater, Ballot(token, choice, None, COMMENT), now=later(minute))
    [vote] = record.own_votes(db, rater)
    assert vote.corrected is not None
    seq = vote.receipt.position if named_by == "the vote" else vote.corrected.position
    erasure.erase_text(db, "s", seq, "comment", now=later(3))
    assert COMMENT.encode() not in exported(db, "votes") + exported(db, "ledger")
    assert audit.audit_study(db, study.id).texts_erased == 3
    with pytest.raises(NotFound):
        erasure.erase_text(db, "s", seq, "comment", now=later(3))


def test_a_comment_that_only_a_correction_has_is_erased_by_its_vote(db: Database) -> None:
    opened(db)
    rater = seated(db)
    token = cast(db, rater)
    record.correct(db, rater, Ballot(token, Choice.TIE_GOOD, None, COMMENT), now=later(1))
    erasure.erase_text(db, "s", record.own_votes(db, rater)[0].receipt.position, "comment", now=later(2))
    assert COMMENT.encode() not in exported(db, "votes") + exported(db, "ledger")
